// <form data-quiet>: sent without leaving the page. What came of it the page hears live; what went wrong is told.
import { toast } from "./toast.js";
import { words } from "./words.js";

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-quiet]");
  if (!form) return;
  event.preventDefault();
  form.closest("dialog")?.close();
  form.closest("[popover]")?.hidePopover();
  try {
    // A redirect is the answer to success; the page it leads to is this one.
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, redirect: "manual" });
    const problem = answer.type === "opaqueredirect" || answer.ok ? null : (await answer.json()).error;
    if (problem) toast([problem.message, problem.hint].filter(Boolean).join(" "), "bad");
    document.dispatchEvent(new CustomEvent("quiet:sent"));
  } catch {
    toast(words.unreachable, "bad");
  }
});
