// Bars of jobs that move: <progress data-job="uuid">; an element with data-job-text="uuid" tells step and time left.
import { duration, percent } from "./format.js";
import { live } from "./live.js";
import { fill, words } from "./words.js";

const watched = new Map(); // job -> what ends the watching

function show(job, { done, total, unit, phase, eta_s: eta }) {
  if (!total) return;
  const isCounted = unit !== "steps" || total > 1;
  for (const bar of document.querySelectorAll(`progress[data-job="${job}"]`)) {
    if (isCounted) Object.assign(bar, { max: total, value: done });
    else bar.removeAttribute("value");
    bar.setAttribute("aria-label", percent(done, total));
  }
  const where = unit === "steps" && isCounted ? fill(words.step_of, { done, total }) : phase;
  const text = [where, eta ? fill(words.left, { time: duration(eta) }) : ""].filter(Boolean).join(", ");
  for (const place of document.querySelectorAll(`[data-job-text="${job}"]`)) place.textContent = text;
}

function watch() {
  const present = new Set([...document.querySelectorAll("progress[data-job]")].map((bar) => bar.dataset.job));
  for (const [job, leave] of watched) if (!present.has(job)) leave(), watched.delete(job);
  for (const job of present) {
    if (!watched.has(job)) watched.set(job, live.subscribe(`job.${job}`, { after: Infinity, onProgress: (told) => show(job, told) }));
  }
}

// The rail counts what the meter counts.
function count() {
  const running = document.getElementById("jobs-meter")?.dataset.running, place = document.querySelector(".rail [data-count=running]");
  if (!place || running === undefined) return;
  place.hidden = running === "0";
  place.firstElementChild.textContent = running;
}

watch();
document.addEventListener("refreshed", watch);
document.addEventListener("refreshed", count);
document.addEventListener("htmx:afterSwap", watch);
