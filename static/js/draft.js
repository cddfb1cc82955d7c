// Only the fields of the chosen operation are shown and sent. A draft that is being frozen shows how far its job is.
import { api } from "./api.js";
import { live } from "./live.js";

const choice = document.querySelector("[data-switch]");
function show() {
  for (const part of document.querySelectorAll("[data-of]")) part.hidden = part.disabled = part.dataset.of !== choice.value;
}
choice?.addEventListener("change", show);
if (choice) show();

const line = document.querySelector("[data-freezing]");
async function look() {
  const job = await api(`/api/v1/jobs/${line.dataset.freezing}/`).catch(() => null);
  if (!job) return;
  if (["succeeded", "failed", "cancelled"].includes(job.status)) return location.reload();
  const { done, total } = job.progress ?? {};
  if (total) Object.assign(line.querySelector("progress"), { max: total, value: done });
}
if (line) {
  live.subscribe(`job.${line.dataset.freezing}`, { onEvents: look, onChanged: look, onHealed: look });
  setInterval(() => document.visibilityState === "visible" && look(), 3000);
}
