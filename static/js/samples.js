// Sample answers: a table of one evaluation's answers, its step chosen in a select; the newest is shown until another is chosen.
import { api } from "./api.js";
import { fill, words } from "./words.js";

const select = document.getElementById("sample-step");
const table = document.getElementById("samples");
let samples = [];

export async function loadSamples(url) {
  samples = (await api(url)).results;
  const steps = [...new Set(samples.map(({ step }) => step))], kept = select.value;
  const isNewest = !kept || kept === select.options[0]?.value;
  select.replaceChildren(...steps.map((step) => new Option(fill(words.step, { step }), step)));
  select.hidden = !steps.length;
  if (!isNewest) select.value = kept;
  show();
}

function show() {
  const chosen = samples.filter(({ step }) => String(step) === select.value);
  if (chosen.length) table.replaceChildren(...chosen.map(row));
}

function row({ prompt, answer, base_answer: base }) {
  const line = document.createElement("tr");
  for (const [tag, text] of [["th", prompt], ["td", base], ["td", answer]]) {
    const cell = document.createElement(tag);
    if (tag === "th") cell.scope = "row";
    cell.textContent = text;
    line.append(cell);
  }
  return line;
}

select?.addEventListener("change", show);
