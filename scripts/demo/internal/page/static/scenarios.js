// What the simulated upstream does with an order, by how its number begins.

import { element, say } from './dom.js';

// Of each scenario: what it is for (any, or face alone), and what it does, in both languages.
const texts = {
  '': ['any', 'found', '查到结果'],
  late: ['any', 'photos follow a second later', '照片晚一秒才到'],
  notfound: ['any', 'no result for this order', '查不到该订单'],
  blurred: ['ocr', 'the photo is blurred', '照片模糊'],
  warn: ['ocr', 'found, with warnings', '查到，带告警码'],
  emptycrop: ['ocr', 'the crops are empty', '没有裁剪图，有原图'],
  throttled: ['any', 'too many requests', '请求过于频繁（限流）'],
  transient: ['any', 'two internal errors, then found', '先两次内部错误，再查到'],
  down: ['any', 'internal error, always', '一直是内部错误'],
  rejected: ['any', 'rejected, whatever the ticket', '不论用什么票据都被拒绝'],
  forbidden: ['any', 'no privilege', '没有权限'],
  toolong: ['any', 'a parameter is too long', '参数超长'],
  unknown: ['any', 'a code that nobody documents', '文档里没有的错误码'],
  number: ['any', 'found; the code is a number', '查到，code 是数字'],
  odd: ['any', 'found; odd JSON: unknown fields, big numbers', '查到，JSON 写法古怪：未知字段、大数'],
  huge: ['any', 'photos of 3 MB each: too large for a response', '每张照片 3 MB：超过响应上限'],
  mismatch: ['face', 'face: another person', '人脸：不是本人'],
  spoof: ['face', 'face: not a living person', '人脸：不是活体'],
  aborted: ['face', 'face: the user gives up, no record', '人脸：用户放弃，没有记录'],
  nodomain: ['face', 'face: no optimalDomain', '人脸：没有 optimalDomain'],
  foreigndomain: ['face', 'face: an optimalDomain that is not the vendor’s', '人脸：optimalDomain 不是厂商的域名'],
  slow: ['any', 'the upstream takes 10 seconds', '上游要 10 秒才答'],
  html: ['any', 'HTTP 200 with an HTML page', 'HTTP 200，却是 HTML 页面'],
  badgateway: ['any', 'HTTP 502 with a page', 'HTTP 502 页面'],
  truncated: ['any', 'the connection closes half way', '传到一半连接关闭'],
  cut: ['any', 'the JSON is cut', 'JSON 被截断'],
  empty: ['any', 'an empty body', '响应体为空'],
  nocode: ['any', 'JSON without a code', 'JSON 里没有 code'],
  reset: ['any', 'the connection is reset', '连接被重置'],
  lost: ['any', 'done, and the connection is reset', '已处理，但连接被重置'],
  redirect: ['any', 'a redirect to another host', '重定向到别的主机'],
};

/** options are the scenarios that wanted(kind) accepts, those that the page has no words for by the upstream's. */
export function options(scenarios, wanted) {
  const order = Object.keys(texts);
  const rank = ({ prefix }) => (order.indexOf(prefix) + 1) || order.length + 1;
  return scenarios.toSorted((a, b) => rank(a) - rank(b)).filter(({ prefix }) => wanted(texts[prefix]?.[0] ?? 'any'))
    .map(({ prefix, what }) => {
      const [, english, chinese] = texts[prefix] ?? ['any', what, what];
      const name = prefix || 'order';
      return say(element('option', { value: prefix }), `${name} – ${english}`, `${name} – ${chinese}`);
    });
}

/** orderNo makes an order number up that begins with a scenario's prefix. */
export function orderNo(prefix) {
  return (prefix || 'order') + (1000 + Math.floor(Math.random() * 9000));
}
