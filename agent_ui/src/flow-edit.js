// The editor of a flow: its text, checked as one types; its picture; a rehearsal; publishing.
import { CodeEditor } from "./code-editor.js";
import { showDifference } from "./difference.js";
import { Drafts } from "./drafts.js";
import { Picture } from "./picture.js";
import { Rehearsal } from "./rehearsal.js";
import { textOf } from "./texts.js";
import { bindView } from "./view.js";

const CHECK_AFTER = 400;
const RETRY_AFTER = 3000;

const byId = (id) => document.getElementById(id);
const host = byId("editor");
const { flow, csrf, owner } = host.dataset;
const source = byId("source");
const note = byId("note");
const drafts = new Drafts(flow, owner);
let base = { version: Number(host.dataset.version), text: source.value };
let faults = null;
let asked = 0;
let timer = 0;
let publishing = false;

async function post(path, body) {
  let response;
  try {
    response = await fetch(`/flows/${encodeURIComponent(flow)}/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify(body),
    });
  } catch {
    return { status: 0, problem: textOf("not_connected") };
  }
  const fields = await response.json().catch(() => ({}));
  return { ...fields, status: response.status, problem: fields.error?.message ?? (response.ok ? "" : textOf("not_connected")) };
}

const dirty = () => editor.text !== base.text;

function state(name) {
  for (const one of document.querySelectorAll("[data-state]")) one.hidden = one.dataset.state !== name;
}

function showFaults() {
  const rows = faults.map((fault) => {
    const row = document.createElement("li");
    row.classList.toggle("warning", fault.warning);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = textOf("line").replace("{line}", fault.line);
    button.addEventListener("click", () => editor.show(fault.line));
    const node = document.createElement("code");
    node.textContent = fault.node;
    const message = document.createElement("bdi");
    message.textContent = fault.message;
    row.append(button, ...(fault.node ? [node] : []), message);
    return row;
  });
  byId("faults").replaceChildren(...rows);
  editor.mark(faults);
  const errors = faults.filter((fault) => !fault.warning).length;
  state(errors ? "faulty" : faults.length ? "warned" : "clean");
  byId("fault-count").textContent = errors;
  byId("warning-count").textContent = faults.length;
}

function showGraph(graph) {
  byId("no-picture").hidden = graph !== null;
  if (!graph) return;
  picture.draw(graph);
  rehearsal.know(graph.nodes);
}

async function check() {
  asked += 1;
  const mine = asked;
  const text = editor.text;
  const answer = await post("check", { text });
  if (mine !== asked) return;
  if (answer.problem) {
    state("unchecked");
    byId("check-problem").textContent = answer.problem;
    later(RETRY_AFTER);
    return;
  }
  faults = answer.faults;
  showFaults();
  showGraph(answer.graph);
  showPublish();
}

function later(after = CHECK_AFTER) {
  clearTimeout(timer);
  timer = setTimeout(check, after);
}

function showPublish() {
  const { added, removed } = showDifference(byId("difference"), base.text, editor.text);
  byId("difference-sum").textContent = textOf("difference").replace("{added}", added).replace("{removed}", removed);
  byId("same").hidden = dirty();
  byId("base-version").textContent = base.version;
  byId("publish-button").disabled = publishing || !dirty() || faults === null || faults.some((fault) => !fault.warning);
}

function changed() {
  asked += 1;
  faults = null;
  state("checking");
  if (dirty()) byId("not-kept").hidden = drafts.keep(base.version, editor.text, note.value);
  else drafts.drop(base.version);
  rehearsal.stale();
  showPublish();
  later();
}

function say(id, text = "") {
  for (const one of ["published", "refused", "behind"]) byId(one).hidden = one !== id;
  if (text) byId(id).querySelector("[data-words]").textContent = text;
}

async function publish() {
  const text = editor.text;
  publishing = true;
  showPublish();
  say("");
  const answer = await post("publish", { text, note: note.value, over: base.version });
  publishing = false;
  if (answer.status === 200) published(answer.version, text);
  else if (answer.status === 409 && answer.current) behind(answer.current);
  else {
    if (answer.faults?.length) {
      faults = answer.faults;
      showFaults();
    }
    say("refused", answer.problem);
  }
  showPublish();
}

function published(version, text) {
  drafts.drop(base.version);
  base = { version, text };
  note.value = "";
  if (dirty()) drafts.keep(base.version, editor.text, "");
  byId("current-version").textContent = version;
  say("published", textOf("published").replace("{version}", version));
}

let newer = 0;
function behind(current) {
  newer = current.version;
  const at = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" }).format(new Date(current.at));
  const words = textOf("behind").replace("{version}", current.version).replace("{by}", current.by || "\u2013").replace("{at}", at);
  say("behind", words);
}

// One's own text stays; from now on it is compared with, and published over, the newer version.
async function rebase() {
  const response = await fetch(`/flows/${encodeURIComponent(flow)}/versions/${newer}.yaml`).catch(() => null);
  if (!response?.ok) {
    say("refused", textOf("not_connected"));
    return;
  }
  drafts.drop(base.version);
  base = { version: newer, text: (await response.text()).replace(/\r\n?/g, "\n") };
  byId("current-version").textContent = newer;
  say("");
  changed();
}

function offerDrafts() {
  const own = drafts.of(base.version);
  if (own && own.text !== base.text) {
    editor.text = own.text;
    note.value = own.note;
    byId("restored").hidden = false;
    return;
  }
  const older = drafts.older(base.version);
  if (!older) return;
  byId("older").hidden = false;
  byId("older").querySelector("[data-words]").textContent = textOf("older").replace("{version}", older.base);
  byId("take-older").addEventListener("click", () => {
    editor.text = older.text;
    note.value = older.note;
    drafts.drop(older.base);
    byId("older").hidden = true;
  });
  byId("drop-older").addEventListener("click", () => {
    drafts.drop(older.base);
    byId("older").hidden = true;
  });
}

const picture = new Picture(byId("picture"), {
  texts: textOf,
  onSelect: (node) => {
    const line = editor.lineOf(node.name);
    if (line) editor.show(line, false);
  },
});
const rehearsal = new Rehearsal(byId("rehearsal"), {
  texts: textOf,
  ask: (fields) => post("rehearse", { text: editor.text, ...fields }),
  onNode: (name) => picture.select(name),
});
const words = Object.fromEntries([...document.querySelectorAll("[data-phrase]")].map((one) => [one.dataset.phrase, one.textContent]));
const editor = new CodeEditor(host, {
  text: source.value,
  label: host.dataset.label,
  words,
  onChange: () => changed(),
  onSave: () => check(),
});

bindView(picture.view, document);
showGraph(JSON.parse(byId("picture").dataset.graph));
byId("publish-button").addEventListener("click", publish);
byId("rebase").addEventListener("click", rebase);
byId("undo-all").addEventListener("click", () => {
  editor.text = base.text;
  note.value = "";
  byId("restored").hidden = true;
});
note.addEventListener("input", () => { if (dirty()) drafts.keep(base.version, editor.text, note.value); });
addEventListener("beforeunload", (event) => { if (dirty()) event.preventDefault(); });
offerDrafts();
showPublish();
check();
