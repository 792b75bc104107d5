// The pages' entry: joins the socket, the fragments, the clocks and the forms.
import { startClocks } from "./clocks.js";
import { applyFragments, localTimes } from "./fragments.js";
import { bindForms, formDone, formFailed, rebind, watchForms } from "./forms.js";
import { PageSocket } from "./socket.js";
import { textOf } from "./texts.js";
import { bindTransfer, followTransfer } from "./transfer.js";

const page = document.body.dataset.page;
const baseTitle = document.title;

let messageTimer = 0;
function say(text, bad = false) {
  const bar = document.getElementById("message");
  if (!bar || !text) return;
  bar.textContent = text;
  bar.classList.toggle("bar-bad", bad);
  bar.hidden = false;
  clearTimeout(messageTimer);
  messageTimer = setTimeout(() => { bar.hidden = true; }, bad ? 10000 : 5000);
}

// A tab's title has no markup that could keep a name from turning the direction of the rest.
const withoutTurns = (text) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "").slice(0, 80);

let announced = "";
function showCaller() {
  const pop = document.getElementById("pop");
  const title = pop?.dataset.title;
  document.title = title ? `${withoutTurns(title)} · ${baseTitle}` : baseTitle;
  const key = pop?.dataset.callId ?? "";
  if (key !== announced) {
    announced = key;
    document.getElementById("announcement").textContent = pop?.dataset.announce ?? "";
  }
}

function received(message, socket) {
  if (message.html) {
    applyFragments(message.html);
    if (page === "agent") {
      showCaller();
      rebind();
      followTransfer();
    }
  }
  const pop = message.pop;
  if (pop && page === "agent") {
    socket.tell("pop_shown", { call_id: pop.call_id, offer_id: pop.offer_id });
  }
}

function acted(form, name, answer) {
  if (answer.type === "done") {
    if (form) formDone(form);
    say(textOf(name).replace("{number}", answer.number ?? ""));
  } else if (form) {
    formFailed(form, answer.message);
  } else {
    say(answer.message, true);
  }
}

function startSocket() {
  const lost = document.getElementById("connection-lost");
  const socket = new PageSocket({
    // The page of work stands beside the desk: it dials, and leaves the calls to the desk.
    query: page === "work" ? "?beside=1" : "",
    onMessage: (message) => received(message, socket),
    onState: (up) => { lost.hidden = up; },
  });
  const order = async (name, fields, form = null) => {
    const answer = await socket.order(name, fields);
    acted(form, name, answer ?? { type: "error", message: textOf("not_connected") });
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-order]");
    if (!button) return;
    const { order: name, ...fields } = button.dataset;
    button.closest("details.menu")?.removeAttribute("open");
    order(name, fields);
  });
  if (page === "agent") bindTransfer({ order: (name, fields) => socket.order(name, fields), say, textOf });
  socket.connect();
  return order;
}

localTimes(document);
startClocks(document);
if (page === "agent" || page === "supervisor" || page === "work") {
  const order = startSocket();
  if (page === "agent") {
    watchForms();
    bindForms((form, name, fields) => order(name, fields, form), textOf);
    showCaller();
    rebind();
  }
}
