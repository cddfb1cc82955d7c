// Parts that stay true: an element with data-refresh="url" is fetched again when something in the workspace changes, at most
// about once a second and not under somebody's hands. data-refresh="here" is the present address of the page.
import { live } from "./live.js";
import { toast } from "./toast.js";
import { words } from "./words.js";

const AT_MOST_EVERY = 1200; // ms
let timer = null, isLate = false;

const isInUse = (part) => part.querySelector("dialog:modal, :focus:is(input, select, textarea)");

async function refresh(part) {
  const url = part.dataset.refresh === "here" ? location.href : part.dataset.refresh;
  const answer = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || answer.redirected || isInUse(part)) return; // redirected: to the door, which is no part of this page
  const fresh = await answer.text();
  if (fresh === part.lastTelling) return;
  part.lastTelling = fresh;
  const kept = part.contains(document.activeElement) && document.activeElement.getAttribute("href");
  part.innerHTML = fresh;
  globalThis.htmx?.process(part);
  if (kept) part.querySelector(`[href="${CSS.escape(kept)}"]`)?.focus({ preventScroll: true });
  part.dispatchEvent(new CustomEvent("refreshed", { bubbles: true }));
}

function soon() {
  if (timer || document.hidden) return void (isLate = true);
  document.querySelectorAll("[data-refresh]").forEach(refresh);
  timer = setTimeout(() => {
    timer = null;
    if (isLate) soon();
    isLate = false;
  }, AT_MOST_EVERY);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden || !isLate) return;
  isLate = false;
  soon();
});

if (document.body.dataset.workspace) live.subscribe(`workspace.${document.body.dataset.workspace}`, { onChanged: soon });
live.onState((state) => state === "signed-out" && toast(words.sign_in_again, "warn"));
