// Imports on this page move as their jobs do; when one ends the page shows what became of it.
import { api } from "./api.js";
import { live } from "./live.js";

const size = (bytes) => (bytes / 1e6).toLocaleString(undefined, { maximumFractionDigits: 1 });
const left = (seconds) => (seconds >= 90 ? `${Math.round(seconds / 60)} min` : `${Math.max(1, Math.round(seconds))} s`);

function show(line, { done, total, phase, eta_s: eta }) {
  if (!total) return;
  line.querySelector("progress").value = (100 * done) / total;
  line.querySelector("[data-import-state]").textContent = `${phase}: ${size(done)} / ${size(total)} MB`;
  line.querySelector("[data-import-left]").textContent = eta ? left(eta) : "";
}

async function look(line) {
  const job = await api(`/api/v1/jobs/${line.dataset.import}/`).catch(() => null);
  if (!job) return;
  if (["succeeded", "failed", "cancelled"].includes(job.status)) location.reload();
  else show(line, job.progress);
}

for (const line of document.querySelectorAll("[data-import]")) {
  live.subscribe(`job.${line.dataset.import}`, {
    onEvents: ({ progress }) => progress && show(line, progress),
    onChanged: () => look(line),
    onHealed: () => look(line),
  });
  look(line);
  setInterval(() => document.visibilityState === "visible" && look(line), 5000); // while the socket is away
}
