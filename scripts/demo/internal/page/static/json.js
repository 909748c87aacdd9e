// JSON as it was written: the order of names, the spelling of numbers and escapes stay.

import { element, text } from './dom.js';

/** parse returns a tree of {raw} for values, {open, items: [[name, node]]} for objects and lists; null where the text is no JSON. */
export function parse(source) {
  try {
    JSON.parse(source);
  } catch {
    return null;
  }
  const tokens = source.match(/"(?:[^"\\]|\\.)*"|[^\s,:{}[\]"]+|[{}[\]]/g); // commas and colons say nothing more
  let at = 0;
  const value = () => {
    const token = tokens[at++];
    if (token !== '{' && token !== '[') return { raw: token };
    const node = { open: token, items: [] };
    while (tokens[at] !== '}' && tokens[at] !== ']') node.items.push([token === '{' ? tokens[at++] : null, value()]);
    at++;
    return node;
  };
  return value();
}

const longest = 160; // characters of a text that is shown whole

/** view shows a tree. What is long is folded, and what is deeper than open levels. */
export function view(node, open = Infinity, name = null, last = true) {
  const key = name === null ? [] : [element('span', { class: 'name' }, name), ': '];
  const comma = last ? '' : ',';
  if (node.open === undefined) {
    const kind = node.raw[0] === '"' ? 'string' : 'literal';
    if (node.raw.length <= longest) return element('div', {}, ...key, element('span', { class: kind }, node.raw), comma);
    const whole = element('pre', { tabindex: 0 });
    return element('details', { class: 'long', toggle: () => { whole.textContent ||= node.raw; } },
      element('summary', {}, ...key, element('span', { class: kind }, node.raw.slice(0, 24) + '…'), comma, ' ',
        element('span', { class: 'count' }, amount(node.raw.length - 2))), whole);
  }
  const close = node.open === '{' ? '}' : ']';
  if (node.items.length === 0) return element('div', {}, ...key, node.open + close + comma);
  return element('details', { open: open > 0 },
    element('summary', {}, ...key, node.open, element('span', { class: 'folded' }, ` … ${close}${comma}`)),
    element('div', { class: 'inner' }, ...node.items.map(([n, item], i) => view(item, open - 1, n, i === node.items.length - 1))),
    element('div', {}, close + comma));
}

function amount(characters) {
  return text(`${characters} characters`, `${characters} 个字符`);
}

/** files finds the photos and videos that a tree holds in Base64: [{name, bytes, type}]. */
export function files(node, name = '', found = []) {
  for (const [n, item] of node.items ?? []) files(item, n === null ? name : JSON.parse(n), found);
  if (node.raw?.length > 40 && node.raw[0] === '"') {
    const bytes = decode(JSON.parse(node.raw));
    const type = bytes && sniff(bytes);
    if (type) found.push({ name, bytes, type });
  }
  return found;
}

/** decode returns the bytes of Base64, null where the text is none. */
export function decode(base64) {
  try {
    return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
}

/** sniff returns the type of a photo or video by its first bytes, '' if it is none. */
export function sniff(bytes) {
  const begins = (...first) => first.every((b, i) => b === bytes[i]);
  if (begins(0xff, 0xd8, 0xff)) return 'image/jpeg';
  if (begins(0x89, 0x50, 0x4e, 0x47)) return 'image/png';
  if (String.fromCharCode(...bytes.slice(4, 8)) === 'ftyp') return 'video/mp4';
  return '';
}
