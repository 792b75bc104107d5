// What was typed and not yet published, kept in this browser by flow and by the version it was made from.
export class Drafts {
  #flow;
  #owner;

  constructor(flow, owner) {
    this.#flow = flow;
    this.#owner = owner;
  }

  #prefix() { return `flow-draft:${this.#owner}:${this.#flow}:`; }

  keep(base, text, note) {
    try {
      localStorage.setItem(this.#prefix() + base, JSON.stringify({ text, note }));
      return true;
    } catch {
      return false;
    }
  }

  drop(base) { localStorage.removeItem(this.#prefix() + base); }

  of(base) {
    try {
      const draft = JSON.parse(localStorage.getItem(this.#prefix() + base));
      return typeof draft?.text === "string" ? { base, text: draft.text, note: String(draft.note ?? "") } : null;
    } catch {
      return null;
    }
  }

  // The latest draft of another version than this one.
  older(base) {
    const bases = Object.keys(localStorage)
      .filter((key) => key.startsWith(this.#prefix()))
      .map((key) => Number(key.slice(this.#prefix().length)))
      .filter((one) => Number.isInteger(one) && one !== base)
      .sort((one, other) => other - one);
    return bases.length ? this.of(bases[0]) : null;
  }
}
