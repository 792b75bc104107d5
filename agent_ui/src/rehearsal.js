// The rehearsal beside the editor: what is pressed, what the caller hears, where it ends.
//
// Answers are sent one for each question. A hang-up is put behind them, so that the walk stops at the question that
// has no answer yet: it is the last node that was passed.
const LONG = new Set(["collect", "identify", "callback", "status", "transfer"]);
const HANG_UP = "hang up";

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
  #answers = [];
  #digits = "";
  #question = null;
  #asked = 0;
  #nodes = new Map();
  #begun = false;

  constructor(root, { ask, texts, onNode }) {
    this.#root = root;
    this.#ask = ask;
    this.#texts = texts;
    this.onNode = onNode;
    for (const button of root.querySelectorAll("[data-press]")) {
      button.addEventListener("click", () => this.#press(button.dataset.press));
    }
    const acts = { start: () => this.#start(), answer: () => this.#answer(this.#digits), undo: () => this.#undo() };
    for (const [name, act] of Object.entries(acts)) {
      root.querySelector(`[data-act="${name}"]`).addEventListener("click", act);
    }
    for (const field of root.querySelectorAll("[data-fact]")) {
      field.addEventListener("change", () => { if (this.#begun) this.#run(); });
    }
    root.querySelector(".keypad").addEventListener("keydown", (event) => this.#typed(event));
    this.#showKeys();
  }

  know(nodes) { this.#nodes = new Map(nodes.map((node) => [node.name, node])); }

  // The text has changed: what is shown is of the one before.
  stale() {
    if (!this.#begun) return;
    this.#root.querySelector("[data-tried]").classList.add("stale");
    this.#root.querySelector("[data-stale]").hidden = false;
  }

  #start() {
    [this.#answers, this.#digits] = [[], ""];
    this.#run();
  }

  #typed(event) {
    if (/^[0-9*#]$/.test(event.key)) this.#press(event.key);
    else if (event.key === "Backspace") this.#undo();
    else if (event.key === "Enter" && this.#digits) {
      event.preventDefault();
      this.#answer(this.#digits);
    }
  }

  #press(key) {
    const long = this.#question && LONG.has(this.#nodes.get(this.#question)?.type);
    if (key.length === 1 && long) {
      this.#digits += key;
      if (key === "#") this.#answer(this.#digits);
      else this.#showKeys();
      return;
    }
    this.#answer(key);
  }

  #answer(answer) {
    if (!answer) return;
    this.#answers.push(answer);
    this.#digits = "";
    this.#run();
  }

  #undo() {
    if (this.#digits) {
      this.#digits = this.#digits.slice(0, -1);
      this.#showKeys();
      return;
    }
    this.#answers.pop();
    this.#run();
  }

  #facts() {
    const facts = {};
    for (const field of this.#root.querySelectorAll("[data-fact]")) {
      const value = field.value.trim();
      if (value) facts[field.dataset.fact] = field.type === "datetime-local" ? new Date(value).toISOString() : value;
    }
    return facts;
  }

  async #run() {
    this.#begun = true;
    this.#asked += 1;
    const asked = this.#asked;
    this.#showKeys();
    const given = this.#answers.at(-1) === HANG_UP;
    const answer = await this.#ask({ keys: given ? this.#answers : [...this.#answers, HANG_UP], facts: this.#facts() });
    if (asked === this.#asked) this.#show(answer, Boolean(answer.gone) && !given);
  }

  #name(answer) { return this.#texts(`press_${answer.replace(" ", "_")}`) || answer; }

  #showKeys() {
    const shown = this.#answers.map((answer) => cell("kbd", "", this.#name(answer)));
    if (this.#digits) shown.push(cell("kbd", "unsent-keys", `${this.#digits}_`));
    this.#root.querySelector("[data-keys]").replaceChildren(...shown);
    this.#root.querySelector('[data-act="answer"]').disabled = !this.#digits;
    this.#root.querySelector('[data-act="undo"]').disabled = !this.#digits && !this.#answers.length;
    this.#root.querySelector('[data-act="start"]').textContent = this.#texts(this.#begun ? "restart" : "start");
  }

  #show({ steps = [], end = "", problem = "" }, waits) {
    this.#question = waits ? steps.at(-1)?.node : null;
    const tried = this.#root.querySelector("[data-tried]");
    tried.classList.remove("stale");
    this.#root.querySelector("[data-stale]").hidden = true;
    const rows = steps.map((step, index) => this.#step(step, waits && index === steps.length - 1));
    if (waits) rows.push(cell("li", "tried-question", this.#texts("at_question")));
    else if (end) rows.push(cell("li", "tried-end", end));
    if (problem) rows.push(cell("li", "form-error", problem));
    tried.replaceChildren(...rows);
    tried.scrollTop = tried.scrollHeight;
  }

  #step(step, open) {
    const row = cell("li", "tried-step", "");
    const head = document.createElement("div");
    const name = cell("button", "link", this.#nodes.get(step.node)?.title ?? step.node);
    name.type = "button";
    name.addEventListener("click", () => this.onNode(step.node));
    head.append(cell("span", "tried-at", this.#texts("seconds").replace("{count}", step.at.toFixed(1))), name);
    if (step.pressed && !open) head.append(cell("kbd", "", this.#name(step.pressed)));
    row.append(head, ...step.heard.map((text) => cell("p", "heard", text)));
    return row;
  }
}
