// The tab Whole flow: a user from the start to the evidence, step by step.

import { announce, busy, element, field, post, say, text } from './dom.js';
import { ask, block, show, tree } from './exchange.js';
import { options } from './scenarios.js';

// The ways a user can go: what starts them, the client, and where the result is.
const ways = {
  ocr: ['OCR SDK', 'OCR SDK', { client: 'ocr', flow: 'ocr' }],
  enhanced: ['face SDK, enhanced', '人脸 SDK，增强版', { client: 'face', flow: 'face' }],
  basic: ['face SDK, basic', '人脸 SDK，基础版', { client: 'face', flow: 'face' }],
  plus: ['face SDK, plus', '人脸 SDK，plus', { client: 'face', flow: 'face' }],
  will: ['face SDK, will (意愿核身)', '人脸 SDK，意愿核身', { client: 'face', flow: 'face', query: '?product=will' }],
  h5: ['page on a phone (H5)', '手机页面（H5）', { client: 'h5', flow: 'face' }],
  h5plus: ['page on a phone, plus', '手机页面，plus', { client: 'h5', flow: 'face' }],
  pch5: ['page on a PC', '电脑页面', { client: 'h5', flow: 'face' }],
};

const scenarios = { ocr: ['', 'late', 'blurred', 'notfound', 'warn'], face: ['', 'mismatch', 'spoof', 'aborted', 'late', 'nodomain'] };

export function mount(section, setup) {
  const way = element('select', { id: 'flow-way', change: () => { fill(); restart(); } }, ...Object.entries(ways).map(([value, [english, chinese]]) => say(element('option', { value }), english, chinese)));
  const scenario = element('select', { id: 'flow-scenario', change: () => restart() });
  const transport = element('select', { id: 'flow-function', change: () => restart() },
    say(element('option', { value: 'web' }), 'Web function', 'Web 函数'), say(element('option', { value: 'event' }), 'event function', '事件函数'));
  const list = element('ol', { class: 'steps' });
  const all = say(element('button', { type: 'button', class: 'quiet', id: 'flow-all', click: () => busy(all, document.createElement('p'), runAll) }), 'All steps', '全部执行');
  const again = say(element('button', { type: 'button', class: 'quiet', id: 'flow-again', click: () => restart() }), 'New order', '换新订单');
  let run;

  function fill() {
    const fit = scenarios[way.value === 'ocr' ? 'ocr' : 'face'];
    scenario.replaceChildren(...options(setup.scenarios.filter(({ prefix }) => fit.includes(prefix)), () => true));
  }

  function restart() {
    run = new Run(setup, way.value, scenario.value, transport.value);
    list.replaceChildren(...run.steps.map((step) => step.node));
  }

  async function runAll() {
    if (run.at > 0) restart();
    const mine = run;
    while (mine === run && mine.at < mine.steps.length && await mine.steps[mine.at].go()) { /* the next one */ }
  }

  fill();
  restart();
  section.replaceChildren(element('div', { class: 'card row' },
    field(text('Client', '客户端'), way), field(text('What happens', '会发生什么'), scenario), field(text('Function', '函数'), transport),
    element('div', { class: 'tools' }, all, again)), list);
}

// Run is one user with one order.
class Run {
  at = 0; // the step whose turn it is
  constructor(setup, name, prefix, fn) {
    const way = ways[name][2];
    this.order = (prefix || 'flow') + Math.random().toString(36).slice(2, 10);
    const body = { user_id: 'user1', order_no: this.order };
    if (name !== 'ocr') Object.assign(body, { product: name, name: '张三', id_no: '00000019900101000X' });
    if (way.client === 'h5') Object.assign(body, { url: 'https://shop.example/kyc/back', result_type: '1' });
    const get = (path) => ({ method: 'GET', path });
    const make = (english, chinese, work, why) => this.#step(english, chinese, why, work);
    const request = (of) => async () => {
      const asked = { function: fn, body: '', token: true, ...of() };
      const answer = await ask(asked);
      return { answer, ok: answer.status === 200, node: show(asked, answer, setup.functions.find((f) => f.name === fn).url, setup.token, true) };
    };
    this.steps = [
      make('The backend starts', '后端启动', async () => {
        const done = await request(() => ({ method: 'POST', path: name === 'ocr' ? '/start/ocr' : '/start/face', body: JSON.stringify(body) }))();
        if (done.ok) this.start = JSON.parse(done.answer.body);
        return done;
      }, ['It makes the order number up and hands the answer to the front end at once: the sign is good once, for two minutes.',
        '订单号由后端生成，应答立即交给前端：签名只能用一次，两分钟内有效。']),
      make('The user’s client', '用户的客户端', async () => {
        const back = await post('/api/phone', { function: fn, client: way.client, start: this.start });
        this.back = back.callback ? fromCallback(back.callback) : back;
        return { ok: !back.refusal, node: phone(this.start, back) };
      }, ['The vendor’s SDK or page, simulated: it redeems the start, and hands back what the vendor signed.',
        '厂商的 SDK 或页面（模拟）：兑换启动参数，交回厂商签过名的结果。']),
      make('The backend has the callback checked', '后端校验回调', request(() => ({
        method: 'POST', path: '/check',
        body: JSON.stringify({ flow: way.flow, order_no: this.back.orderNo, code: this.back.code, sign: this.back.sign }),
      })), ['All of it passed through the user’s hands: is the sign the vendor’s?', '这些内容都经过用户之手：签名真是厂商的吗？']),
      make('The result', '结果', request(() => get(name === 'ocr' ? `/ocr/bankcard/${this.order}` : `/face/${this.order}${way.query ?? ''}`)),
        name === 'ocr' ? ['The code says whether the card was read.', 'code 说明是否识别成功。'] : ['The verdict is the code: "0" is a living person, and the one that was named.', '结论看 code："0" 表示是活体，且是本人。']),
      ...(name === 'ocr'
        ? [make('The photo', '照片', request(() => get(`/ocr/bankcard/${this.order}/photos/originBankcardPhoto`)))]
        : [make('The photo', '照片', request(() => get(`/face/${this.order}/photo${way.query ?? ''}`))),
          make('The video', '视频', request(() => get(`/face/${this.order}/video${way.query ?? ''}`)))]),
    ];
    this.#enable();
  }

  #step(english, chinese, why, work) {
    const result = element('div', { class: 'step-result' });
    const button = say(element('button', { type: 'button', class: 'primary', click: () => step.go() }), 'Do it', '执行');
    const step = {
      button,
      node: element('li', { class: 'card' }, element('div', { class: 'step-head' },
        element('div', {}, element('h2', {}, text(english, chinese)), why && element('p', { class: 'hint' }, text(...why))), button), result),
      go: async () => {
        let ok = false;
        await busy(button, result, async () => {
          const done = await work();
          result.replaceChildren(done.node);
          step.node.classList.toggle('done', done.ok);
          ok = done.ok;
          const index = this.steps.indexOf(step);
          if (ok || index >= 2) this.at = Math.max(this.at, index + 1); // without a start there is no client
          announce(`${english}: ${ok ? 'done' : 'refused'}`, `${chinese}：${ok ? '完成' : '被拒绝'}`);
        });
        this.#enable();
        return ok || this.at > this.steps.indexOf(step);
      },
    };
    return step;
  }

  #enable() {
    for (const [i, { button, node }] of this.steps.entries()) {
      button.disabled = i > this.at;
      node.classList.toggle('waiting', i > this.at);
    }
  }
}

// fromCallback reads what a page hands back in the URL that it sends the browser to.
function fromCallback(url) {
  const query = new URL(url).searchParams;
  return { code: query.get('code'), orderNo: query.get('orderNo'), sign: query.get('newSignature') ?? query.get('newSign') };
}

function phone(start, back) {
  return element('article', { class: 'exchange' }, element('div', { class: 'sides' },
    block(text('The client is given', '客户端拿到'), tree(JSON.stringify(start))),
    block(back.refusal ? text('It refuses', '它拒绝') : text('It hands back', '它交回'), tree(JSON.stringify(back)))));
}
