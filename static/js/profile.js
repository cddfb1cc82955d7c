// Plots of a profile and of the quality board in our colours; while a job finds the figures, the page fills.
import { api } from "./api.js";
import { colour } from "./colour.js";
import { live } from "./live.js";
import { words } from "./words.js";

const CONFIG = { displayModeBar: false, responsive: false, showTips: false, plotlyServerURL: "" };
const TICKS = 6, AT_MOST_EVERY = 1500; // ms between two looks at a job's figures
const isDark = matchMedia("(prefers-color-scheme: dark)");
const part = document.getElementById("figures");
const resizing = new ResizeObserver((entries) => entries.forEach(({ target }) => target.isDrawn && Plotly.Plots.resize(target)));

function frame() {
  const font = { family: getComputedStyle(document.body).fontFamily, size: 11, color: colour("text-muted") };
  const axis = { gridcolor: colour("grid"), zeroline: false, linecolor: colour("line-strong"), tickfont: font, automargin: true, fixedrange: true };
  const hoverlabel = { bgcolor: colour("raised"), bordercolor: colour("line-strong"), font: { ...font, size: 12, color: colour("text") } };
  const base = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 8, r: 8, t: 8, b: 8 }, font, hoverlabel, showlegend: false, dragmode: false, separators: ".\u202f", bargap: 0.08 };
  return { font, axis, base };
}

// Bars stand at equal distances, whatever their widths in units: the labels tell these.
function histogram(element, { labels, ticks, counts, unit }) {
  const { axis, base } = frame(), step = Math.max(1, Math.ceil(labels.length / TICKS)), at = labels.map((_label, place) => place).filter((place) => place % step === 0);
  const trace = { type: "bar", x: counts.map((_count, place) => place), y: counts, customdata: labels, marker: { color: colour("series-1") }, hovertemplate: `%{customdata} ${unit}: %{y:,d} ${words.rows}<extra></extra>` };
  Plotly.react(element, [trace], { ...base, xaxis: { ...axis, showgrid: false, tickvals: at, ticktext: at.map((place) => ticks[place]) }, yaxis: { ...axis, nticks: 4, tickformat: ",d" } }, CONFIG);
}

function bars(element, { labels, counts, unit }) {
  const { axis, base, font } = frame();
  const shown = labels.map((label) => (label.length > 22 ? `${label.slice(0, 21)}…` : label));
  const trace = { type: "bar", orientation: "h", y: counts.map((_count, place) => place), x: counts, customdata: labels, width: counts.map(() => Math.min(0.72, 0.14 * counts.length)), marker: { color: colour("series-1") }, text: counts.map((count) => String(count)), textposition: "outside", textfont: font, cliponaxis: false, hovertemplate: `%{customdata}: %{x:,d} ${unit}<extra></extra>` };
  const most = Math.max(...counts, 1);
  Plotly.react(element, [trace], { ...base, margin: { ...base.margin, r: 36 }, xaxis: { ...axis, nticks: 4, tickformat: ",d", range: [0, 1.08 * most] }, yaxis: { ...axis, autorange: "reversed", showgrid: false, tickvals: labels.map((_label, place) => place), ticktext: shown } }, CONFIG);
}

function trend(element, { labels, values, broken, counts, bound, unit }) {
  const { axis, base, font } = frame(), known = values.filter((value) => value !== null);
  const top = 1.15 * Math.max(...known, bound ?? 0, unit === "%" ? 1 : 0.5);
  const marker = { size: 8, symbol: broken.map((is) => (is ? "x" : "circle")), color: broken.map((is) => colour(is ? "bad" : "series-1")) };
  const trace = { type: "scatter", mode: "lines+markers", x: labels, y: values, customdata: counts, marker, line: { color: colour("series-1"), width: 1.75 }, connectgaps: false, cliponaxis: false, hovertemplate: `%{x}: %{y:.4~g}${unit && ` ${unit}`} (n = %{customdata:,d})<extra></extra>` };
  const line = { type: "line", xref: "paper", x0: 0, x1: 1, y0: bound, y1: bound, line: { color: colour("text"), width: 1.25, dash: "dot" } };
  const note = { text: words.not_measured, showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5, font: { ...font, size: 12 } };
  const isEmpty = !known.length;
  Plotly.react(element, [trace], { ...base, shapes: bound === null ? [] : [line], annotations: isEmpty ? [note] : [], xaxis: { ...axis, type: "category", showgrid: false, nticks: 6, range: [-0.5, labels.length - 0.5] }, yaxis: { ...axis, nticks: 4, range: [0, top] } }, CONFIG);
}

const KINDS = { histogram, bars, trend };

function draw() {
  const data = JSON.parse(document.getElementById("plot-data")?.textContent ?? "{}");
  for (const element of document.querySelectorAll("[data-plot]")) {
    const plot = data[element.id];
    if (!plot) continue;
    KINDS[plot.kind](element, plot);
    element.isDrawn = true;
    resizing.observe(element);
  }
}

draw();
new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
isDark.addEventListener("change", draw);
document.addEventListener("refreshed", draw);

// ---- a job that finds the figures
const job = part?.dataset.profileJob;
let timer = null, isLate = false, last = "";

async function refresh() {
  const answer = await fetch(location.href, { headers: { "HX-Request": "true" }, cache: "no-store" }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = await answer.text();
  if (fresh === last || part.querySelector("details[open]") || part.contains(document.activeElement)) return;
  part.innerHTML = last = fresh;
  part.dispatchEvent(new CustomEvent("refreshed", { bubbles: true })); // its bar is watched again, its plots are drawn
}

function soon() {
  if (timer || document.hidden) return void (isLate = true);
  refresh();
  timer = setTimeout(() => {
    timer = null;
    if (isLate) soon();
    isLate = false;
  }, AT_MOST_EVERY);
}

async function look() {
  const found = await api(`/api/v1/jobs/${job}/`).catch(() => null);
  if (found && ["succeeded", "failed", "cancelled"].includes(found.status)) location.reload();
}

if (job) {
  live.subscribe(`job.${job}`, { after: Infinity, onProgress: soon, onChanged: look, onHealed: look });
  look();
  setInterval(() => document.visibilityState === "visible" && look(), 5000); // while the socket is away
}
document.addEventListener("visibilitychange", () => isLate && !document.hidden && soon());
