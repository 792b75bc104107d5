// A picture that is bigger than its frame: zoomed and moved by mouse, fingers, keys and buttons.
import { svg } from "./svg.js";

const SMALLEST = 0.12;
const LARGEST = 2.5;
const READABLE = 0.62;
const STEP = 1.25;
const MOVE = 60;
const CLICK = 4;

export class View {
  #frame;
  #svg;
  #canvas = null;
  #size = { width: 1, height: 1 };
  #at = { x: 0, y: 0, scale: 1 };
  #fingers = new Map();
  #whole = true;
  dragged = false;

  constructor(frame) {
    this.#frame = frame;
    this.#svg = svg("svg", { class: "flow-svg", "aria-hidden": "false" });
    this.#svg.append(svg("defs", {}, ...["tip", "tip-unusual"].map(tip)));
    frame.append(this.#svg);
    this.#svg.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.#svg.addEventListener("pointerdown", (event) => this.#down(event));
    this.#svg.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.#svg.addEventListener(name, (event) => {
        this.#fingers.delete(event.pointerId);
        // The click that ends a drag comes right after this.
        setTimeout(() => { this.dragged = false; });
      });
    }
    frame.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => { if (this.#whole) this.fit(); }).observe(frame);
  }

  show(canvas, width, height) {
    this.#canvas?.remove();
    this.#canvas = canvas;
    this.#size = { width, height };
    this.#svg.append(canvas);
    this.#apply();
  }

  // At first: all of it where that can be read, else its start.
  begin(start) {
    this.fit();
    if (this.#at.scale >= READABLE || !start) return;
    this.#whole = false;
    const { width } = this.#box();
    this.#at = { scale: READABLE, x: width / 2 - start.x * READABLE, y: 40 - (start.y - 40) * READABLE };
    this.#apply();
  }

  fit() {
    const { width, height } = this.#box();
    if (!width || !height) return;
    this.#whole = true;
    const scale = Math.max(SMALLEST, Math.min(1.1, width / this.#size.width, height / this.#size.height));
    this.#at = { scale, x: (width - this.#size.width * scale) / 2, y: Math.max(0, (height - this.#size.height * scale) / 2) };
    this.#apply();
  }

  zoom(factor, point = this.#middle()) {
    const scale = Math.max(SMALLEST, Math.min(LARGEST, this.#at.scale * factor));
    const ratio = scale / this.#at.scale;
    this.#whole = false;
    this.#at = { scale, x: point.x - (point.x - this.#at.x) * ratio, y: point.y - (point.y - this.#at.y) * ratio };
    this.#apply();
  }

  // Bring a place into the frame.
  reveal(place) {
    if (!place) return;
    const { width, height } = this.#box();
    const x = place.x * this.#at.scale + this.#at.x;
    const y = place.y * this.#at.scale + this.#at.y;
    if (x > 80 && x < width - 80 && y > 40 && y < height - 40) return;
    this.pan(width / 2 - x, height / 2 - y);
  }

  pan(dx, dy) {
    this.#whole = false;
    this.#at = { ...this.#at, x: this.#at.x + dx, y: this.#at.y + dy };
    this.#apply();
  }

  #box() { return { width: this.#frame.clientWidth, height: this.#frame.clientHeight }; }

  #middle() {
    const { width, height } = this.#box();
    return { x: width / 2, y: height / 2 };
  }

  #apply() {
    const { x, y, scale } = this.#at;
    this.#canvas?.setAttribute("transform", `translate(${x},${y}) scale(${scale})`);
  }

  #point(event) {
    const { left, top } = this.#svg.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  // The wheel alone scrolls the page, as everywhere.
  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY / 300), this.#point(event));
  }

  #down(event) {
    if (event.button !== 0) return;
    this.dragged = false;
    this.#fingers.set(event.pointerId, this.#point(event));
  }

  #move(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const now = this.#point(event);
    if (!this.dragged && Math.hypot(now.x - before.x, now.y - before.y) < CLICK) return;
    if (!this.dragged) this.#svg.setPointerCapture(event.pointerId);
    this.dragged = true;
    const others = [...this.#fingers].filter(([id]) => id !== event.pointerId);
    this.#fingers.set(event.pointerId, now);
    if (!others.length) {
      this.pan(now.x - before.x, now.y - before.y);
      return;
    }
    const other = others[0][1];
    const spread = (one) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
    this.zoom(spread(now) / spread(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: [MOVE, 0], ArrowRight: [-MOVE, 0], ArrowUp: [0, MOVE], ArrowDown: [0, -MOVE] };
    if (event.key === "+" || event.key === "=") this.zoom(STEP);
    else if (event.key === "-") this.zoom(1 / STEP);
    else if (event.key === "0") this.fit();
    else if (event.target === this.#frame && moves[event.key]) this.pan(...moves[event.key]);
    else return;
    event.preventDefault();
  }
}

function tip(id) {
  return svg("marker", { id, viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" },
    svg("path", { d: "M0,0 L10,5 L0,10 Z" }));
}

// The buttons beside the picture.
export function bindView(view, root) {
  const acts = { fit: () => view.fit(), closer: () => view.zoom(STEP), farther: () => view.zoom(1 / STEP) };
  for (const button of root.querySelectorAll("[data-view]")) {
    button.addEventListener("click", acts[button.dataset.view]);
  }
}
