// The tab After the OCR: an event, the archive that grows, and the webhook.

import { announce, busy, check, choice, element, field, get, post, say, text } from './dom.js';
import { block, figure, headers, log, tree } from './exchange.js';
import { events, kinds } from './events.js';
import { options, orderNo } from './scenarios.js';
import { verify } from './webhook.js';

export function mount(section, setup) {
  const type = choice(text('Type', '类型'), [['bankcard', text('bank card', '银行卡')], ['idcard', text('ID card', '身份证')], ['face', text('face', '人脸')]], () => draw());
  const kind = element('select', { id: 'deliver-kind', change: () => draw() }, ...kinds.map(([value, english, chinese]) => say(element('option', { value }), english, chinese)));
  const scenario = element('select', { id: 'deliver-scenario', change: () => { orders.value = orderNo(scenario.value); draw(); } }, ...options(setup.scenarios, () => true));
  scenario.value = 'late';
  const orders = element('input', { id: 'deliver-orders', value: orderNo('late'), spellcheck: 'false', autocomplete: 'off', input: () => draw() });
  const app = element('select', { change: () => draw() }, ...setup.apps.map((id) => element('option', { value: id }, id)));
  const bad = check(text('and a malformed message', '再加一条坏消息'), { id: 'deliver-bad', change: () => draw() });
  const preview = element('div', { class: 'json preview' });
  const button = say(element('button', { type: 'submit', class: 'primary', id: 'deliver-send' }), 'Send the event', '发送事件');
  const returned = element('div');
  const archive = new Archive(setup);
  const inbox = new Inbox(setup);

  function chosen() {
    const list = orders.value.split(/[\s,]+/).filter(Boolean).map((order) => ({
      type: type.get(), order, app: kind.value === 'cos' || app.selectedIndex === 0 ? undefined : app.value,
    }));
    return events(kind.value, list, bad.input.checked && !bad.input.disabled);
  }

  function draw() {
    bad.input.disabled = kind.value !== 'ckafka' && kind.value !== 'eventbridge';
    app.disabled = kind.value === 'cos';
    preview.replaceChildren(...chosen().map((event) => tree(JSON.stringify(event))));
  }

  async function refresh() {
    const now = await get('/api/delivered');
    archive.show(now.files);
    await inbox.show(now.told);
  }

  const form = element('form', {
    class: 'card', submit(event) {
      event.preventDefault();
      busy(button, returned, async () => {
        returned.replaceChildren();
        for (const one of chosen()) {
          const sent = JSON.stringify(one);
          let done = false;
          const answer = post('/api/event', { payload: sent }).finally(() => { done = true; });
          while (!done) { // the archive is watched as it grows
            await refresh();
            await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 150))]);
          }
          returned.append(outcome(sent, await answer));
        }
        await refresh();
        announce('The function has returned', '函数已返回');
      });
    },
  },
  type.node,
  field(text('Event', '事件'), kind),
  field(text('What the upstream does', '上游的表现'), scenario),
  field(text('Order numbers', '订单号'), orders, text('Several are separated by spaces. The same one again is skipped.', '多个用空格隔开；同一订单再来会被跳过。')),
  field(text('App', '应用'), app),
  bad.node, preview, button);

  section.replaceChildren(element('div', { class: 'split' }, form,
    element('div', { class: 'result' }, returned, archive.node, inbox.node)));
  draw();
  return refresh();
}

// outcome is what an invocation came to.
function outcome(sent, { payload, error, failure, ms, log: lines }) {
  const message = failure || error?.message;
  return element('article', { class: 'exchange' },
    element('h2', { class: 'line' }, message
      ? element('span', { class: 'badge bad' }, text('failed: the platform sends it again', '失败：平台会重发'))
      : element('span', { class: 'badge good' }, text('returned', '已返回')), element('code', {}, `${ms} ms`)),
    block(text('What the function returned', '函数的返回值'), element('pre', { class: 'plain' }, message || payload)),
    element('details', { class: 'more' }, element('summary', {}, text('The lines that it left in the log', '留下的日志')), log(lines)));
}

// clock is the time of day, to the millisecond.
function clock(at) {
  return new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 });
}

// Archive lists the files that the function wrote.
class Archive {
  #known = new Map(); // rows by file
  #files = [];
  #watching = false; // what was there before the page is not opened by itself
  #body = element('tbody');
  #viewer = element('div', { class: 'viewer', 'aria-live': 'polite' });
  #empty = element('p', { class: 'hint' }, text('Empty so far.', '还是空的。'));

  constructor(setup) {
    this.node = element('article', { class: 'exchange', id: 'archive' }, element('h2', {}, text('The archive', '归档')),
      setup.archive ? this.#empty : element('p', { class: 'hint' }, text('On Windows the demo has none: a file:// URL has no drive letter.', 'Windows 上的演示没有归档：file:// URL 里没有盘符。')),
      element('div', { class: 'scroll' }, element('table', { class: 'files-table', hidden: true }, this.#body)), this.#viewer);
  }

  show(files) {
    let opened = '';
    this.#files = files;
    const names = new Set(files.map(({ name }) => name));
    for (const [name, row] of this.#known) {
      if (names.has(name)) continue;
      row.remove(); // a mark: every sink has its order now
      this.#known.delete(name);
    }
    for (const [i, { name, bytes, at }] of files.entries()) {
      if (this.#known.has(name)) {
        this.#known.get(name).children[1].textContent = `${bytes} B`;
        continue;
      }
      const row = element('tr', { class: 'new' },
        element('th', { scope: 'row' }, element('button', { type: 'button', class: 'link', click: () => this.open(name) }, name)),
        element('td', {}, `${bytes} B`), element('td', {}, clock(at)));
      this.#known.set(name, row);
      this.#body.insertBefore(row, this.#body.children[i] ?? null);
      if (name.endsWith('/result.json')) opened = name; // an order is complete
    }
    if (opened && this.#watching) this.open(opened);
    this.#watching = true;
    this.node.querySelector('table').hidden = files.length === 0;
    this.#empty.hidden = files.length > 0;
  }

  // open shows a file; a result with the photos and the video beside it.
  async open(name) {
    const folder = name.slice(0, name.lastIndexOf('/') + 1);
    const wanted = this.#files.filter((file) => file.name === name || name === folder + 'result.json' && file.name.startsWith(folder));
    const media = wanted.filter(({ name: n }) => types[extension(n)]).map(({ name: n, bytes }) =>
      figure(n.slice(folder.length), address(n), types[extension(n)], bytes));
    const whole = types[extension(name)] ? null : tree(await (await fetch(address(name))).text(), media.length > 0 ? 0 : Infinity);
    this.#viewer.replaceChildren(element('h3', {}, name), element('div', { class: 'files' }, ...media), ...(whole ? [whole] : []));
  }
}

const types = { jpg: 'image/jpeg', png: 'image/png', mp4: 'video/mp4' };
const extension = (name) => name.slice(name.lastIndexOf('.') + 1);
const address = (name) => '/api/archive/' + name.split('/').map(encodeURIComponent).join('/');

// Inbox shows what the webhook was told, each message verified.
class Inbox {
  #shown = 0;
  #list = element('div', { class: 'messages' });
  #empty = element('p', { class: 'hint' }, text('Nothing came so far.', '还没有收到。'));

  constructor(setup) {
    this.secret = setup.secret;
    this.node = element('article', { class: 'exchange', id: 'inbox' }, element('h2', {}, text('The webhook', 'Webhook')),
      element('p', { class: 'hint' }, text('Verified here, in this browser, with DELIVER_SECRET: ', '在这个浏览器里用 DELIVER_SECRET 校验：'), element('code', {}, setup.secret)),
      this.#empty, this.#list);
  }

  async show(told) {
    const keys = told.map(({ at }) => at);
    const fresh = told.slice(keys.indexOf(this.last) + 1);
    this.last = keys.at(-1);
    this.#empty.hidden = told.length > 0;
    for (const message of fresh) this.#list.prepend(await this.#message(message, ++this.#shown));
    if (fresh.length > 0) announce('The webhook was told', 'Webhook 收到消息');
  }

  async #message({ headers: list, body, at }, number) {
    const header = (name) => list.find(([n]) => n.toLowerCase() === name)?.[1] ?? '';
    const signed = { id: header('webhook-id'), timestamp: header('webhook-timestamp'), signature: header('webhook-signature') };
    const judge = async (bytes) => (await verify({ ...signed, body: bytes }, this.secret)
      ? element('span', { class: 'badge good verified' }, text('✓ signature verified', '✓ 签名有效'))
      : element('span', { class: 'badge bad' }, text('✗ signature does not fit', '✗ 签名不符')));
    const verdict = element('span', { role: 'status' }, await judge(body));
    const tampered = element('span', { role: 'status' });
    const try_ = say(element('button', {
      type: 'button', class: 'quiet tamper', async click() {
        tampered.replaceChildren(await judge(body.replace('"app_id":"IDA', '"app_id":"IDB').replace('"name":', '"nane":')));
      },
    }), 'Change a letter, and verify again', '改一个字母再校验');
    return element('section', { class: 'message' },
      element('p', { class: 'line' }, verdict, element('code', {}, `${number}. ${clock(at)}`), try_, tampered),
      tree(body, 2), headers(list));
  }
}
