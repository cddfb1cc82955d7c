// The question of a project: builder and XML are two views of one config, which the server reads, writes and pictures at every change.
import { csrf } from "./api.js";
import { codeEditor } from "./labelcode.js";
import { followNames } from "./labelrename.js";

const editor = document.getElementById("question-editor"), form = editor.closest("form");
const preview = document.getElementById("preview"), builder = document.getElementById("in-builder"), wrong = document.getElementById("wrong");
const code = codeEditor(form.elements.label_config, editor.querySelector(".gutter"));
let timer = null, asking = null, before = Promise.resolve();

// One question to the server after the other. Only to look may be cut short by the next one; a step, as a template or a part more, is never lost.
function look(step = "") {
  clearTimeout(timer);
  if (!asking?.step) asking?.stop.abort();
  const row = form.elements.row?.value, mine = before.then(() => ask(step, row)); // an answer on its way replaces the field of the row
  before = mine.catch(() => null);
  return mine;
}

async function ask(step, row) {
  asking = { step, stop: new AbortController() };
  const body = new FormData(form);
  body.set("do", step);
  if (row !== undefined) body.set("row", row);
  try {
    const answer = await fetch(editor.dataset.preview, { method: "POST", body, headers: { "X-CSRFToken": csrf(), "HX-Request": "true" }, signal: asking.stop.signal });
    if (answer.ok) put(await answer.text(), step, body.get("row"));
  } catch (error) {
    if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error; // away for a moment: the next change asks again
  } finally {
    asking = null;
  }
}

// Its parts are ours, escaped by the server. What the person types in is never replaced under the fingers.
function put(html, step, row) {
  const parts = new DOMParser().parseFromString(html, "text/html");
  const part = (name) => parts.querySelector(`[data-part="${name}"]`);
  const inBuilder = form.elements.view.value === "builder", isPreviewed = preview.contains(document.activeElement);
  if (!inBuilder || step) fillBuilder(part("builder"));
  if (inBuilder || step) code.set(part("xml").value);
  for (const place of [wrong, document.getElementById("builder-wrong")]) if (place) place.innerHTML = part("wrong").innerHTML;
  const count = document.getElementById("row-count");
  if (count) count.innerHTML = part("count").innerHTML;
  document.getElementById("config-fields").innerHTML = part("fields").innerHTML;
  const { id: focused, value: typed } = isPreviewed ? document.activeElement : {};
  preview.innerHTML = part("preview").innerHTML;
  const field = focused && document.getElementById(focused);
  field?.focus();
  if (focused === "id_row" && field && typed !== row) [field.value = typed, look()]; // typed meanwhile
  mark();
}

function fillBuilder(part) {
  const held = document.activeElement?.dataset?.do, at = document.activeElement?.closest?.(".built-item")?.dataset.place;
  builder.innerHTML = part.innerHTML;
  if (held) focusAfter(held, Number(at));
}

// After a button of the builder was pressed, the focus goes on with what it moved or made.
function focusAfter(step, at) {
  const [verb] = step.split(":"), place = { up: at - 1, down: at + 1 }[verb] ?? at;
  const item = builder.querySelector(`.built-item[data-place="${place}"]`) ?? builder.querySelector(".built-item:last-child");
  const wanted = { option: ".built-options li:last-child input:not([type=hidden])", up: '[data-do^="up"]:enabled', down: '[data-do^="down"]:enabled' }[verb];
  (item?.querySelector(wanted ?? "button:enabled") ?? item?.querySelector("button:enabled"))?.focus();
}

function mark() {
  const problem = wrong.querySelector("[data-line]");
  code.mark(Number(problem?.dataset.line ?? 0));
  for (const item of builder.querySelectorAll(".built-item")) item.toggleAttribute("data-wrong", item.dataset.place === problem?.dataset.item);
}

async function show(view) {
  await look(); // what was typed in this view is in the other one
  form.elements.view.value = view;
  for (const button of editor.querySelectorAll(".btn-group [data-view]")) button.setAttribute("aria-pressed", button.dataset.view === view);
  builder.hidden = view !== "builder";
  document.getElementById("in-xml").hidden = view !== "xml";
  if (view === "xml") code.drawn();
  else await look("show");
}

form.addEventListener("submit", (event) => { // a step under way belongs to what is sent
  if (!asking?.step) return;
  event.preventDefault();
  before.then(() => form.requestSubmit(event.submitter));
});
form.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-do], [data-adds], [data-view], [data-goes-to]");
  if (!button) return;
  const { do: step, adds, view, goesTo } = button.dataset;
  if (step) look(step);
  if (adds) look(`add:${document.getElementById(adds).value}`);
  if (view) show(view);
  if (goesTo) show("xml").then(() => code.goTo(Number(goesTo)));
});
form.addEventListener("input", ({ target }) => {
  if (target.id === "find-template") return narrow(target.value);
  if ((editor.contains(target) || target.closest("#rows-asked")) && !target.id.startsWith("add-")) {
    clearTimeout(timer);
    timer = setTimeout(look, 350);
  }
});
form.addEventListener("change", ({ target }) => {
  if (target.name === "template") look(`template:${target.value}`);
  else if (["keep", "row", "dataset_version"].includes(target.name) || target.closest("#rows-asked")) look();
  if (target.name === "which") for (const field of form.querySelectorAll("[data-for]")) field.hidden = !field.dataset.for.includes(target.value);
});
form.addEventListener("keydown", (event) => { // Enter in a field of the builder makes no project; in the last answer, one more
  if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement) || !editor.contains(event.target) && event.target.id !== "id_row" && event.target.id !== "find-template") return;
  event.preventDefault();
  const options = event.target.closest(".built-options");
  if (options) options.parentElement.querySelector('[data-do^="option:"]').click();
});

function narrow(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const picks = [...document.querySelectorAll(".pick")];
  for (const pick of picks) pick.hidden = !words.every((word) => `${pick.textContent} ${pick.querySelector("input").value}`.toLowerCase().includes(word));
  for (const level of document.querySelectorAll("[data-level]")) level.hidden = !level.querySelector(".pick:not([hidden])");
  document.getElementById("no-template").hidden = picks.some((pick) => !pick.hidden);
}
const gallery = document.querySelector(".gallery"), chosen = gallery?.querySelector(".pick:has(:checked)");
if (chosen) gallery.scrollTop = chosen.offsetTop - gallery.clientHeight / 2; // the page itself stays at its top
followNames(builder);
mark();
