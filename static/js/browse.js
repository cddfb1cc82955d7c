// Filters: only what can be asked of the chosen column is offered. Columns: the boxes become one word of the address.
const column = document.getElementById("add-column"), operator = document.getElementById("add-operator");
const value = document.getElementById("add-value"), hint = document.getElementById("between-hint");

function offer() {
  const known = column.selectedOptions[0]?.dataset.operators.split("|") ?? [];
  for (const option of operator.options) option.hidden = option.disabled = !known.includes(option.value);
  if (operator.selectedOptions[0]?.disabled) operator.value = known[0];
  ask();
}
function ask() {
  value.disabled = operator.value.endsWith("missing");
  hint.hidden = operator.value !== "between";
}
if (column) {
  column.addEventListener("change", offer);
  operator.addEventListener("change", ask);
  offer();
}
document.querySelector("[data-columns]")?.addEventListener("submit", ({ target }) => {
  target.querySelector("[name=columns]").value = [...target.querySelectorAll(":checked")].map((box) => box.value).join(",");
});
