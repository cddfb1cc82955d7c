// Dialogs by command, for browsers that do not know `command` yet; a click beside a dialog closes it; data-open opens at once.
const knowsCommand = "command" in HTMLButtonElement.prototype;

document.addEventListener("click", (event) => {
  const button = event.target.closest("[commandfor]");
  if (button && !knowsCommand) {
    const dialog = document.getElementById(button.getAttribute("commandfor"));
    if (button.getAttribute("command") === "show-modal") dialog?.showModal();
    else dialog?.close();
  }
  if (event.target.tagName === "DIALOG" && event.target.open && isBeside(event)) event.target.close();
});

function isBeside({ target, clientX: x, clientY: y }) {
  const { left, right, top, bottom } = target.getBoundingClientRect();
  return (x || y) && (x < left || x > right || y < top || y > bottom);
}

document.querySelectorAll("dialog[data-open]").forEach((dialog) => dialog.showModal());
