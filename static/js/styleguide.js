// The style guide's moving parts: charts over invented numbers, toasts.
import { Chart } from "./chart.js";
import "./livestate.js";
import { toast } from "./toast.js";

const $ = (selector) => document.querySelector(selector);
const series = [{ name: "loss", label: "Training loss" }, { name: "eval_loss", label: "Evaluation loss", ink: "series-2", dash: "dash", markers: true }];
let seed = 7;
const noise = () => ((seed = (seed * 16807) % 2147483647) / 2147483647 - 0.5);
const value = (step) => (step === 300 ? null : 0.8 + 1.3 * Math.exp(-step / 160) + 0.16 * noise());
const at = (seq, step, name, shift) => {
  const found = value(step);
  return [seq, step, name, found === null ? null : found + shift];
};
const points = (name, from, to, by, shift = 0) => Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, n) => at(from + n, from + n * by, name, shift));

const whole = new Chart($("#chart-whole"), { series, smoothing: 0.8, total: 1200 });
whole.add([...points("loss", 4, 744, 4), ...points("eval_loss", 100, 700, 100, 0.2)]);
const small = (id) => new Chart($(id), { small: true, series: [{ name: "loss", label: "Loss" }] });
small("#chart-long").add(points("loss", 1, 20000, 1));
small("#chart-one").add([[1, 1, "loss", 0.9]]);
small("#chart-none");

let last = 744;
$("[data-grow]").addEventListener("click", () => whole.add([[last, (last += 4), "loss", value(last)]]));
$("[data-smooth]").addEventListener("change", ({ target }) => whole.set({ smoothing: target.checked ? 0.8 : 0 }));
for (const button of document.querySelectorAll("[data-scale]")) {
  button.addEventListener("click", () => {
    for (const other of document.querySelectorAll("[data-scale]")) other.setAttribute("aria-pressed", String(other === button));
    whole.set({ log: button.dataset.scale === "log" });
  });
}
for (const button of document.querySelectorAll("[data-toast]")) {
  button.addEventListener("click", () => (button.dataset.toast === "good" ? toast("Version v9 deleted", "good") : toast("Not saved, trying again in 4 s", "bad")));
}
