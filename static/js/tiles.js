// Stat tiles: <dd data-metric="loss" data-unit="..."> shows the newest value, <dd data-note="loss"> what it means.
import { measured, number } from "./format.js";
import { fill, words } from "./words.js";

const MEMORY = 400; // values of a metric kept for its trend
const known = new Map(); // metric -> {step, value, best, recent: [[step, value]]}

export function note(points) {
  for (const [, step, name, value] of points) {
    const one = known.get(name) ?? { best: Infinity, most: -Infinity, recent: [] };
    Object.assign(one, { step, value });
    if (value !== null) {
      one.best = Math.min(one.best, value);
      one.most = Math.max(one.most, value);
      one.recent.push([step, value]);
      if (one.recent.length > MEMORY) one.recent.splice(0, MEMORY / 2);
    }
    known.set(name, one);
  }
  requestAnimationFrame(show);
}

export function forget(after) {
  for (const one of known.values()) one.recent = one.recent.filter(([step]) => step <= after);
}

function show() {
  for (const place of document.querySelectorAll("[data-metric]")) {
    const one = known.get(place.dataset.metric);
    if (one) put(place, ...(place.dataset.unit ? measured(one.value, place.dataset.unit) : [number(one.value), ""]));
  }
  const [loss, evaluated] = [known.get("loss"), known.get("eval_loss")];
  showEarly();
  if (loss) tell("loss", trend(loss) ?? [fill(words.at, loss)]);
  if (evaluated) tell("eval_loss", [evaluated.value <= evaluated.best ? words.best_now : fill(words.best_was, { value: number(evaluated.best) }), `, ${fill(words.at, evaluated)}`]);
}

// Evaluations since the best one: what early stopping counts.
function showEarly() {
  const place = document.querySelector("[data-early]"), one = known.get(place?.dataset.early);
  if (!one) return;
  const { recent } = one, best = "higher" in place.dataset ? one.most : one.best, at = recent.findIndex(([, value]) => value === best);
  place.textContent = at < 0 ? recent.length : recent.length - 1 - at;
}

function put(place, value, unit) {
  const text = unit ? Object.assign(document.createElement("small"), { textContent: ` ${unit}` }) : "";
  place.replaceChildren(value, text);
  place.title = fill(words.at, known.get(place.dataset.metric));
}

const tell = (name, parts) => document.querySelector(`[data-note=${name}]`)?.replaceChildren(...parts);
const mean = (pairs) => pairs.reduce((sum, [, value]) => sum + value, 0) / pairs.length;

// The mean of the last ten values against the ten before: noise of single steps says nothing.
function trend({ recent }) {
  const count = Math.min(10, Math.floor(recent.length / 2));
  if (count < 3) return null;
  const late = recent.slice(-count), early = recent.slice(-2 * count, -count), change = mean(late) - mean(early);
  const [before, after] = fill(words.trend, { steps: late.at(-1)[0] - early.at(-1)[0] }).split("{change}");
  const sign = Object.assign(document.createElement("span"), { className: "delta", textContent: `${change < 0 ? "\u2212" : "+"}${number(Math.abs(change))}` });
  if (Math.abs(change) > 0.0005) sign.dataset.status = change < 0 ? "good" : "warn";
  return [before, sign, after];
}
