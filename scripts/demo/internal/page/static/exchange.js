// A request and what came back, as the page shows it.

import { copier, element, post, say, text } from './dom.js';
import { decode, files, parse, sniff, view } from './json.js';
import { languages, snippet } from './snippets.js';

const reasons = {
  200: 'OK', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed',
  407: 'Payload Too Large (platform)', 413: 'Request Entity Too Large', 500: 'Internal Server Error', 502: 'Bad Gateway',
  503: 'Service Unavailable', 504: 'Gateway Timeout',
};

/** ask makes a request {function, method, path, body, token} through the page's server, and returns what came back. */
export async function ask(request) {
  const answer = await post('/api/ask', request);
  answer.json = answer.base64 ? null : parse(answer.body);
  return answer;
}

/** show returns the article of a request and its answer. base is the address of the function. What
    a brief one has besides request, answer and files is folded. */
export function show(request, answer, base, token, brief = false) {
  const found = answer.json ? files(answer.json) : [];
  if (answer.base64) {
    const bytes = decode(answer.body);
    found.push({ name: request.path.split('?')[0].split('/').pop(), bytes, type: sniff(bytes) });
  }
  return element('article', { class: 'exchange' },
    element(brief ? 'p' : 'h2', { class: 'line' }, badge(answer.status), element('code', {}, `${request.method} ${request.path}`)),
    !brief && time(answer),
    found.length > 0 && block(text('Photos and videos', '照片与视频'), element('div', { class: 'files' }, ...found.map(media))),
    element('div', { class: 'sides' },
      request.body && block(text('Body of the request', '请求体'), tree(request.body)),
      !answer.base64 && block(text('Body of the answer', '响应体'), tree(answer.body))),
    !brief && logged(answer),
    element('div', { class: 'folds' },
      brief && element('details', { class: 'more' }, element('summary', {}, text('Time and log', '用时与日志')), time(answer), logged(answer)),
      headers(answer.headers),
      copies(request, base, token)));
}

function logged(answer) {
  return block(text('The line that it left in the log', '留下的日志'), log(answer.log));
}

export function badge(status) {
  const kind = status < 300 ? 'good' : status < 500 ? 'warn' : 'bad';
  return element('span', { class: `badge ${kind}` }, `${status} ${reasons[status] ?? ''}`);
}

export function block(title, ...content) {
  return element('section', {}, element('h3', {}, title), ...content);
}

/** tree shows JSON, open to so many levels, and other text as it is. */
export function tree(source, open) {
  const node = parse(source);
  if (!node) return element('pre', { class: 'plain', tabindex: 0 }, source || '–');
  return element('div', { class: 'json' }, view(node, open));
}

/** media is a photo as a picture, or a video, to be played and saved. */
export function media({ name, bytes, type }) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  return figure(name, url, type, bytes.length);
}

export function figure(name, url, type, size) {
  const video = type.startsWith('video/');
  const save = say(element('a', { href: url, download: name.includes('.') ? name : `${name}.${type.split('/')[1].replace('jpeg', 'jpg')}` }), 'save', '保存');
  const shown = video
    ? element('video', { src: url, controls: true, preload: 'metadata', 'aria-label': name, error: (e) => e.target.replaceWith(unplayable()) })
    : element('img', { src: url, alt: name });
  return element('figure', {}, shown, element('figcaption', {}, element('span', {}, name), `${size} B · `, save));
}

// The simulated upstream's video is a few bytes.
function unplayable() {
  return element('p', { class: 'unplayable' }, text('This video has no pictures: save it to look at its bytes.', '这个视频没有画面，可保存后查看其字节。'));
}

/** log shows lines of the function's log by their members, and as they were written. */
export function log(lines) {
  if (lines.length === 0) return element('p', { class: 'hint' }, text('None: the platform answered.', '没有：由平台作答。'));
  return element('div', { class: 'log' }, ...lines.map((line) => {
    const node = parse(line);
    if (!node?.items) return element('pre', { class: 'plain' }, line);
    const skipped = ['"time"', '"level"'];
    return element('details', {},
      element('summary', {}, ...node.items.filter(([n]) => !skipped.includes(n)).map(([n, item]) =>
        element('span', { class: 'member' }, element('b', {}, n.slice(1, -1)), ' ', (item.raw ?? '{…}').replace(/^"|"$/g, '')))),
      element('pre', { class: 'plain', tabindex: 0 }, line));
  }));
}

/** time says where the time of a request went, by the line of its log. */
export function time(answer) {
  const line = answer.log.map((l) => { try { return JSON.parse(l); } catch { return {}; } }).findLast((l) => l.total_ms !== undefined);
  if (!line) return null;
  const parts = [
    ['upstream', line.upstream_ms, 'the upstream', '上游'],
    ['relay', Math.max(0, line.total_ms - line.upstream_ms), 'the relay and its tickets', '中继，含取票据'],
    ['way', Math.max(0, answer.ms - line.total_ms), 'the way there and back', '往返路上'],
  ];
  const bar = element('div', { class: 'bar', 'aria-hidden': 'true' }, ...parts.map(([kind, ms]) => {
    const part = element('span', { class: kind });
    part.style.flexGrow = ms;
    return part;
  }));
  return block(text(`Where ${answer.ms} ms went`, `${answer.ms} 毫秒用在哪里`), bar, element('ul', { class: 'legend' },
    ...parts.map(([kind, ms, english, chinese]) => element('li', { class: kind }, text(english, chinese), ` ${round(ms)} ms`))));
}

function round(ms) {
  return ms < 10 ? ms.toFixed(2) : Math.round(ms);
}

export function headers(list) {
  return element('details', { class: 'more' }, element('summary', {}, text(`Headers (${list.length})`, `HTTP 头（${list.length}）`)),
    element('table', {}, element('tbody', {}, ...list.map(([name, value]) =>
      element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, value))))));
}

/** copies offers the request as curl and in several languages. */
function copies(request, base, token) {
  const code = element('pre', { class: 'plain code', tabindex: 0 });
  const choose = element('select', { change: () => fill() }, ...languages.map((name) => element('option', { value: name }, name)));
  choose.setAttribute('aria-label', 'curl, Node, Python, PHP, Java, Go');
  const fill = () => { code.textContent = snippet(choose.value, request, base, token); };
  fill();
  return element('details', { class: 'more copies' }, element('summary', {}, text('Copy as curl, Node, Python, PHP, Java or Go', '复制为 curl、Node、Python、PHP、Java 或 Go')),
    element('div', { class: 'tools' }, choose, copier(() => code.textContent)), code);
}
