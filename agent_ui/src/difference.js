// What differs between two texts, line by line, with a little of what is around it.
import { diffLines } from "diff";

const AROUND = 2;

function row(kind, mark, text) {
  const element = document.createElement("div");
  element.className = `diff-${kind}`;
  const sign = document.createElement("span");
  sign.textContent = mark;
  sign.className = "diff-mark";
  const line = document.createElement("span");
  line.textContent = text;
  element.append(sign, line);
  return element;
}

const linesOf = (part) => part.value.replace(/\n$/, "").split("\n");

function same(part, first, last) {
  const lines = linesOf(part);
  const head = first ? [] : lines.slice(0, AROUND);
  const tail = last ? [] : lines.slice(Math.max(first ? 0 : AROUND, lines.length - AROUND));
  const left = lines.length - head.length - tail.length;
  const rows = head.map((line) => row("same", " ", line));
  if (left > 0 && !(first && last)) rows.push(row("gap", "", "\u22ee"));
  return [...rows, ...tail.map((line) => row("same", " ", line))];
}

// Fills the element; gives how many lines were added and removed.
export function showDifference(element, before, after) {
  const parts = diffLines(before, after, { timeout: 500 });
  if (!parts) {
    element.replaceChildren();
    return { added: after.split("\n").length, removed: before.split("\n").length };
  }
  let added = 0;
  let removed = 0;
  const rows = parts.flatMap((part, index) => {
    if (part.added) added += part.count;
    else if (part.removed) removed += part.count;
    else return same(part, index === 0, index === parts.length - 1);
    return linesOf(part).map((line) => row(part.added ? "added" : "removed", part.added ? "+" : "\u2212", line));
  });
  element.replaceChildren(...(added || removed ? rows : []));
  return { added, removed };
}
