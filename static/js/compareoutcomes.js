// The table of outcomes: columns that are chosen, sorted by the heading that is clicked; runs that tell nothing come last.
import { api } from "./api.js";
import { duration, measured, number } from "./format.js";
import { make } from "./make.js";

const table = document.getElementById("outcomes"), heads = [...table.querySelectorAll("th[data-column]")];
const sort = { by: "", down: false };
let rows = [];

export const columnsNow = () => [...document.querySelectorAll("#columns input:checked")].map(({ value }) => value);

export async function loadOutcomes(url) {
  rows = (await api(url)).outcomes;
  show();
}

function text(value, { dataset: { unit }, className }) {
  if (value === null || value === undefined) return "–";
  if (unit === "s") return duration(value);
  if (unit) return measured(value, unit).join("\u00a0");
  return className === "num" ? number(value) : String(value);
}

function compare(a, b) {
  const [x, y] = [a[sort.by], b[sort.by]];
  if (x === null || y === null) return (x === null) - (y === null);
  const order = typeof x === "number" ? x - y : String(x).localeCompare(String(y));
  return sort.down ? -order : order;
}

function show() {
  const shown = new Set(columnsNow());
  for (const head of heads) {
    head.hidden = !shown.has(head.dataset.column);
    if (head.dataset.column === sort.by) head.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  const ordered = sort.by ? [...rows].sort(compare) : rows;
  table.tBodies[0].replaceChildren(...ordered.map(line));
}

function line(row) {
  const cells = heads.filter(({ hidden }) => !hidden).map((head) => make("td", { class: head.className || null, "data-cell": head.dataset.column }, text(row[head.dataset.column], head)));
  return make("tr", { "data-run": row.run }, make("th", { scope: "row" }, row.name, make("span", { class: "sub" }, row.code)), ...cells);
}

for (const head of heads) head.querySelector("button").addEventListener("click", () => {
  sort.down = sort.by === head.dataset.column && !sort.down;
  sort.by = head.dataset.column;
  show();
});
document.getElementById("columns").addEventListener("change", show);
