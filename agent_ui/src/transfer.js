// The dialogue in which an agent chooses to whom the caller is put through.
const STAGES = ["call-talking", "call-held"];

const call = () => document.getElementById("call");
const talks = (callId) => call()?.dataset.callId === callId && STAGES.some((one) => call().classList.contains(one));

let callId = "";

// The targets whose words hold what was typed.
function sift(dialog) {
  const word = dialog.querySelector("[name=filter]").value.trim().toLowerCase();
  for (const button of dialog.querySelectorAll(".target")) {
    button.parentElement.hidden = !button.textContent.toLowerCase().includes(word);
  }
}

function step(dialog, by) {
  const places = [dialog.querySelector("[name=filter]"), ...dialog.querySelectorAll("li:not([hidden]) > .target")];
  const here = places.indexOf(document.activeElement);
  places[Math.max(0, Math.min(places.length - 1, here + by))].focus();
}

function problem(dialog, text) {
  const place = dialog.querySelector(".form-error");
  place.textContent = text;
  place.hidden = !text;
}

// After each push: the talk may be over, and the list may be new.
export function followTransfer() {
  const dialog = document.getElementById("transfer");
  if (!dialog.open) return;
  if (!talks(callId)) dialog.close();
  else sift(dialog);
}

export function bindTransfer({ order, say, textOf }) {
  const dialog = document.getElementById("transfer");
  const open = async () => {
    callId = call().dataset.callId;
    problem(dialog, "");
    dialog.querySelector("[name=filter]").value = "";
    dialog.showModal();
    const answer = await order("transfer_targets", {});
    if (answer?.type !== "done") problem(dialog, answer?.message ?? textOf("not_connected"));
  };
  const choose = async (target) => {
    problem(dialog, "");
    dialog.inert = true;
    const answer = await order("transfer", { call_id: callId, ...target });
    dialog.inert = false;
    if (answer?.type === "done") {
      dialog.close();
      say(textOf("transfer"));
    } else if (dialog.open) {
      problem(dialog, answer?.message ?? textOf("not_connected"));
    }
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("#transfer-button")) open();
  });
  dialog.addEventListener("click", (event) => {
    const { agent, queue } = event.target.closest(".target")?.dataset ?? {};
    if (agent) choose({ agent });
    else if (queue) choose({ queue });
    else if (event.target.closest("[data-close]")) dialog.close();
  });
  dialog.addEventListener("input", () => sift(dialog));
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    step(dialog, by);
  });
}
