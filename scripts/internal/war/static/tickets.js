// The tab Tickets: a fleet of real processes, how its instances come by the one ticket, and what comes
// of that.

import { announce, choice, element, field, post, say, text, translate } from '/dom.js';
import { Timeline } from './timeline.js';

const policies = {
  own: {
    name: ['each instance its own ticket', '每个实例各取各的票据'],
    what: ['The obvious handler: each instance fetches a token and a ticket and keeps them for 20 minutes. Each fetch ends the pairs of all others a minute later.',
      '最容易想到的写法：每个实例自己取 token 和票据，缓存 20 分钟。任何一次获取都会在一分钟后让其他实例手里的那一对失效。'],
  },
  naive: {
    name: ['a shared cache without a lock', '没有锁的共享缓存'],
    what: ['All instances read one ticket from a Redis; whoever finds it expired fetches one at once. Several do so together, and the one that is kept may be one that is void. Nobody heeds a rejection: let another server fetch a token.',
      '所有实例从一个 Redis 读同一张票据，谁发现过期谁就立刻去取。往往几个实例同时去取，留在缓存里的可能恰好是已作废的那张。被拒绝也没有人理会：不妨让另一台服务器取一次 token。'],
  },
  relay: {
    name: ['the relay', '本中继'],
    what: ['The function: instances share one pair through a Redis and elect one of them to renew it, while the pair in use serves on. A rejected pair is replaced within the same request.',
      '本函数：各实例通过 Redis 共用一对凭证，由其中一个负责更新，更新期间旧的照常使用。被拒绝的凭证在同一个请求内就会换新。'],
  },
};

export async function mount(section) {
  const style = element('link', { rel: 'stylesheet', href: '/war/tickets.css' });
  await new Promise((resolve) => { style.onload = style.onerror = resolve; document.head.append(style); });

  const policy = choice(text('Where the ticket comes from', '票据从哪里来'),
    Object.entries(policies).map(([value, { name }]) => [value, text(...name)]), run);
  const instances = element('select', { id: 'war-instances', change: run },
    ...[1, 2, 3, 5, 8].map((n) => element('option', { selected: n === 5 }, n)));
  const store = button(['Stop the store', '停掉存储'], () => post('/war/store', { on: !storeUp }));
  store.id = 'war-store';
  const foreign = button(['Let another server fetch a token', '让另一台服务器取一次 token'], () => post('/war/foreign', {}));
  foreign.id = 'war-foreign';
  const what = element('p', { class: 'hint' });
  const trouble = element('div', { class: 'trouble' });
  const failed = figure(['failed queries', '失败的查询']), mints = figure(['tokens fetched an hour', '每小时获取的 token']);
  failed.value.id = 'war-failed';
  failed.note.id = 'war-queries';
  mints.value.id = 'war-mints';
  const pace = figure(['time', '时间']);
  const rows = element('ol', {});
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('role', 'img');
  svg.id = 'war-picture';
  const timeline = new Timeline(svg);
  let list = [], storeUp = true, asking = null, current = {}, figures = null;

  section.replaceChildren(element('div', { class: 'war' },
    element('div', { class: 'card controls' }, policy.node, field(text('Instances', '实例数'), instances), store, foreign),
    what, trouble,
    element('dl', { class: 'figures' }, failed.node, mints.node, pace.node),
    element('div', { class: 'field-of-view' }, rows, svg),
    legend()));

  function button([english, chinese], act) {
    return say(element('button', {
      type: 'button', class: 'quiet', async click() {
        trouble.replaceChildren();
        try { await act(); } catch (error) { fail(error.message); }
      },
    }), english, chinese);
  }

  function fail(message) { trouble.replaceChildren(element('p', { class: 'alert', role: 'alert' }, message)); }

  async function run() {
    trouble.replaceChildren();
    try {
      await post('/war/run', { policy: policy.get(), instances: Number(instances.value) });
    } catch (error) { fail(error.message); }
  }

  function row(number) {
    const state = text('starting', '启动中');
    state.classList.add('state');
    const freeze = button(['Freeze', '冻结'], () => post('/war/freeze', { instance: number, on: list[number].state !== 'frozen' }));
    const kill = button(['Kill', '杀掉'], () => post('/war/kill', { instance: number }));
    freeze.classList.add('freeze');
    kill.classList.add('kill');
    for (const control of [freeze, kill]) control.setAttribute('aria-describedby', 'war-row' + number);
    return {
      queries: 0, failed: 0, pairs: 0, state: '', text: state, freeze,
      node: element('li', {}, element('div', { class: 'line', id: 'war-row' + number }, element('b', {}, letter(number)), state),
        element('div', { class: 'line' }, freeze, kill)),
    };
  }

  const handle = {
    run(event) {
      current = event;
      figures = null;
      storeUp = event.policy !== 'own';
      section.querySelector(`input[value=${event.policy}]`).checked = true;
      if ([...instances.options].some(({ value }) => value === String(event.instances))) instances.value = event.instances;
      say(what, ...policies[event.policy].what);
      list = Array.from({ length: event.instances }, (_, i) => row(i));
      rows.replaceChildren(...list.map(({ node }) => node),
        element('li', {}, text('another server', '另一台服务器')));
      store.disabled = event.policy === 'own';
      say(store, 'Stop the store', '停掉存储');
      timeline.begin(event);
      show();
    },
    query(event) {
      list[event.instance].queries++;
      if (!event.ok) list[event.instance].failed++;
    },
    pair(event) { if (event.instance >= 0 && !event.replaced) list[event.instance].pairs++; },
    instance(event) {
      const names = { up: ['runs', '运行中'], frozen: ['frozen', '已冻结'], killed: ['killed', '已被杀'] };
      const of = list[event.instance];
      const [english, chinese] = names[event.state];
      if (of.state) announce(`${letter(event.instance)}: ${english}`, `${letter(event.instance)}：${chinese}`);
      of.state = event.state;
      say(of.text, english, chinese);
      say(of.freeze, ...(event.state === 'frozen' ? ['Thaw', '解冻'] : ['Freeze', '冻结']));
    },
    store(event) {
      storeUp = Boolean(event.up);
      say(store, ...(storeUp ? ['Stop the store', '停掉存储'] : ['Start the store', '启动存储']));
    },
    figures(event) { figures = event.figures; show(); },
  };

  // show shows the figures, which are those of the server.
  function show() {
    Object.assign(failed.note.dataset, { policy: current.policy, queries: figures?.queries ?? 0 });
    const share = figures && Math.round(1000 * figures.failedShare) / 10;
    failed.show(figures ? share + ' %' : '–', figures && (figures.failed > 0 ? 'bad' : 'good'),
      figures ? [`${figures.failed} of ${figures.queries} queries`, `${figures.queries} 次查询中的 ${figures.failed} 次`] : waiting);
    mints.show(figures ? figures.mintsPerHour.toFixed(1) : '–', figures && (figures.mintsPerHour > 4.5 ? 'bad' : 'good'),
      figures ? [`${figures.mints} in ${Math.round(figures.minutes)} minutes; 3 are enough`, `${Math.round(figures.minutes)} 分钟内 ${figures.mints} 个；3 个就够`] : waiting);
    const speed = Math.round(60000 / (current.minute || 200));
    pace.show('× ' + speed, '', ['20 minutes take 4 seconds; each instance is asked every 2 minutes', '20 分钟只需 4 秒；每个实例每 2 分钟被查询一次']);
    svg.setAttribute('aria-label', list.map((r, i) => translate(
      `${letter(i)}: ${r.queries} queries, ${r.failed} failed, ${r.pairs} tokens fetched`,
      `${letter(i)}：查询 ${r.queries} 次，失败 ${r.failed} 次，获取 token ${r.pairs} 个`)).join('; '));
  }

  // The run is watched as long as the tab is seen: without a watcher the processes end.
  let source = null;
  function watch(seen) {
    if (seen === Boolean(source)) return;
    if (!seen) {
      source.close();
      source = null;
      cancelAnimationFrame(asking);
      return;
    }
    source = new EventSource('/war/events');
    source.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      handle[event.kind](event);
      if (event.kind !== 'run') timeline.add(event);
    };
    const still = matchMedia('(prefers-reduced-motion: reduce)');
    let last = 0;
    const frame = (at) => {
      if (!still.matches || at - last > 1000) {
        timeline.frame();
        last = at;
      }
      asking = requestAnimationFrame(frame);
    };
    asking = requestAnimationFrame(frame);
  }
  let inView = false;
  new IntersectionObserver(([entry]) => { inView = entry.isIntersecting; watch(inView && !document.hidden); }).observe(section);
  document.addEventListener('visibilitychange', () => watch(inView && !document.hidden));
}

const waiting = ['once all instances are there', '待全部实例启动后统计'];

/** letter is the name of an instance. */
const letter = (number) => String.fromCharCode(65 + number);

function figure([english, chinese]) {
  const value = element('b', {}), note = text('', '');
  const node = element('div', {}, element('dt', {}, text(english, chinese)), element('dd', {}, value, note));
  return {
    node, value, note,
    show(shown, kind, words) {
      value.textContent = shown;
      node.className = kind ?? '';
      say(note, ...words);
    },
  };
}

function legend() {
  const item = (kind, mark, english, chinese) => element('li', {}, element('i', { class: kind, 'aria-hidden': true }, mark), text(english, chinese));
  return element('ul', { class: 'legend' },
    item('', '', 'a pair, in the row of who fetched it', '一对凭证，画在获取者那一行'),
    item('over', '', 'its last minute, after a newer one was fetched', '有更新的一对之后的最后一分钟'),
    item('dot', '', 'a query that was answered', '成功的查询'),
    item('cross', '×', 'a query that failed', '失败的查询'),
    item('asleep', '', 'frozen', '已冻结'),
    item('outage', '', 'no store', '存储已停'));
}
