// The page that shows one flow: the picture, who is where now, and the figures of the chosen node.
import { Picture } from "./picture.js";
import { PageSocket } from "./socket.js";
import { textOf } from "./texts.js";
import { bindView } from "./view.js";

const frame = document.getElementById("picture");
const panel = document.getElementById("node-panel");
const flow = frame.dataset.flow;
const figures = JSON.parse(frame.dataset.figures);
const none = { visits: 0, mean: 0, no_input: 0, wrong_input: 0, ways: [] };
let now = JSON.parse(frame.dataset.now);
let chosen = null;

function put(name, text) {
  panel.querySelector(`[data-put="${name}"]`).textContent = text;
}

function way([label, count]) {
  const row = document.createElement("li");
  const words = document.createElement("bdi");
  const figure = document.createElement("span");
  words.textContent = label;
  figure.textContent = count;
  row.append(words, figure);
  return row;
}

function showNode(node) {
  chosen = node;
  const of = figures[node.name] ?? none;
  panel.hidden = false;
  panel.querySelector("[data-empty]").hidden = true;
  panel.querySelector("[data-full]").hidden = false;
  put("title", node.title);
  put("kind", node.kind);
  put("name", node.name);
  put("text", node.text);
  put("now", now[node.name] ?? 0);
  put("visits", of.visits);
  put("mean", textOf("seconds").replace("{count}", of.mean.toFixed(1)));
  put("no_input", of.no_input);
  put("wrong_input", of.wrong_input);
  panel.querySelector("[data-ways]").replaceChildren(...of.ways.map(way));
  panel.querySelector("[data-no-ways]").hidden = of.ways.length > 0;
}

function showNow(counts) {
  now = counts;
  picture.live(now);
  for (const cell of document.querySelectorAll("[data-now-of]")) cell.textContent = now[cell.dataset.nowOf] ?? 0;
  const total = Object.values(now).reduce((sum, one) => sum + one, 0);
  document.getElementById("callers-now").textContent = total;
  if (chosen) put("now", now[chosen.name] ?? 0);
}

const picture = new Picture(frame, { texts: textOf, onSelect: showNode });
picture.figures(figures);
picture.draw(JSON.parse(frame.dataset.graph));
bindView(picture.view, document);
showNow(now);
document.getElementById("unusual").addEventListener("change", (event) => { picture.unusual = event.target.checked; });
for (const button of document.querySelectorAll("[data-show-node]")) {
  button.addEventListener("click", () => {
    picture.select(button.dataset.showNode, true);
    frame.scrollIntoView({ block: "nearest" });
  });
}

const lost = document.getElementById("connection-lost");
const socket = new PageSocket({
  query: `?beside=1&flow=${encodeURIComponent(flow)}`,
  onMessage: (message) => { if (message.type === "now" && message.now.flow === flow) showNow(message.now.nodes); },
  onState: (up) => { lost.hidden = up; },
});
socket.connect();
