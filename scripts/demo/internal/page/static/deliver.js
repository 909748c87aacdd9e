export function mount(section) { section.replaceChildren(document.createElement('p')); }
