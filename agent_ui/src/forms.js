// The agent's forms. What is typed is kept per call, survives every push and a reload, and stays with the call
// and the customer it was begun for, also when the next caller is on the screen already.
const KEY = "draft:";
const UNSENT = "unsent-outcome";
const NOBODY = "none";

const forms = () => [...document.querySelectorAll("form[data-send]")];
const storageKey = (form, callId) => `${KEY}${form.id}:${callId}`;

function context() {
  const pop = document.getElementById("pop")?.dataset ?? {};
  const wrapUp = document.getElementById("wrap-up")?.dataset ?? {};
  const call = document.getElementById("call")?.dataset ?? {};
  const candidate = document.querySelector('#pop input[name="candidate"]:checked');
  return {
    callId: pop.callId || wrapUp.callId || call.callId || NOBODY,
    customerId: pop.customerId || candidate?.value || wrapUp.customerId || "",
    name: candidate?.dataset.name || pop.name || "",
  };
}

function values(form) {
  return Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string"));
}

function dirty(form) {
  return [...form.elements].some((one) => {
    if (one instanceof HTMLSelectElement) {
      const first = Math.max(0, [...one.options].findIndex((option) => option.defaultSelected));
      return one.selectedIndex !== first;
    }
    return "defaultValue" in one && one.value !== one.defaultValue;
  });
}

function bind(form, to) {
  form.dataset.callId = to.callId;
  form.dataset.customerId = to.customerId;
  form.dataset.name = to.name;
}

function save(form) {
  const { callId = NOBODY, customerId = "", name = "" } = form.dataset;
  if (dirty(form)) {
    sessionStorage.setItem(storageKey(form, callId), JSON.stringify({ values: values(form), customerId, name }));
    sessionStorage.setItem(`${KEY}${form.id}`, callId);
  } else {
    sessionStorage.removeItem(storageKey(form, callId));
    sessionStorage.removeItem(`${KEY}${form.id}`);
  }
}

function restore(form) {
  const callId = sessionStorage.getItem(`${KEY}${form.id}`);
  const kept = callId && sessionStorage.getItem(storageKey(form, callId));
  if (!kept) return;
  const draft = JSON.parse(kept);
  for (const [name, value] of Object.entries(draft.values)) {
    if (form.elements[name]) form.elements[name].value = value;
  }
  bind(form, { callId, customerId: draft.customerId, name: draft.name });
  form.closest("details")?.setAttribute("open", "");
}

// An outcome belongs to one call: the form changes over to the new call, and what was typed for the one before,
// if it was never sent, stays in sight below.
function changeOver(form, now) {
  save(form);
  const left = dirty(form) ? { name: form.dataset.name, note: values(form).note } : null;
  form.reset();
  sessionStorage.removeItem(`${KEY}${form.id}`);
  bind(form, now);
  if (left?.note) sessionStorage.setItem(UNSENT, JSON.stringify(left));
}

function showUnsent() {
  const box = document.querySelector(".unsent");
  const left = JSON.parse(sessionStorage.getItem(UNSENT) ?? "null");
  box.hidden = !left;
  box.querySelector("[data-unsent-name]").textContent = left?.name ?? "";
  box.querySelector("[data-unsent-text]").textContent = left?.note ?? "";
}

function follow(form, now) {
  const same = form.dataset.callId === now.callId;
  if ("perCall" in form.dataset) {
    if (!same && now.callId !== NOBODY) changeOver(form, now);
    else if (!dirty(form)) bind(form, now);
  } else if (!dirty(form) || (same && now.customerId)) {
    bind(form, now);
  }
  const label = form.querySelector("[data-bound]");
  const name = form.dataset.name ?? "";
  label.hidden = !name;
  label.querySelector("[data-bound-name]").textContent = name;
  label.classList.toggle("other", dirty(form) && form.dataset.callId !== now.callId);
}

// After each push: forms without a word in them follow the call on the screen; the others stay with theirs.
export function rebind() {
  const now = context();
  const wrapUp = document.getElementById("wrap-up")?.dataset.callId ?? "";
  for (const form of forms()) {
    if (!("free" in form.dataset)) follow(form, now);
    for (const button of form.querySelectorAll("[data-needs]")) {
      button.disabled = !wrapUp || form.dataset.callId !== wrapUp;
    }
  }
  showUnsent();
}

// The time for the outcome runs out: send what has been chosen rather than lose it.
function sendInTime() {
  const clock = document.querySelector("#wrap-up [data-clock]");
  const form = document.getElementById("outcome");
  const button = form.querySelector("button[type=submit]");
  if (clock?.textContent === "0:01" && form.elements.disposition.value && !button.disabled) form.requestSubmit(button);
}

function problem(form, text) {
  const place = form.querySelector(".form-error");
  place.textContent = text;
  place.hidden = !text;
}

export function formDone(form) {
  sessionStorage.removeItem(storageKey(form, form.dataset.callId ?? NOBODY));
  sessionStorage.removeItem(`${KEY}${form.id}`);
  form.reset();
  problem(form, "");
  form.closest("details")?.removeAttribute("open");
  rebind();
}

export function formFailed(form, text) {
  problem(form, text);
}

function fieldsOf(form) {
  const fields = values(form);
  if (fields.due_at) fields.due_at = new Date(fields.due_at).toISOString();
  const takesCustomer = form.dataset.send === "log_complaint" || "needsCustomer" in form.dataset;
  if (takesCustomer && form.dataset.customerId) fields.customer_id = Number(form.dataset.customerId);
  if (takesCustomer && (form.dataset.callId ?? NOBODY) !== NOBODY) fields.call_id = form.dataset.callId;
  return fields;
}

export function bindForms(send, textOf) {
  for (const form of forms()) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem(form, "");
      if ("needsCustomer" in form.dataset && !form.dataset.customerId) {
        problem(form, textOf("no_customer"));
        return;
      }
      const button = form.querySelector("button[type=submit]");
      button.disabled = true;
      await send(form, form.dataset.send, fieldsOf(form));
      button.disabled = false;
      rebind();
    });
  }
}

export function watchForms() {
  for (const form of forms()) {
    restore(form);
    form.addEventListener("input", () => {
      save(form);
      rebind();
    });
  }
  document.querySelector("[data-discard]").addEventListener("click", () => {
    sessionStorage.removeItem(UNSENT);
    showUnsent();
  });
  setInterval(sendInTime, 250);
  document.addEventListener("change", (event) => {
    if (event.target.name === "candidate") rebind();
  });
}
