// The recipe: steps dragged to another place or moved by Alt and an arrow key, steps searched in the picker, words read from a file,
// and the field that is wrong marked.
const form = document.getElementById("prepare");
const changed = () => form.dispatchEvent(new Event("input", { bubbles: true }));

// The server renders the list anew after a button; what comes of it is asked for then.
// What was open stays so.
let open = [];
const options = (step) => step.querySelector(".step-options");
document.body.addEventListener("htmx:beforeSwap", () => {
  open = [...form.querySelectorAll("[data-step]")].filter((step) => options(step)?.open).map((step) => step.id);
});
document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
  for (const id of open) {
    const shown = document.getElementById(id);
    if (shown && options(shown)) options(shown).open = true;
  }
  if (detail.target.id === "recipe") changed();
  mark();
});

function mark() {
  const { wrongStep, wrongField } = document.getElementById("outcome")?.dataset ?? {};
  for (const was of form.querySelectorAll("[aria-invalid]")) was.removeAttribute("aria-invalid");
  for (const step of form.querySelectorAll("[data-step]")) step.toggleAttribute("data-wrong", step.id === `step-${wrongStep}`);
  const field = wrongField && document.getElementById(wrongField);
  if (!field) return;
  field.setAttribute("aria-invalid", "true");
  const options = field.closest("details");
  if (options) options.open = true;
}
mark();

form.addEventListener("keydown", (event) => {
  if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  const step = event.target.closest("[data-step]");
  if (!step) return;
  event.preventDefault();
  step.querySelector(`[value^="${event.key === "ArrowUp" ? "up" : "down"}:"]:enabled`)?.click();
});

let dragged = null;
form.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.(".grip")?.closest("[data-step]") ?? null;
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.id);
  event.dataTransfer.setDragImage(dragged, 16, 16);
  dragged.toggleAttribute("data-dragged", true);
});
form.addEventListener("dragover", (event) => {
  const over = dragged && event.target.closest?.("[data-step]");
  if (!over) return;
  event.preventDefault();
  if (over === dragged) return;
  const { top, height } = over.getBoundingClientRect();
  over[event.clientY < top + height / 2 ? "before" : "after"](dragged);
});
form.addEventListener("drop", (event) => dragged && event.preventDefault());
form.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.removeAttribute("data-dragged");
  dragged = null;
  number();
  changed();
});

function number() { // as the server would have written it
  const steps = [...form.querySelectorAll("[data-step]")];
  steps.forEach((step, place) => {
    const name = step.querySelector(".check b");
    name.textContent = name.textContent.replace(/^\d+/, place + 1);
    step.querySelector('[value^="up:"]').disabled = place === 0;
    step.querySelector('[value^="down:"]').disabled = place === steps.length - 1;
  });
}

const search = form.querySelector("[data-search-steps]"), picker = document.getElementById("add-step");
search.addEventListener("input", (event) => {
  event.stopPropagation();
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const group of picker.querySelectorAll("section")) {
    const kinds = [...group.querySelectorAll("button")];
    for (const kind of kinds) kind.hidden = !words.every((word) => kind.textContent.toLowerCase().includes(word));
    group.hidden = kinds.every((kind) => kind.hidden);
    found += kinds.filter((kind) => !kind.hidden).length;
  }
  picker.querySelector("[data-no-steps]").hidden = found > 0;
});
search.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  if (search.value.trim()) picker.querySelector("section:not([hidden]) button:not([hidden])")?.click();
});
picker.addEventListener("click", (event) => event.target.closest("button") && picker.hidePopover());
picker.addEventListener("toggle", ({ newState }) => {
  if (newState !== "open") return;
  search.value = "";
  search.dispatchEvent(new Event("input"));
  search.focus();
});

form.addEventListener("change", async ({ target }) => {
  if (!target.dataset.wordsFor || !target.files.length) return;
  const place = document.getElementById(target.dataset.wordsFor), said = await target.files[0].text();
  const words = said.split(/[\r\n,;\t]+/).map((word) => word.trim().replace(/^"(.*)"$/, "$1")).filter(Boolean);
  place.value = [...new Set([...place.value.split("\n").filter(Boolean), ...words])].join("\n");
  target.value = "";
  changed();
});
