// The list of runs: those that are ticked may be compared. What is chosen stays chosen when the list is fetched again.
import { fill } from "./words.js";

const FEWEST = 2, MOST = 8;
const form = document.getElementById("compare"), list = document.getElementById("rows"), chosen = new Set();

function show() {
  for (const box of list.querySelectorAll("input[name=runs]")) box.checked = chosen.has(box.value);
  const [count, many] = form.querySelectorAll("[data-count], [data-many]");
  form.hidden = !chosen.size;
  count.textContent = fill(count.dataset.count, { count: chosen.size });
  const fits = chosen.size >= FEWEST && chosen.size <= MOST;
  form.querySelector("button").disabled = !fits;
  many.textContent = fits ? "" : many.dataset.many;
}

if (form && list) {
  list.addEventListener("change", ({ target }) => {
    if (target.name !== "runs") return;
    if (target.checked) chosen.add(target.value);
    else chosen.delete(target.value);
    show();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault(); // also those on other pages of the list
    location.assign(`${form.action}?runs=${[...chosen].join(",")}`);
  });
  new MutationObserver(show).observe(list, { childList: true });
  for (const box of list.querySelectorAll("input[name=runs]:checked")) chosen.add(box.value);
  show();
}
