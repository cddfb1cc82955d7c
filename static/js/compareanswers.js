// What each run answered to the same prompt at a step: a line a prompt, a column a run. A run without that step shows its last before it.
import { api } from "./api.js";
import { make } from "./make.js";
import { fill, words } from "./words.js";

const select = document.getElementById("answers-step"), body = document.getElementById("answers");
let told = [];

export async function loadAnswers(runs) {
  told = await Promise.all(runs.map(async ({ samples }) => (await api(samples)).results));
  const steps = [...new Set(told.flat().map(({ step }) => step))].sort((a, b) => b - a);
  const kept = select.value, isNewest = !kept || kept === select.options[0]?.value;
  select.replaceChildren(...steps.map((step) => new Option(fill(words.steps, { step }), step)));
  select.hidden = !steps.length;
  if (!isNewest) select.value = kept;
  show();
}

function answer(samples, prompt, step) {
  const own = samples.filter((one) => one.prompt === prompt && one.step <= step);
  return own.reduce((best, one) => (!best || one.step > best.step ? one : best), null);
}

function show() {
  const step = Number(select.value), prompts = [...new Set(told.flat().filter((one) => one.step <= step).map(({ prompt }) => prompt))];
  if (!prompts.length) return;
  body.replaceChildren(...prompts.map((prompt) => make("tr", {}, make("th", { scope: "row" }, prompt), ...told.map((samples) => cell(answer(samples, prompt, step), step)))));
}

function cell(found, step) {
  if (!found) return make("td", { class: "muted" }, "–");
  const note = found.step === step ? [] : [make("span", { class: "sub" }, fill(words.steps, { step: found.step }))];
  return make("td", {}, found.answer, ...note);
}

select.addEventListener("change", show);
