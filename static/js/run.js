// The live page of a run: curves, tiles, log, samples, checkpoints. Fed by the socket, healed from the API, never reloaded.
import { api } from "./api.js";
import { Chart } from "./chart.js";
import { live } from "./live.js";
import { setComplete } from "./livestate.js";
import { appendLines } from "./log.js";
import { showProgress } from "./progress.js";
import "./quiet.js";
import { loadSamples } from "./samples.js";
import { forget, note } from "./tiles.js";
import { words } from "./words.js";

const SMOOTH = 0.8;
const ENDED = ["succeeded", "failed", "cancelled"];
const data = JSON.parse(document.getElementById("run-data").textContent);
const $ = (selector) => document.querySelector(selector);
const base = `/api/v1/jobs/${data.job}`;

const loss = new Chart($("#chart-loss"), {
  smoothing: SMOOTH,
  total: data.progress.unit === "steps" && data.progress.total > 1 ? data.progress.total : 0,
  series: [{ name: "loss", label: words.loss }, { name: "eval_loss", label: words.eval_loss, ink: "series-2", dash: "dash", markers: true }],
});
const minis = [...document.querySelectorAll("[data-mini]")].map((card) => {
  const name = card.dataset.mini, series = [{ name, label: card.querySelector("h3").textContent }];
  const map = card.querySelector("[data-unit=MB]") ? (megabytes) => megabytes / 1024 : null; // the tile says GB
  const chart = new Chart($(`#chart-${name}`), { small: true, series, map });
  return { card, name, chart };
});

function show(points) {
  note(points);
  loss.add(points);
  for (const { card, name, chart } of minis) {
    const own = points.filter((point) => point[2] === name);
    if (own.length) card.hidden = false;
    chart.add(own);
  }
}

function goBack({ step }) {
  forget(step);
  for (const chart of [loss, ...minis.map((mini) => mini.chart)]) chart.truncate(step);
}

let last = {};
function progress(told) {
  last = told;
  showProgress(told);
  if (told.unit === "steps" && told.total > 1 && told.total !== loss.total) loss.set({ total: told.total });
}

// All parts in one answer; what did not change stays, and the focus goes to the button of the same name.
async function refreshParts() {
  const answer = await fetch(`${data.page}?part=all`).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of fresh.querySelectorAll("[id^=part-]")) {
    const place = document.getElementById(part.id);
    if (!place || place.innerHTML.trim() === part.innerHTML.trim()) continue;
    const focused = place.contains(document.activeElement) && document.activeElement.textContent;
    place.innerHTML = part.innerHTML;
    if (focused) [...place.querySelectorAll("a, button")].find(({ textContent }) => textContent === focused)?.focus();
  }
  progress(last); // newer than what the server has just written there
}

const handlers = {
  onEvents({ points, logs, events, progress: told }) {
    const has = (type) => events.some((event) => event.type === type);
    events.filter(({ type }) => type === "resumed").forEach(goBack);
    show(points);
    if (logs.length) appendLines(logs);
    if (told) progress(told);
    if (has("sample")) loadSamples(data.samples);
    if (has("checkpoint") || has("fact")) refreshParts();
  },
  onChanged: async () => {
    const job = await api(`${base}/`).catch(() => null);
    if (!job) return;
    setComplete(ENDED.includes(job.status));
    last = job.status === "running" ? job.progress : {};
    await refreshParts();
  },
  onHealed() {
    loadSamples(data.samples);
    handlers.onChanged();
  },
};

$("#smooth").addEventListener("change", ({ target }) => loss.set({ smoothing: target.checked ? SMOOTH : 0 }));
$("#log").addEventListener("change", ({ target }) => loss.set({ log: target.checked }));
for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => {
    for (const other of document.querySelectorAll("[data-show]")) other.setAttribute("aria-pressed", String(other === button));
    loss.set({ map: button.dataset.show === "perplexity" ? Math.exp : null });
  });
}

document.addEventListener("click", ({ target }) => target.closest("[commandfor=cancel]") && refreshParts()); // what would be lost now
document.addEventListener("quiet:sent", handlers.onChanged);
progress(data.progress);
const [curve, tail] = await Promise.all([api(`${base}/metrics/?thin=1500`), api(`${base}/logs/?tail=200`), loadSamples(data.samples)]);
show(curve.points);
appendLines(tail.lines);
live.subscribe(`job.${data.job}`, { after: curve.to_seq, logged: Math.min(curve.to_seq, tail.to_seq), ...handlers });
