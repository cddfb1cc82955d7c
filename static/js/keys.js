// Keys: an element with data-key="n" (or "g d", one after the other) is pressed, a field is focused; ? tells all keys of the page.
const WAIT = 900; // ms between the two keys of a pair
const help = document.getElementById("keys-help");
let first = "", timer = null;

const isTyping = (target) => target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]");
const isCovered = () => document.querySelector("dialog:modal, [popover]:popover-open");
const find = (key) => [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find((element) => element.checkVisibility() && !element.disabled);
const starts = (key) => document.querySelector(`[data-key^="${CSS.escape(key)} "]`);

function press(element) {
  if (element.matches("input, textarea, select")) element.focus();
  else element.click();
}

function name(element) {
  return element.dataset.keyName ?? element.getAttribute("aria-label") ?? element.title ?? element.textContent.trim();
}

function tellAll() {
  const list = help.querySelector("dl"), rows = new Map();
  for (const element of document.querySelectorAll("[data-key], [data-key-hint]")) {
    const keys = element.dataset.key ?? element.dataset.keyHint;
    if (!rows.has(keys)) rows.set(keys, name(element) || element.textContent.trim());
  }
  list.replaceChildren(...[...rows].map(([keys, text]) => row(keys, text)));
  help.showModal();
}

function row(keys, text) {
  const line = document.createElement("div"), what = document.createElement("dt"), how = document.createElement("dd");
  what.textContent = text;
  how.append(...keys.split(" ").flatMap((key) => [Object.assign(document.createElement("kbd"), { textContent: key }), " "]));
  line.append(what, how);
  return line;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target) || isCovered()) return;
  if (event.key === "?" && help) return event.preventDefault(), tellAll();
  const key = event.key.toLowerCase(), pair = first && find(`${first} ${key}`), element = pair || find(key);
  clearTimeout(timer);
  first = "";
  if (element) {
    event.preventDefault();
    press(element);
  } else if (starts(key)) {
    first = key;
    timer = setTimeout(() => (first = ""), WAIT);
  }
});
document.addEventListener("click", (event) => event.target.closest("[data-opens-keys]") && tellAll());
