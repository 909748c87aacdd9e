// The picture of a run: a row for each instance, pairs as bars, queries as dots and crosses. Time goes
// from left to right, and now is the right edge.

const namespace = 'http://www.w3.org/2000/svg';
const fullSpan = 20000, narrowSpan = 9000; // what is shown, in milliseconds
export const rowHeight = 54; // as in tickets.css
const barTop = 9, barHeight = 14, dotsTop = 38;
const foreigner = -1;

function node(name, attributes, ...children) {
  const made = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export class Timeline {
  #svg; #run; #rows = 0; #width = 600; #span = fullSpan; #offset = Infinity;
  #outage; #moving; #bars; #marks; #ticks;
  #pairs = new Map(); #queries = []; #frozen = new Map(); #spans = [];

  constructor(svg) {
    this.#svg = svg;
    this.#ticks = node('g', { class: 'ticks' });
    this.#bars = node('g', {});
    this.#marks = node('g', {});
    this.#moving = node('g', {}, this.#bars, this.#marks);
    svg.replaceChildren(this.#ticks, this.#moving);
    new ResizeObserver(([entry]) => this.#resize(entry.contentRect.width)).observe(svg);
  }

  /** begin shows a new run, of which nothing has happened yet. */
  begin(run) {
    this.#run = run;
    this.#rows = run.instances + 1; // and the other servers
    this.#offset = Infinity;
    this.#pairs.clear();
    this.#frozen.clear();
    this.#outage = null;
    this.#queries = [];
    this.#spans = [];
    this.#bars.replaceChildren();
    this.#marks.replaceChildren();
    this.#svg.setAttribute('height', this.#rows * rowHeight + 24);
    this.#drawTicks();
  }

  /** add shows what happened. */
  add(event) {
    this.#offset = Math.min(this.#offset, performance.now() - event.at);
    switch (event.kind) {
      case 'pair': return this.#pair(event);
      case 'query': return this.#query(event);
      case 'instance': return this.#state(event);
      case 'store': return this.#store(event);
    }
  }

  /** now is the time of the run, in milliseconds. */
  now() { return Math.max(0, performance.now() - this.#offset); }

  /** frame moves everything to where it is now. */
  frame() {
    if (!this.#run || this.#offset === Infinity) return;
    const now = this.now(), first = now - this.#span;
    this.#moving.setAttribute('transform', `translate(${this.#width - this.#x(now)} 0)`);
    for (const [id, { event, live, over }] of this.#pairs) {
      if (event.until < first) {
        live.remove();
        over.remove();
        this.#pairs.delete(id);
        continue;
      }
      const replaced = event.replaced || event.until;
      this.#stretch(live, event.at, Math.min(now, replaced));
      this.#stretch(over, replaced, Math.min(now, event.until));
    }
    while (this.#queries.length && this.#queries[0].at < first) this.#queries.shift().mark.remove();
    for (const { rect, from, to } of this.#spans) this.#stretch(rect, from, to ?? now);
    this.#spans = this.#spans.filter(({ rect, to }) => to === undefined || to > first || rect.remove());
  }

  #x(time) { return time * this.#width / this.#span; }

  #y(instance) { return (instance === foreigner ? this.#rows - 1 : instance) * rowHeight; }

  #stretch(rect, from, to) {
    rect.setAttribute('x', this.#x(from));
    rect.setAttribute('width', Math.max(0, this.#x(to) - this.#x(from)));
  }

  #pair(event) {
    const known = this.#pairs.get(event.pair);
    if (known) {
      known.event = event;
      return;
    }
    const hue = 'hue' + event.pair % 3, place = { y: this.#y(event.instance) + barTop, height: barHeight, rx: 2 };
    const live = node('rect', { ...place, class: 'pair ' + hue + (event.instance === foreigner ? ' foreign' : '') }), over = node('rect', { ...place, class: 'pair over ' + hue });
    this.#bars.append(live, over);
    this.#pairs.set(event.pair, { event, live, over });
  }

  #query(event) {
    const x = this.#x(event.at), y = this.#y(event.instance) + dotsTop;
    const mark = event.ok
      ? node('circle', { cx: x, cy: y, r: 4, class: 'answered' })
      : node('path', { d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`, class: 'failing' }, node('title', {}, event.why));
    this.#marks.append(mark);
    this.#queries.push({ ...event, mark });
  }

  #state(event) {
    const y = this.#y(event.instance);
    const frozen = this.#frozen.get(event.instance);
    if (frozen) {
      frozen.to = event.at;
      this.#frozen.delete(event.instance);
    }
    if (event.state === 'frozen') {
      this.#frozen.set(event.instance, this.#shade('asleep', y + 2, rowHeight - 4, event.at));
    } else if (event.state === 'killed') {
      this.#shade('killed', y + 2, rowHeight - 4, event.at, event.at + 60);
    }
  }

  #store(event) {
    if (!event.up) {
      this.#outage ??= this.#shade('outage', 0, this.#rows * rowHeight, event.at);
    } else if (this.#outage) {
      this.#outage.to = event.at;
      this.#outage = null;
    }
  }

  #shade(kind, y, height, from, to) {
    const shade = { rect: node('rect', { y, height, class: kind }), from, to };
    this.#bars.prepend(shade.rect);
    this.#spans.push(shade);
    return shade;
  }

  #resize(width) {
    this.#width = width;
    this.#span = width < 500 ? narrowSpan : fullSpan;
    for (const query of this.#queries) query.mark.remove();
    const queries = this.#queries;
    this.#queries = [];
    for (const query of queries) this.#query(query);
    this.#drawTicks();
  }

  #drawTicks() {
    if (!this.#run) return;
    const height = this.#rows * rowHeight;
    const ticks = [];
    for (let row = 1; row <= this.#rows; row++) {
      ticks.push(node('path', { d: `M0 ${row * rowHeight}h${this.#width}` }));
    }
    const ten = 10 * this.#run.minute;
    for (let n = 0; n * ten < this.#span; n += 2) {
      const x = this.#width - this.#x(n * ten);
      ticks.push(node('path', { d: `M${x} 0v${height}` }),
        node('text', { x: x - 4, y: height + 16, 'text-anchor': 'end' }, n === 0 ? '0' : `−${n * 10} min`));
    }
    this.#ticks.replaceChildren(...ticks);
  }
}
