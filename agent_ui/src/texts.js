// The texts that the page brought for its script.
export const textOf = (name) => document.querySelector(`[data-text="${name}"]`)?.textContent ?? "";
