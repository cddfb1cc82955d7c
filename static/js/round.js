// The charts of a closed round: a forest of agreement against the threshold, and each criterion over the linked rounds.
import { colour } from "./colour.js";
import { fill, words } from "./words.js";

const data = JSON.parse(document.getElementById("round-data").textContent);
const CONFIG = { displayModeBar: false, responsive: true, plotlyServerURL: "" };
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"], MARKS = ["circle", "square", "diamond", "cross", "x", "star"];
const isDark = matchMedia("(prefers-color-scheme: dark)");
const shown = (value) => (value === null ? words.undefined : value.toFixed(2));
const isKnown = ({ value }) => value !== null;
const lowest = (figures) => Math.min(0, ...figures.flatMap(({ low, value }) => [low ?? 0, value ?? 0])) - 0.02;

function layout() {
  const font = { family: getComputedStyle(document.body).fontFamily, size: 11, color: colour("text-muted") };
  const axis = { gridcolor: colour("grid"), zeroline: false, linecolor: colour("line-strong"), tickfont: font, automargin: true, fixedrange: true };
  const hoverlabel = { bgcolor: colour("raised"), bordercolor: colour("line-strong"), font: { ...font, size: 12, color: colour("text") } };
  const base = { autosize: true, margin: { l: 8, r: 12, t: 16, b: 24, pad: 4 }, paper_bgcolor: "transparent", plot_bgcolor: "transparent", showlegend: false, hoverlabel, dragmode: false };
  return { base, axis, font };
}

const errors = (figures) => ({
  type: "data", symmetric: false, thickness: 1.5, width: 4,
  array: figures.map(({ value, high }) => (high === null ? 0 : high - value)),
  arrayminus: figures.map(({ value, low }) => (low === null ? 0 : value - low)),
});

// Green: the whole interval is above the threshold; amber: the value is; red: it is not.
function ink({ value, low }) {
  if (value <= data.threshold) return colour("bad");
  return low !== null && low <= data.threshold ? colour("warn") : colour("good");
}

function forest(element) {
  const { base, axis, font } = layout(), known = data.forest.filter(isKnown);
  const traces = known.map((figure) => ({
    x: [figure.value], y: [figure.label], mode: "markers+text", type: "scatter", cliponaxis: false,
    marker: { size: 10, color: ink(figure) }, error_x: { ...errors([figure]), color: ink(figure) },
    text: [shown(figure.value)], textposition: "top center", textfont: { ...font, color: colour("text") },
    hovertemplate: `${shown(figure.value)} [${shown(figure.low)}, ${shown(figure.high)}]<extra></extra>`,
  }));
  const labels = data.forest.map(({ label }) => label).reverse();
  const line = { type: "line", x0: data.threshold, x1: data.threshold, y0: 0, y1: 1, yref: "paper", line: { color: colour("text"), width: 1.5, dash: "dot" } };
  const note = { x: data.threshold, y: 1, yref: "paper", yanchor: "bottom", text: `${words.threshold} ${shown(data.threshold)}`, showarrow: false, font };
  Plotly.react(element, traces, {
    ...base, shapes: [line], annotations: [note],
    margin: { ...base.margin, t: 28 },
    xaxis: { ...axis, range: [lowest(data.forest), 1.02] },
    yaxis: { ...axis, type: "category", categoryorder: "array", categoryarray: labels, range: [-0.6, labels.length - 0.4], showgrid: false, tickfont: { ...font, size: 12, color: colour("text") } },
  }, CONFIG);
  element.setAttribute("aria-label", data.forest.map(({ label, value, low, high }) => `${label} ${shown(value)} [${shown(low)}, ${shown(high)}]`).join(", "));
}

function overRounds(element) {
  const { base, axis, font } = layout(), names = data.rounds.map(({ number }) => fill(words.round, { number }));
  const traces = data.criteria.map(({ key, name }, place) => {
    const figures = data.rounds.map(({ figures: own }) => own[key] ?? { value: null, low: null, high: null }), own = colour(`series-${place + 1}`);
    return {
      x: names, y: figures.map(({ value }) => value), name, mode: "lines+markers", connectgaps: false,
      line: { color: own, width: 1.75, dash: DASHES[place] }, marker: { size: 7, symbol: MARKS[place], color: own },
      error_y: { ...errors(figures), color: own }, hovertemplate: "%{y:.2f}",
    };
  });
  const line = { type: "line", x0: 0, x1: 1, xref: "paper", y0: data.threshold, y1: data.threshold, line: { color: colour("text"), width: 1.5, dash: "dot" } };
  const all = data.rounds.flatMap(({ figures }) => Object.values(figures));
  Plotly.react(element, traces, {
    ...base, hovermode: "x unified", shapes: [line], showlegend: true, legend: { orientation: "h", y: -0.18, yanchor: "top", font }, margin: { ...base.margin, b: 56 },
    xaxis: { ...axis, type: "category", showgrid: false }, yaxis: { ...axis, range: [lowest(all), 1.05], nticks: 6 },
  }, CONFIG);
  element.setAttribute("aria-label", data.rounds.map(({ number, figures }) => `${fill(words.round, { number })}: ${data.criteria.map(({ key, name }) => `${name} ${shown(figures[key]?.value ?? null)}`).join(", ")}`).join("; "));
}

function draw() {
  const places = [["chart-forest", forest], ["chart-rounds", overRounds]];
  for (const [id, how] of places) if (document.getElementById(id)) how(document.getElementById(id));
}

draw();
new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
isDark.addEventListener("change", draw);
