// The rehearsal beside the editor: what is pressed, what the caller hears, where it ends.
const FACTS = ["number", "tier", "at"];

function cell(name, className, text) {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

export class Rehearsal {
  #root;
  #ask;
  #texts;
  #keys = [];
  #asked = 0;
  #titles = new Map();
  #running = false;

  constructor(root, { ask, texts, onNode }) {
    this.#root = root;
    this.#ask = ask;
    this.#texts = texts;
    this.onNode = onNode;
    for (const button of root.querySelectorAll("[data-press]")) {
      button.addEventListener("click", () => this.#press(button.dataset.press));
    }
    root.querySelector("[data-undo]").addEventListener("click", () => {
      this.#keys.pop();
      this.run();
    });
    root.querySelector("[data-restart]").addEventListener("click", () => {
      this.#keys = [];
      this.run();
    });
    for (const name of FACTS) this.#field(name).addEventListener("change", () => { if (this.#running) this.run(); });
    root.querySelector(".keypad").addEventListener("keydown", (event) => {
      if (/^[0-9*#]$/.test(event.key)) this.#press(event.key);
    });
  }

  titles(nodes) { this.#titles = new Map(nodes.map((node) => [node.name, node.title])); }

  // The text has changed: what is shown is of the one before.
  stale() { if (this.#running) this.#root.querySelector("[data-tried]").classList.add("stale"); }

  #field(name) { return this.#root.querySelector(`[name="${name}"]`); }

  #press(key) {
    this.#keys.push(key);
    this.run();
  }

  #facts() {
    const given = FACTS.map((name) => [name, this.#field(name).value.trim()]).filter(([, value]) => value);
    return Object.fromEntries(given);
  }

  async run() {
    this.#running = true;
    this.#asked += 1;
    const asked = this.#asked;
    this.#showKeys();
    const answer = await this.#ask({ keys: this.#keys, facts: this.#facts() });
    if (asked !== this.#asked) return;
    this.#show(answer);
  }

  #showKeys() {
    const shown = this.#keys.map((key) => cell("kbd", "", this.#texts(`press_${key.replace(" ", "_")}`) || key));
    this.#root.querySelector("[data-keys]").replaceChildren(...shown);
  }

  #show({ steps = [], end = "", problem = "" }) {
    const tried = this.#root.querySelector("[data-tried]");
    tried.classList.remove("stale");
    const rows = steps.map((step) => this.#step(step));
    if (end) rows.push(cell("li", "tried-end", end));
    if (problem) rows.push(cell("li", "form-error", problem));
    tried.replaceChildren(...rows);
    tried.lastElementChild?.scrollIntoView({ block: "nearest" });
  }

  #step(step) {
    const row = cell("li", "tried-step", "");
    const head = document.createElement("div");
    const name = cell("button", "link", this.#titles.get(step.node) ?? step.node);
    name.type = "button";
    name.addEventListener("click", () => this.onNode(step.node));
    head.append(cell("span", "tried-at", this.#texts("seconds").replace("{count}", step.at.toFixed(1))), name);
    if (step.pressed) head.append(cell("kbd", "", this.#texts(`press_${step.pressed.replace(" ", "_")}`) || step.pressed));
    row.append(head, ...step.heard.map((text) => cell("p", "heard", text)));
    return row;
  }
}
