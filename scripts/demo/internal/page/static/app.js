// The page: its tabs and its languages.

import { element, get, setLanguage, text, translate } from './dom.js';
import { mount as mountAsk } from './ask.js';
import { mount as mountDeliver } from './deliver.js';
import { mount as mountFlow } from './flow.js';

const tabs = [...document.querySelectorAll('[role=tab]')];
const panel = (tab) => document.getElementById(tab.getAttribute('aria-controls'));
const mounts = { ask: mountAsk, tickets: mountTickets, deliver: mountDeliver, flow: mountFlow };
const mounted = new Set();
const setup = get('/api/setup');

async function mountTickets(section) {
  if (!(await setup).war) {
    section.replaceChildren(element('p', { class: 'empty' }, text('There is no fleet to show yet.', '还没有可展示的实例群。')));
    return;
  }
  const { mount } = await import('/war/tickets.js');
  await mount(section, translate);
}

async function select(tab, focus) {
  for (const other of tabs) {
    const chosen = other === tab;
    other.setAttribute('aria-selected', chosen);
    other.tabIndex = chosen ? 0 : -1;
    panel(other).hidden = !chosen;
  }
  if (focus) tab.focus();
  const section = panel(tab);
  history.replaceState(null, '', '#' + section.id);
  if (mounted.has(section.id)) return;
  mounted.add(section.id);
  try {
    await mounts[section.id](section, await setup);
    section.dispatchEvent(new Event('language'));
  } catch (error) {
    mounted.delete(section.id);
    section.replaceChildren(element('p', { class: 'alert', role: 'alert' }, error.message));
  }
}

for (const [i, tab] of tabs.entries()) {
  tab.addEventListener('click', () => select(tab, false));
  tab.addEventListener('keydown', (event) => {
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(tabs[to % tabs.length], true);
  });
}

const languages = [...document.querySelectorAll('#languages button')];
function speak(to) {
  setLanguage(to);
  for (const button of languages) button.setAttribute('aria-pressed', button.value === to);
}
for (const button of languages) {
  button.addEventListener('click', () => {
    localStorage.setItem('language', button.value);
    speak(button.value);
  });
}
speak(localStorage.getItem('language') ?? (navigator.language.startsWith('zh') ? 'zh' : 'en'));
const fromAddress = () => tabs.find((tab) => '#' + panel(tab).id === location.hash);
addEventListener('hashchange', () => fromAddress() && select(fromAddress(), false));
select(fromAddress() ?? tabs[0], false);
