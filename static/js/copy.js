// <button data-copy="id"> copies the text of that element, or its value.
import { toast } from "./toast.js";
import { words } from "./words.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText((source.value ?? source.textContent).trim());
    toast(words.copied, "good");
  } catch {
    getSelection().selectAllChildren(source);
    toast(words.not_copied, "warn");
  }
});
