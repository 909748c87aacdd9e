// The tab Ask: one request for a result.

import { announce, busy, check, choice, element, field, post, say, text } from './dom.js';
import { ask, show } from './exchange.js';
import { options, orderNo } from './scenarios.js';

const photos = {
  bankcard: ['bankcardCropPhoto', 'bankcardNoPhoto', 'originBankcardPhoto'],
  idcard: ['frontPhoto', 'backPhoto', 'frontCrop', 'backCrop', 'headPhoto'],
};

// The routes by group: path, with {} for the order number; files and native say which boxes apply.
const groups = [
  ['Results', '结果', [
    { path: '/ocr/bankcard/{}', files: true }, { path: '/ocr/idcard/{}', files: true, native: true }, { path: '/face/{}', files: true },
  ]],
  ['One photo or video', '单张照片或视频', [
    ...['bankcard', 'idcard'].flatMap((type) => photos[type].map((name) => ({ path: `/ocr/${type}/{}/photos/${name}` }))),
    { path: '/face/{}/photo' }, { path: '/face/{}/video' },
  ]],
  ['The upstream’s own paths', '上游自己的路径', [
    { path: '/api/server/getBankCardOcrResult?order_no={}', files: true },
    { path: '/api/server/getOcrResult?order_no={}', files: true, native: true },
    { path: '/api/server/sync?order_no={}', files: true },
    { path: '/api/v2/base/queryfacerecord', body: true }, { path: '/api/v2/base/queryphotoinfo', body: true },
    { path: '/api/server/getWillFaceResult', body: true },
  ]],
  ['Operations', '运维', [{ path: '/healthz' }]],
];
const routes = groups.flatMap(([, , list]) => list);

export function mount(section, setup) {
  const transport = choice(text('Function', '函数'), [['web', text('Web', 'Web 函数')], ['event', text('event', '事件函数')]]);
  const route = element('select', { id: 'ask-route', change: () => draw() }, ...groups.map(([english, chinese, list]) => {
    const group = element('optgroup', { 'data-label-en': english, 'data-label-zh': chinese, label: english });
    group.append(...list.map((r) => element('option', { value: r.path },
      (r.body ? 'POST ' : 'GET ') + r.path.replace('{}', '…'))));
    return group;
  }));
  const scenario = element('select', { id: 'ask-scenario', change: () => { order.value = orderNo(scenario.value); draw(); } }, ...options(setup.scenarios, () => true));
  const order = element('input', { id: 'ask-order', value: 'order1', spellcheck: 'false', autocomplete: 'off', input: () => draw() });
  const app = element('select', { id: 'ask-app', change: () => draw() }, ...setup.apps.map((id) => element('option', { value: id }, id)));
  const files = check(text('with photos', '带照片'), { id: 'ask-files', checked: true, change: () => draw() });
  const native = check(text('get_native, of an ID card', 'get_native（身份证）'), { id: 'ask-native', change: () => draw() });
  const token = check(text('with the caller’s token', '带调用方 token'), { id: 'ask-token', checked: true });
  const voided = check(text('before that, another server voids the ticket', '先由另一台服务器作废票据'), { id: 'ask-void' });
  const line = element('code', { class: 'preview' });
  const button = say(element('button', { type: 'submit', class: 'primary', id: 'ask-send' }), 'Ask', '查询');
  const result = element('div', { class: 'result' }, element('p', { class: 'empty' }, text(
    'What comes back is shown here.', '结果显示在这里。')));

  function request() {
    const r = routes.find(({ path }) => path === route.value);
    const query = new URLSearchParams();
    if (r.files && files.input.checked) query.set('get_file', '1');
    if (r.native && native.input.checked) query.set('get_native', '1');
    if (!r.body && r.path !== '/healthz' && app.selectedIndex > 0) query.set('app_id', app.value);
    const path = r.path.replace('{}', encodeURIComponent(order.value));
    const more = query.size ? (path.includes('?') ? '&' : '?') + query : '';
    const body = r.body ? JSON.stringify({ orderNo: order.value, ...(app.selectedIndex > 0 && { appId: app.value }) }) : '';
    return { function: transport.get(), method: r.body ? 'POST' : 'GET', path: path + more, body, token: token.input.checked };
  }

  function draw() {
    const r = routes.find(({ path }) => path === route.value);
    files.input.disabled = !r.files;
    native.input.disabled = !r.native;
    const { method, path, body } = request();
    line.textContent = `${method} ${path}${body ? '\n' + body : ''}`;
  }

  const form = element('form', {
    class: 'card', submit(event) {
      event.preventDefault();
      busy(button, result, async () => {
        const asked = request();
        if (voided.input.checked) await post('/api/void', { function: asked.function, app: app.value });
        const answer = await ask(asked);
        const { url } = setup.functions.find(({ name }) => name === asked.function);
        result.replaceChildren(show(asked, answer, url, setup.token));
        announce(`Answered ${answer.status} in ${answer.ms} ms`, `状态 ${answer.status}，用时 ${answer.ms} 毫秒`);
      });
    },
  },
  transport.node,
  field(text('What the upstream does', '上游的表现'), scenario),
  field(text('Order number', '订单号'), order),
  field(text('Route', '路由'), route),
  field(text('App', '应用'), app),
  element('div', { class: 'checks' }, files.node, native.node, token.node, voided.node),
  line, button);
  section.addEventListener('language', () => {
    for (const group of route.querySelectorAll('optgroup')) group.label = document.documentElement.lang === 'en' ? group.dataset.labelEn : group.dataset.labelZh;
  });
  section.replaceChildren(element('div', { class: 'split' }, form, result));
  draw();
  form.requestSubmit(); // so that there is something to see
}
