// Rows that are chosen by their check boxes: all at once, how many, and the buttons that need at least one. What is chosen stays
// chosen when the list is fetched again.
import { fill } from "./words.js";

for (const bar of document.querySelectorAll("[data-choosing]")) {
  const place = document.getElementById(bar.dataset.choosing), chosen = new Set();
  const all = bar.querySelector("[data-choose-all]"), told = bar.querySelector("[data-chosen]"), unchosen = told.textContent;
  const boxes = () => [...place.querySelectorAll("input[type='checkbox']")];

  function count() {
    const there = boxes(), number = there.filter((box) => box.checked).length;
    all.checked = number > 0 && number === there.length;
    all.indeterminate = number > 0 && number < there.length;
    told.textContent = number ? fill(told.dataset.chosen, { count: number }) : unchosen;
    for (const button of bar.querySelectorAll("[data-needs-choice]")) button.disabled = !number;
  }

  function note(box) {
    if (box.checked) chosen.add(box.value);
    else chosen.delete(box.value);
  }

  function restore() {
    for (const box of boxes()) box.checked ||= chosen.has(box.value);
    count();
  }

  all.addEventListener("change", () => {
    for (const box of boxes()) (box.checked = all.checked), note(box);
    count();
  });
  place.addEventListener("change", ({ target }) => (note(target), count()));
  new MutationObserver(restore).observe(place, { childList: true });
  for (const box of boxes()) note(box);
  count();
}
