// The list of runs: the bars of those that are going on move with them.
import { live } from "./live.js";

const list = document.getElementById("rows");
const watched = new Map(); // job -> what ends the subscription

function watch() {
  const there = new Set([...list.querySelectorAll("progress[data-job]")].map((bar) => bar.dataset.job));
  for (const [job, leave] of watched) if (!there.has(job)) watched.delete(job), leave();
  for (const job of there) if (!watched.has(job)) watched.set(job, live.subscribe(`job.${job}`, { after: Infinity, onEvents: ({ progress }) => move(job, progress) }));
}

function move(job, progress) {
  const bar = list.querySelector(`progress[data-job="${job}"]`);
  if (bar && progress?.unit === "steps" && progress.total > 1) Object.assign(bar, { max: progress.total, value: progress.done });
}

if (list) {
  new MutationObserver(watch).observe(list, { childList: true, subtree: true });
  watch();
}
