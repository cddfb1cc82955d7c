// The opened row is the marked row; up and down (or J and K) walk through the page, Enter goes into the row. The address follows.
const beside = matchMedia("(min-width: 1240px)"); // below that the opened row stands under the list
const rows = () => [...document.querySelectorAll("[data-row]")];

function mark(row) {
  for (const other of rows()) other.removeAttribute("aria-selected");
  row.setAttribute("aria-selected", "true");
  row.scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-row]");
  if (row && !event.target.closest("a") && !getSelection().toString()) row.querySelector("a").click();
});
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  const row = detail.elt.closest?.("[data-row]");
  if (!row) return;
  mark(row);
  history.replaceState(history.state, "", detail.elt.getAttribute("href"));
  if (!beside.matches) document.addEventListener("htmx:afterSettle", () => document.getElementById("row")?.scrollIntoView(), { once: true });
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog, [popover]")) return;
  const all = rows(), at = all.findIndex((row) => row.hasAttribute("aria-selected"));
  if (event.key === "Enter" && at >= 0 && !event.target.closest("a, button")) {
    const opened = document.getElementById("row");
    opened?.focus();
    opened?.scrollIntoView({ block: "nearest" });
    return;
  }
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key], next = step && all[at + step];
  if (!next) return;
  event.preventDefault();
  mark(next);
  next.querySelector("a").click();
});
