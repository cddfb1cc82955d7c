// A progress section by data-live: percent, step, eta, bar. What a job says of itself becomes words and a bar.
import { clock, duration, percent } from "./format.js";
import { fill, words } from "./words.js";

const place = (name) => document.querySelector(`[data-live=${name}]`);
const write = (name, text) => place(name) && (place(name).textContent = text);

export function showProgress({ done, total, unit, phase, eta_s: eta } = {}) {
  const bar = place("bar");
  if (!bar || !total) return;
  const isTraining = unit === "steps" && total > 1, step = fill(words.step_of, { done, total });
  if (isTraining) Object.assign(bar, { max: total, value: done });
  else bar.removeAttribute("value"); // working, for nobody knows how long
  write("percent", isTraining ? percent(done, total) : "");
  write("step", isTraining && phase ? fill(words.phase_and_step, { phase, step }) : phase ?? step);
  const end = new Date(Date.now() + 1000 * eta), time = eta ? duration(eta) : "";
  write("eta", eta ? fill(words.done_about, { time, clock: clock(end) }) : "");
}
