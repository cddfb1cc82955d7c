// The overview's curve: the run that is going on, live.
import { api } from "./api.js";
import { Chart } from "./chart.js";
import { live } from "./live.js";
import { setComplete } from "./livestate.js";

const place = document.getElementById("home-chart");
const { curve: job, loss, eval: evaluation, total } = place.dataset;
const chart = new Chart(place, {
  smoothing: 0.8,
  total: Number(total) > 1 ? Number(total) : 0,
  series: [{ name: "loss", label: loss }, { name: "eval_loss", label: evaluation, ink: "series-2", dash: "dash", markers: true }],
});
const start = await api(`/api/v1/jobs/${job}/metrics/?thin=800`);
chart.add(start.points);
live.subscribe(`job.${job}`, {
  after: start.to_seq,
  onEvents({ points, events }) {
    events.filter(({ type }) => type === "resumed").forEach(({ step }) => chart.truncate(step));
    chart.add(points);
  },
  async onChanged() {
    const { status } = await api(`/api/v1/jobs/${job}/`);
    setComplete(["succeeded", "failed", "cancelled"].includes(status));
  },
  onProgress: ({ unit, total: all }) => unit === "steps" && all > 1 && all !== chart.total && chart.set({ total: all }),
});
