// Running clocks: the server says how many seconds it was, the page counts on by itself.
const started = new WeakMap();

function text(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

function show(element) {
  const passed = (performance.now() - started.get(element)) / 1000;
  const seconds = Number(element.dataset.seconds);
  const down = element.dataset.clock === "down";
  const value = down ? Math.ceil(seconds - passed) : seconds + passed;
  element.textContent = text(value);
  element.classList.toggle("urgent", down && value <= 10);
  element.classList.toggle("late", "limit" in element.dataset && value > Number(element.dataset.limit));
}

// The clocks in `root` have just come from the server: count from now.
export function startClocks(root) {
  for (const element of root.querySelectorAll("[data-clock]")) {
    started.set(element, performance.now());
    show(element);
  }
}

setInterval(() => {
  for (const element of document.querySelectorAll("[data-clock]")) {
    if (started.has(element)) show(element);
  }
}, 250);
