// Draws a flow as SVG, made of elements alone: what flows say is never read as markup.
import { arrange } from "./layout.js";
import { svg } from "./svg.js";
import { View } from "./view.js";

const GROUPS = {
  ask: ["menu", "language", "collect", "identify", "survey"],
  decide: ["branch", "hours", "lookup", "set", "goto"],
  person: ["queue", "transfer", "callback", "voicemail", "record", "complaint"],
  end: ["hangup", "return", "end"],
  part: ["subflow"],
};
const groupOf = (type) => Object.keys(GROUPS).find((group) => GROUPS[group].includes(type)) ?? "say";

function html(name, className, text) {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

// The outline tells the kind of node, beside its word and its colour.
function outline(group, width, height) {
  const [w, h] = [width / 2, height / 2];
  if (group === "ask") return `M${-w + 12},${-h} H${w - 12} L${w},${-h + 12} V${h - 12} L${w - 12},${h} H${-w + 12} L${-w},${h - 12} V${-h + 12} Z`;
  if (group === "decide") return `M${-w + 14},${-h} H${w - 14} L${w},0 L${w - 14},${h} H${-w + 14} L${-w},0 Z`;
  const r = group === "person" || group === "end" ? Math.min(h, 22) : 6;
  return `M${-w + r},${-h} H${w - r} A${r},${r} 0 0 1 ${w},${-h + r} V${h - r} A${r},${r} 0 0 1 ${w - r},${h} H${-w + r} A${r},${r} 0 0 1 ${-w},${h - r} V${-h + r} A${r},${r} 0 0 1 ${-w + r},${-h} Z`;
}

// A soft line through the points of the layout.
function curve(points) {
  const [first, ...rest] = points;
  const last = rest.pop();
  let path = `M${first.x},${first.y}`;
  rest.forEach((point, index) => {
    const next = rest[index + 1] ?? last;
    const end = index + 1 < rest.length ? { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 } : last;
    path += ` Q${point.x},${point.y} ${end.x},${end.y}`;
  });
  return rest.length ? path : `${path} L${last.x},${last.y}`;
}

const bow = ([from, one, other, to]) => `M${from.x},${from.y} C${one.x},${one.y} ${other.x},${other.y} ${to.x},${to.y}`;

export class Picture {
  #root;
  #texts;
  #view;
  #nodes = new Map();
  #live = {};
  #figures = {};
  #flow = null;
  #selected = "";
  #below = svg("g", { class: "ways-below" });
  #above = svg("g", { class: "ways-above" });

  constructor(root, { texts, onSelect = () => {} }) {
    this.#root = root;
    this.#texts = texts;
    this.onSelect = onSelect;
    this.#view = new View(root);
    root.addEventListener("keydown", (event) => this.#key(event));
    root.addEventListener("click", (event) => {
      const name = event.target.closest("[data-node]")?.dataset.node;
      if (name !== undefined && !this.#view.dragged) this.select(name);
    });
  }

  get view() { return this.#view; }

  set unusual(shown) { this.#root.classList.toggle("usual-only", !shown); }

  figures(figures) {
    this.#figures = figures;
    if (this.#flow) this.#paint();
  }

  draw(flow) {
    const fresh = this.#flow === null;
    if (JSON.stringify(flow) === JSON.stringify(this.#flow)) return;
    this.#flow = flow;
    this.#paint();
    if (fresh) this.#view.begin(this.#place(flow.start));
  }

  live(counts) {
    this.#live = counts;
    for (const [name, node] of this.#nodes) this.#badge(name, node);
  }

  select(name, focus = false) {
    const node = this.#nodes.get(name);
    if (!node) return;
    this.#selected = name;
    this.#choose();
    this.#roam(name);
    if (focus) this.#focus(name);
    this.onSelect(node.data);
  }

  #paint() {
    const focused = document.activeElement?.dataset?.node;
    const plan = arrange(this.#flow);
    const canvas = svg("g", { class: "canvas" });
    // The unusual ways below the others.
    const lines = [...plan.edges].sort((one, other) => one.usual - other.usual);
    this.#below.replaceChildren(...lines.map((edge) => this.#line(edge)));
    this.#above.replaceChildren();
    canvas.append(this.#below);
    this.#nodes.clear();
    for (const data of plan.nodes) {
      const element = this.#node(data);
      this.#nodes.set(data.name, { element, data });
      canvas.append(element);
      this.#badge(data.name, this.#nodes.get(data.name));
    }
    canvas.append(this.#above);
    this.#view.show(canvas, plan.width, plan.height);
    if (!this.#nodes.has(this.#selected)) this.#selected = "";
    this.#choose();
    this.#roam(this.#selected || this.#flow.start);
    if (focused) this.#nodes.get(focused)?.element.focus({ preventScroll: true });
  }

  // The chosen node, and the ways to and from it.
  #choose() {
    for (const [name, { element }] of this.#nodes) element.classList.toggle("chosen", name === this.#selected);
    for (const line of this.#root.querySelectorAll(".way")) {
      const near = [line.dataset.source, line.dataset.target].includes(this.#selected);
      line.classList.toggle("near", near);
      if (near !== (line.parentNode === this.#above)) (near ? this.#above : this.#below).append(line);
    }
  }

  #line(edge) {
    const kind = edge.usual ? "way" : "way unusual";
    const group = svg("g", { class: kind, "data-source": edge.source, "data-target": edge.target });
    group.append(svg("path", { d: edge.free ? bow(edge.free) : curve(edge.points), "marker-end": `url(#${edge.usual ? "tip" : "tip-unusual"})` }));
    if (edge.label) {
      const text = svg("text", { x: edge.x, y: edge.y + 4 });
      text.textContent = edge.label;
      group.append(svg("rect", { x: edge.x - edge.wide / 2, y: edge.y - 8, width: edge.wide, height: 16, rx: 4 }), text);
      const whole = svg("title");
      whole.textContent = edge.whole;
      group.append(whole);
    }
    return group;
  }

  #node(data) {
    const { width, height, x, y } = data;
    const group = groupOf(data.type);
    const element = svg("g", {
      class: `node node-${group}`, transform: `translate(${x},${y})`, role: "button", tabindex: -1, "data-node": data.name,
    });
    if (data.name === this.#flow.start) element.classList.add("start");
    element.append(svg("path", { class: "outline", d: outline(group, width, height) }));
    if (group === "part") {
      for (const side of [-1, 1]) {
        const at = side * (width / 2 - 6);
        element.append(svg("path", { class: "outline", d: `M${at},${-height / 2} V${height / 2}` }));
      }
    }
    const box = svg("foreignObject", { x: -width / 2 + 12, y: -height / 2 + 4, width: width - 24, height: height - 6 });
    const head = html("div", "node-kind", "");
    head.append(html("span", "", data.kind), html("span", "node-visits", this.#visits(data.name)));
    const body = html("div", "node-words", "");
    body.append(head, html("div", "node-title", data.title));
    if (data.text) body.append(html("div", "node-text", data.text));
    box.append(body);
    const hint = svg("title");
    hint.textContent = [data.title, data.text, this.#visits(data.name)].filter(Boolean).join("\n");
    element.append(box, hint);
    return element;
  }

  #visits(name) {
    const visits = this.#figures[name]?.visits;
    return visits ? this.#texts("visits").replace("{count}", visits) : "";
  }

  #badge(name, { element, data }) {
    const count = this.#live[name] ?? 0;
    element.querySelector(".badge")?.remove();
    const words = count ? this.#texts("callers").replace("{count}", count) : "";
    element.setAttribute("aria-label", [data.title, data.kind, words, this.#visits(name)].filter(Boolean).join(", "));
    if (!count) return;
    const text = String(count);
    const width = 18 + text.length * 7;
    const badge = svg("g", { class: "badge", transform: `translate(${data.width / 2 - 2},${-data.height / 2 - 5})` });
    const label = svg("text", { y: 4.5 });
    label.textContent = text;
    badge.append(svg("rect", { x: -width / 2, y: -11, width, height: 22, rx: 11 }), label);
    element.append(badge);
  }

  #place(name) {
    const node = this.#nodes.get(name)?.data;
    return node ? { x: node.x, y: node.y } : null;
  }

  // One node at a time is reached by the tab key; the arrow keys go from node to node.
  #roam(name) {
    for (const [one, { element }] of this.#nodes) element.setAttribute("tabindex", one === name ? 0 : -1);
  }

  #focus(name) {
    this.#roam(name);
    this.#view.reveal(this.#place(name));
    this.#nodes.get(name).element.focus({ preventScroll: true });
  }

  #key(event) {
    const name = event.target.closest?.("[data-node]")?.dataset.node;
    if (name === undefined) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.select(name);
      return;
    }
    const next = this.#nearest(name, event.key);
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    this.#focus(next);
  }

  #nearest(name, key) {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] ?? [0, 0];
    if (!dx && !dy) return null;
    const from = this.#place(name);
    let best = null;
    let least = Infinity;
    for (const [other, { data }] of this.#nodes) {
      const along = (data.x - from.x) * dx + (data.y - from.y) * dy;
      const aside = Math.abs((data.x - from.x) * dy) + Math.abs((data.y - from.y) * dx);
      const far = along + aside * 2;
      if (other !== name && along > 4 && far < least) [best, least] = [other, far];
    }
    return best;
  }
}
