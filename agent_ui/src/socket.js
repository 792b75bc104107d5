// One socket to the server. It comes back by itself, at times that differ from page to page.
const FIRST_DELAY = 500;
const LONGEST_DELAY = 10000;
const CROWDED_DELAY = 30000;
const ALIVE_EVERY = 5000;
const ANSWER_LIMIT = 15000;
const SESSION_OVER = 4401;
const NOT_ALLOWED = 4403;
const TOO_MANY = 4429;

export class PageSocket {
  #ws = null;
  #tries = 0;
  #ref = 0;
  #waiting = new Map();
  #leaving = false;

  constructor({ onMessage, onState, query = "" }) {
    this.query = query;
    this.onMessage = onMessage;
    this.onState = onState;
    addEventListener("pagehide", () => { this.#leaving = true; });
    addEventListener("pageshow", () => { this.#leaving = false; });
    setInterval(() => this.tell("alive"), ALIVE_EVERY);
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const ws = new WebSocket(`${scheme}//${location.host}/ws${this.query}`);
    this.#ws = ws;
    ws.addEventListener("message", (event) => this.#received(JSON.parse(event.data)));
    ws.addEventListener("close", (event) => this.#closed(event.code));
  }

  tell(type, fields = {}) {
    if (this.#ws?.readyState !== WebSocket.OPEN) return false;
    this.#ws.send(JSON.stringify({ ...fields, type }));
    return true;
  }

  // Resolves with the `done` or `error` message, or with null when it could not be sent or was not answered.
  order(type, fields) {
    this.#ref += 1;
    const ref = this.#ref;
    if (!this.tell(type, { ...fields, ref })) return Promise.resolve(null);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(ref, null), ANSWER_LIMIT);
      this.#waiting.set(ref, { resolve, timer });
    });
  }

  #settle(ref, answer) {
    const waiting = this.#waiting.get(ref);
    if (!waiting) return false;
    clearTimeout(waiting.timer);
    this.#waiting.delete(ref);
    waiting.resolve(answer);
    return true;
  }

  #received(message) {
    if (message.type === "snapshot") {
      this.#tries = 0;
      this.onState(true);
    }
    if ((message.type === "done" || message.type === "error") && this.#settle(message.ref, message)) return;
    this.onMessage(message);
  }

  async #closed(code) {
    for (const ref of [...this.#waiting.keys()]) this.#settle(ref, null);
    if (this.#leaving) return;
    if (code === SESSION_OVER || code === NOT_ALLOWED) {
      location.assign("/login");
      return;
    }
    this.onState(false);
    if (this.#tries > 0 && (await this.#sessionOver())) {
      location.assign("/login");
      return;
    }
    const delay = code === TOO_MANY ? CROWDED_DELAY : Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#tries);
    this.#tries += 1;
    setTimeout(() => this.connect(), delay * (0.5 + Math.random()));
  }

  // A refused handshake has no code: ask whether the log-in is over.
  async #sessionOver() {
    try {
      return (await fetch("/session", { cache: "no-store" })).status === 401;
    } catch {
      return false;
    }
  }
}
