// A line chart of training curves: Plotly in our colours. New points extend the drawn lines once a frame; only a change of
// theme, scale, smoothing or past points draws anew. Long curves are thinned to their extremes, NaN is a gap.
import { colour } from "./colour.js";
import { ema, thin } from "./curve.js";
import { fill, words } from "./words.js";

const DRAWN = 6_000; // points of a line handed to Plotly; beyond that neighbours are merged into their extremes
const CONFIG = { displayModeBar: false, responsive: false, doubleClick: "reset", showTips: false, plotlyServerURL: "" };
const isDark = matchMedia("(prefers-color-scheme: dark)");

export class Chart {
  // series: [{name, label, ink: "series-1", dash, markers}]; smoothing: weight of the past, 0 to 1; map: a function of a value
  constructor(element, { series, log = false, small = false, smoothing = 0, map = null, total = 0 }) {
    Object.assign(this, { element, series, log, small, smoothing, map, total });
    this.data = new Map(series.map(({ name }) => [name, { x: [], y: [] }]));
    this.fresh = new Map(series.map(({ name }) => [name, 0])); // how many points of a curve are drawn
    this.isStale = true; // the next frame draws anew
    element.setAttribute("role", "img");
    new ResizeObserver(() => this.isDrawn && Plotly.Plots.resize(element)).observe(element);
    new MutationObserver(() => this.set({})).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    isDark.addEventListener("change", () => this.set({}));
    this.schedule();
  }

  // points: [[seq, step, name, value or null]] in order of step. One told again counts as told last; seq 0 stands for many.
  add(points) {
    for (const [seq, step, name, value] of points) {
      const curve = this.data.get(name);
      if (!curve) continue;
      const last = curve.x.at(-1);
      if (step < last || (seq && step === last)) this.cut(name, step - 1);
      curve.x.push(step);
      curve.y.push(value);
    }
    this.schedule();
  }

  // Forget what came after a step: the run was resumed from there.
  truncate(step) {
    for (const name of this.data.keys()) this.cut(name, step);
    this.schedule();
  }

  cut(name, step) {
    const { x, y } = this.data.get(name);
    let length = x.length;
    while (length && x[length - 1] > step) length -= 1;
    if (length < x.length) this.isStale = true;
    x.length = y.length = length;
  }

  set(options) {
    Object.assign(this, options);
    this.isStale = true;
    this.schedule();
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (this.isStale || !this.extend()) this.draw();
      this.element.setAttribute("aria-label", this.summary());
    });
  }

  draw() {
    this.isStale = false;
    this.plan = this.series.flatMap((one) => this.traces(one));
    for (const [name, { x }] of this.data) this.fresh.set(name, x.length);
    Plotly.react(this.element, this.plan.map(({ trace }) => trace), this.layout(), CONFIG);
    this.isDrawn = true;
  }

  // Give Plotly what is new. False when that is not enough: a line got too long, or a first point became a line.
  extend() {
    const at = [], x = [], y = [];
    for (const [index, { name, smooth, trace }] of this.plan.entries()) {
      const curve = this.data.get(name), from = this.fresh.get(name);
      if (from === curve.x.length) continue;
      if (from < 8 || trace.x.length + curve.x.length - from > 2 * DRAWN) return false;
      const values = this.shown(curve.y.slice(from));
      at.push(index);
      x.push(curve.x.slice(from));
      y.push(smooth ? values.map(smooth) : values);
    }
    for (const [name, curve] of this.data) this.fresh.set(name, curve.x.length);
    if (at.length) Plotly.extendTraces(this.element, { x, y }, at);
    return true;
  }

  shown(values) {
    return this.map ? values.map((value) => (value === null ? null : this.map(value))) : values;
  }

  traces({ name, label, ink = "series-1", dash = "solid", markers = false }) {
    const curve = this.data.get(name), whole = { x: curve.x, y: this.shown(curve.y) };
    const line = { color: colour(ink), width: this.small ? 1.5 : 1.75, dash, simplify: true };
    const marker = { size: 7, color: colour("surface"), line: { color: line.color, width: 1.5 } };
    const mode = markers || curve.x.length === 1 ? "lines+markers" : "lines";
    const trace = { ...thin(whole, DRAWN), name: label, line, marker, mode, connectgaps: false, cliponaxis: !markers, hovertemplate: "%{y:.4~g}" };
    if (!this.smoothing || markers || curve.x.length < 8) return [{ name, trace }];
    const smooth = ema(this.smoothing);
    const pale = { ...trace, line: { ...line, width: 1, color: colour("series-1-dim") }, hoverinfo: "skip", hovertemplate: null };
    return [{ name, trace: pale }, { name, smooth, trace: { ...trace, ...thin({ x: whole.x, y: whole.y.map(smooth) }, DRAWN) } }];
  }

  layout() {
    const font = { family: getComputedStyle(document.body).fontFamily, size: 11, color: colour("text-muted") };
    const axis = { gridcolor: colour("grid"), zeroline: false, linecolor: colour("line-strong"), tickfont: font, automargin: true, fixedrange: this.small };
    const isEmpty = [...this.data.values()].every(({ x }) => !x.length);
    const note = { text: words.no_points, showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5, font: { ...font, size: 13 } };
    const last = Math.max(this.total, ...[...this.data.values()].map(({ x }) => x.at(-1) ?? 0));
    const range = this.total ? { range: [0, this.total] } : { rangemode: "tozero" };
    return {
      autosize: true,
      margin: { l: 8, r: 8, t: 8, b: 24, pad: 4 },
      paper_bgcolor: "transparent",
      plot_bgcolor: "transparent",
      showlegend: false,
      hovermode: "x unified",
      dragmode: this.small ? false : "zoom",
      hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("line-strong"), font: { ...font, size: 12, color: colour("text") } },
      xaxis: { ...axis, ...range, showticklabels: !isEmpty, showgrid: false, showline: true, spikethickness: 1, spikedash: "2px,2px", spikecolor: colour("line-control"), nticks: this.small ? 3 : 8, dtick: last < (this.small ? 4 : 8) ? 1 : undefined, tickformat: ",d", unifiedhovertitle: { text: fill(words.step, { step: "%{x:,d}" }) } },
      annotations: isEmpty ? [note] : [],
      yaxis: { ...axis, showticklabels: !isEmpty, type: this.log ? "log" : "linear", nticks: this.small ? 3 : 6, tickformat: this.log ? ".2~g" : this.isLarge() ? "~s" : "", exponentformat: "e", minexponent: 2 },
      separators: ".\u202f",
      uirevision: `${this.log} ${Boolean(this.map)}`,
    };
  }

  isLarge() {
    return [...this.data.values()].some(({ y }) => Math.abs(this.shown(y.slice(-1))[0] ?? 0) >= 1000);
  }

  // What a screen reader is told instead of the picture.
  summary() {
    const parts = this.series.map(({ name, label }) => {
      const { x, y } = this.data.get(name), at = y.findLastIndex((value) => value !== null);
      return at < 0 ? "" : fill(words.at_step, { label, value: this.shown([y[at]])[0].toPrecision(4), step: x[at] });
    });
    return parts.filter(Boolean).join(", ") || words.no_points;
  }
}
