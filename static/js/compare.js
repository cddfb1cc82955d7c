// Runs side by side: one curve of each, over steps, tokens or time; running ones move by the socket, lost points are healed.
import { api } from "./api.js";
import { Chart } from "./chart.js";
import { columnsNow, loadOutcomes } from "./compareoutcomes.js";
import { loadAnswers } from "./compareanswers.js";
import { live } from "./live.js";
import { setComplete } from "./livestate.js";
import { toast } from "./toast.js";
import { words } from "./words.js";

const data = JSON.parse(document.getElementById("compare-data").textContent);
const $ = (selector) => document.querySelector(selector);
const AXES = { tokens: "tokens", time: "elapsed_s" };
const INKS = 6; // the seventh and eighth line are dashed
const metric = $("#metric"), axis = $("#axis"), smoothing = $("#smoothing");
const known = new Map(data.runs.map(({ id }) => [id, new Map()])); // run -> metric -> step -> value
const chart = new Chart($("#chart"), {
  series: data.runs.map(({ id, label }, place) => ({ name: id, label, ink: `series-${(place % INKS) + 1}`, dash: place < INKS ? "solid" : "dot" })),
});

function curveOf(run, name) {
  const own = known.get(run);
  if (!own.has(name)) own.set(name, new Map());
  return own.get(name);
}

// Seconds start anew where a run was resumed: what went before is added, so that time only goes on.
function places(run) {
  const name = AXES[axis.value], steps = new Map();
  let before = 0, last = 0;
  for (const [step, value] of [...curveOf(run, name)].sort(([a], [b]) => a - b)) {
    if (value < last) before += last;
    last = value;
    steps.set(step, before + value);
  }
  return steps;
}

// A step without its own place (an evaluation before the first point, say) stands at the last one told before it.
function pointsOf(run) {
  const rows = [...curveOf(run, metric.value)].sort(([a], [b]) => a - b);
  if (axis.value === "step") return rows.map(([step, value]) => [0, step, run, value]);
  const at = places(run), steps = [...at.keys()], out = [];
  let next = 0, place = null;
  for (const [step, value] of rows) {
    while (next < steps.length && steps[next] <= step) place = at.get(steps[next++]);
    if (place !== null) out.push([0, place, run, value]);
  }
  return out;
}

let frame = null;
function draw() {
  frame ??= requestAnimationFrame(() => {
    frame = null;
    for (const { id } of data.runs) {
      chart.cut(id, -1);
      chart.add(pointsOf(id));
    }
    const marks = metric.value === "eval_loss";
    for (const one of chart.series) one.markers = marks;
    chart.set({ smoothing: marks ? 0 : Number(smoothing.value), log: $("#log").checked });
    words.step = { step: words.steps, tokens: words.tokens, time: words.time }[axis.value]; // the heading of the hover box
    $("#axis-name").textContent = axis.selectedOptions[0].textContent;
  });
}

function take(run, points) {
  for (const [, step, name, value] of points) curveOf(run, name).set(step, value);
  if (points.length) draw();
}

async function open({ id, job, isTerminal }) {
  const path = `/api/v1/jobs/${job}/metrics/?thin=1500`;
  const page = await api(path);
  take(id, page.points);
  if (isTerminal) return;
  live.subscribe(`job.${job}`, {
    after: page.to_seq,
    onEvents: ({ points, events }) => {
      const resumed = events.find(({ type }) => type === "resumed");
      if (resumed) for (const curve of known.get(id).values()) for (const step of curve.keys()) if (step > resumed.step) curve.delete(step);
      take(id, points);
      if (points.some(([, , name]) => name === "eval_loss")) refresh();
    },
    onChanged: refresh,
  });
}

function refresh() {
  loadOutcomes(data.api);
  loadAnswers(data.runs);
}

function choose({ metric: name, axis: over, smoothing: weight, columns }) {
  if (name) metric.value = name;
  if (!metric.value) metric.selectedIndex = 0;
  if (over) axis.value = over;
  smoothing.value = weight ?? 0;
  for (const box of document.querySelectorAll("#columns input")) box.checked = !columns?.length || columns.includes(box.value);
}

async function save(event) {
  event.preventDefault();
  const body = { name: $("#view-name").value.trim(), runs: data.runs.map(({ id }) => id), columns: columnsNow(), metric: metric.value, axis: axis.value, smoothing: Number(smoothing.value) };
  try {
    await api(data.views, { method: "POST", json: body });
    $("#save").close();
    toast(words.saved);
  } catch (error) {
    toast(`${error.message} ${error.hint}`, "bad");
  }
}

choose(data.chosen);
for (const control of [metric, axis, smoothing, $("#log")]) control.addEventListener("input", draw);
$("#all-settings").addEventListener("change", ({ target }) => document.querySelectorAll("#settings tr.same").forEach((row) => (row.hidden = !target.checked)));
$("#save-form").addEventListener("submit", save);
for (const bin of document.querySelectorAll("[data-delete]")) bin.addEventListener("click", async () => {
  await api(bin.dataset.delete, { method: "DELETE" }).then(() => bin.parentElement.remove(), (error) => toast(error.message, "bad"));
});
setComplete(data.runs.every(({ isTerminal }) => isTerminal));
Promise.allSettled(data.runs.map(open)).then(draw);
refresh();
