// Puts the server's fragments into the page without disturbing what a person does there.
import { Idiomorph } from "idiomorph";
import { startClocks } from "./clocks.js";

// Whether a menu is open, and which choice is made, belong to the person.
const OWN_ATTRIBUTES = new Set(["open", "checked"]);

const callbacks = {
  beforeNodeMorphed(before, after) {
    const keep = before.dataset?.keep;
    return !(keep && keep === after.dataset?.keep);
  },
  beforeAttributeUpdated(name) {
    return !OWN_ATTRIBUTES.has(name);
  },
};

export function applyFragments(fragments) {
  for (const [id, html] of Object.entries(fragments)) {
    const element = document.getElementById(id);
    if (!element) continue;
    Idiomorph.morph(element, html, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks });
    const fresh = document.getElementById(id);
    if (fresh) {
      localTimes(fresh);
      startClocks(fresh);
    }
  }
}

const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

export function localTimes(root) {
  for (const element of root.querySelectorAll("time[data-local]")) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    element.textContent = format.format(date);
    if ("due" in element.dataset) element.classList.toggle("overdue", date.getTime() < Date.now());
  }
}
