// Manners of forms: sent once, the first mistake in focus, a name to type before something is destroyed, selects that submit.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || event.target.method === "dialog") return;
  setTimeout(() => { // after the browser has read the button's own value, and only if no script took the form over
    if (event.defaultPrevented) return;
    button.setAttribute("aria-busy", "true");
    button.disabled = true;
  });
});
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return; // back from the next page: what was sent can be sent again
  for (const button of document.querySelectorAll("button[aria-busy]")) {
    button.removeAttribute("aria-busy");
    button.disabled = false;
  }
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-submit-on-change]");
  if (form) form.requestSubmit();
});

// <input data-must-equal="support-chat"> holds the form's submit button back until the name is typed.
function compare(input) {
  const button = input.form?.querySelector("[type=submit]");
  if (button) button.disabled = input.value.trim() !== input.dataset.mustEqual;
}
document.addEventListener("input", (event) => event.target.matches("[data-must-equal]") && compare(event.target));
document.querySelectorAll("[data-must-equal]").forEach(compare);

document.querySelector("main form [aria-invalid=true]")?.focus();
