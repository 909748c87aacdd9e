// Elements, the two languages of the page, and its requests.

let language = 'en';

/** translate returns the text in the language of the page. */
export function translate(english, chinese) {
  return language === 'zh' ? chinese : english;
}

/** setLanguage has every text of the page in English ('en') or Chinese ('zh'). */
export function setLanguage(to) {
  language = to;
  document.documentElement.lang = to === 'zh' ? 'zh-CN' : 'en';
  for (const node of document.querySelectorAll('[data-zh]')) {
    node.dataset.en ??= node.textContent;
    node.textContent = translate(node.dataset.en, node.dataset.zh);
  }
  for (const section of document.querySelectorAll('main > section')) section.dispatchEvent(new Event('language'));
}

/** say gives a node its text, which follows the language. */
export function say(node, english, chinese) {
  node.dataset.en = english;
  node.dataset.zh = chinese;
  node.textContent = translate(english, chinese);
  return node;
}

/** text is a span whose text follows the language. */
export function text(english, chinese) {
  return say(document.createElement('span'), english, chinese);
}

/** element makes an element. Of attributes, functions are listeners, and false ones are left out. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child != null && child !== false));
  return node;
}

/** announce tells those who hear the page. */
export function announce(english, chinese) {
  document.getElementById('announcement').textContent = translate(english, chinese);
}

/** get and post make the page's own requests, and return the JSON that comes back. */
export async function get(path) {
  return answer(await fetch(path));
}

export async function post(path, body) {
  return answer(await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }));
}

async function answer(response) {
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json();
}

/** field is a control with its label, and a hint if it has one. */
export function field(label, control, hint) {
  control.id ||= 'control' + ++fields;
  const node = element('div', { class: 'field' }, element('label', { for: control.id }, label), control);
  if (hint) {
    hint.id = control.id + '-hint';
    hint.classList.add('hint');
    control.setAttribute('aria-describedby', hint.id);
    node.append(hint);
  }
  return node;
}
let fields = 0;

/** choice is a group of radio buttons; options are [value, label]. get() has the chosen value. */
export function choice(legend, options, changed) {
  const name = 'choice' + ++fields;
  const inputs = options.map(([value], i) => element('input', { type: 'radio', name, value, checked: i === 0, change: () => changed?.() }));
  const node = element('fieldset', { class: 'choice' }, element('legend', {}, legend),
    element('div', {}, ...options.map(([, label], i) => element('label', {}, inputs[i], label))));
  return { node, get: () => inputs.find((input) => input.checked).value };
}

/** check is a checkbox with its label. */
export function check(label, attributes) {
  const input = element('input', { type: 'checkbox', ...attributes });
  return { node: element('label', { class: 'check' }, input, label), input };
}

/** busy runs work with a button disabled, and shows what went wrong in place. */
export async function busy(button, place, work) {
  button.disabled = true;
  button.setAttribute('aria-busy', 'true');
  try {
    await work();
  } catch (error) {
    place.replaceChildren(element('p', { class: 'alert', role: 'alert' }, error.message));
  } finally {
    button.disabled = false;
    button.removeAttribute('aria-busy');
  }
}

/** copier is a button that copies what content() returns. */
export function copier(content) {
  const button = element('button', {
    type: 'button', class: 'quiet', async click() {
      await navigator.clipboard.writeText(content());
      say(button, 'Copied', '已复制');
      announce('Copied', '已复制');
      setTimeout(() => say(button, 'Copy', '复制'), 1500);
    },
  });
  return say(button, 'Copy', '复制');
}
