// Ctrl/Cmd-K: every object and action of the workspace, found as it is typed, opened with Enter.
import { api } from "./api.js";
import { icon } from "./icon.js";
import { words } from "./words.js";

const palette = document.getElementById("palette");
const input = palette?.querySelector("input");
const results = palette?.querySelector(".results");
let last = null, timer = null;

const options = () => [...results.querySelectorAll("[role=option]")];
const chosen = () => results.querySelector("[aria-current]");
const make = (tag, values = {}) => Object.assign(document.createElement(tag), values);

function choose(option) {
  chosen()?.setAttribute("aria-selected", "false");
  chosen()?.removeAttribute("aria-current");
  option?.setAttribute("aria-current", "true");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
}

function group({ label, items }, number) {
  const box = make("div"), title = make("h3", { id: `palette-${number}`, textContent: label });
  title.setAttribute("role", "presentation");
  box.setAttribute("role", "group");
  box.setAttribute("aria-labelledby", title.id);
  box.append(title, ...items.map((item, at) => option(item, `palette-${number}-${at}`)));
  return box;
}

function option({ url, press, label, where, icon: picture, key }, id) {
  const link = make("a", { href: url, id, tabIndex: -1 });
  link.setAttribute("role", "option");
  link.setAttribute("aria-selected", "false");
  link.append(icon(picture), make("span", { className: "clip", textContent: label }));
  link.append(key ? make("kbd", { textContent: key }) : make("span", { className: "where", textContent: where }));
  if (press) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      palette.hidePopover();
      document.querySelector(press)?.click();
    });
  }
  return link;
}

function say(text) {
  results.replaceChildren(make("p", { textContent: text }));
  choose(null);
}

async function search() {
  last?.abort();
  last = new AbortController();
  try {
    const { groups } = await api(`${palette.dataset.search}?q=${encodeURIComponent(input.value)}`, { signal: last.signal });
    if (!groups.length) return say(words.nothing_found);
    results.replaceChildren(...groups.map(group));
    choose(options()[0]);
  } catch (error) {
    if (error.name !== "AbortError") say(error.message);
  }
}

if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  for (const key of document.querySelectorAll("[popovertarget=palette] kbd")) key.textContent = "\u2318 K";
}
// Emptied before it is shown: the other event comes late enough to wipe out what a fast hand has typed.
palette?.addEventListener("beforetoggle", ({ newState }) => {
  if (newState === "open") input.value = "";
});
palette?.addEventListener("toggle", ({ newState }) => {
  if (newState !== "open") return;
  input.focus();
  search();
});
input?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, 80);
});
palette?.addEventListener("keydown", (event) => {
  const all = options(), at = all.indexOf(chosen());
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 6, PageUp: at - 6 }[event.key];
  if (to !== undefined) choose(all[Math.min(Math.max(to, 0), all.length - 1)]);
  else if (event.key === "Enter" && !event.isComposing) chosen()?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey: event.ctrlKey, metaKey: event.metaKey }));
  else return;
  event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (!palette || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "k") return;
  event.preventDefault();
  palette.togglePopover();
});
