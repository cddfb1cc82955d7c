// An element that tells whether the page is live: <span class="status" data-live-state>. With data-complete it says so instead.
import { live } from "./live.js";
import { words } from "./words.js";

const STATUS = { live: "info", connecting: "idle", reconnecting: "warn", paused: "warn", "signed-out": "bad" };

let now = "connecting";

function show() {
  for (const place of document.querySelectorAll("[data-live-state]")) {
    const isComplete = now === "live" && "complete" in place.dataset;
    place.textContent = isComplete ? words.complete : words[now];
    place.dataset.status = isComplete ? "idle" : STATUS[now];
  }
}

live.onState((state) => {
  now = state;
  show();
});

export function setComplete(isComplete) {
  for (const place of document.querySelectorAll("[data-live-state]")) place.toggleAttribute("data-complete", isComplete);
  show();
}
