// htmx under the strict policy: the CSRF token goes along, and what fails is told instead of passing in silence.
import { csrf } from "./api.js";
import { toast } from "./toast.js";
import { fill, words } from "./words.js";

document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb !== "get") detail.headers["X-CSRFToken"] = csrf();
});
document.addEventListener("htmx:sendError", () => toast(words.unreachable, "bad"));
document.addEventListener("htmx:responseError", ({ detail }) => {
  let problem = null;
  try { problem = JSON.parse(detail.xhr.responseText).error; } catch { /* a page, not our JSON */ }
  toast(problem?.message ?? fill(words.answered, { status: detail.xhr.status }), "bad");
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!new URL(detail.xhr.responseURL || location, location).pathname.startsWith("/accounts/login")) return;
  detail.shouldSwap = false; // the session ended: the whole page goes to the door, not its list
  location.reload();
});
for (const type of ["htmx:beforeRequest", "htmx:afterRequest"]) {
  document.addEventListener(type, ({ detail }) => detail.target?.toggleAttribute?.("data-loading", type === "htmx:beforeRequest"));
}
