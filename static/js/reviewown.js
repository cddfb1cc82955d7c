// The own decision of a reviewer: the labeling screen's widgets, begun from somebody's answer; marks of all can be taken over.
import { answersFrom, newId } from "./labelanswers.js";
import { listen } from "./labelkeys.js";
import { link, marksOf, put, take, unlink } from "./labelmarks.js";
import { tagsOf } from "./labelquestion.js";
import { Sheet } from "./labelsheet.js";
import { button, make } from "./make.js";

const { parts, task, offers } = JSON.parse(document.getElementById("own-page").textContent);
const form = document.getElementById("own"), list = document.getElementById("offers"), root = document.getElementById("task");
const sheet = new Sheet(root, parts, { changed: drawOffers }), { now, controls } = sheet;
const PLACE = ["turn", "start", "end", "x", "y", "width", "height"];

const controlOf = ({ control: wanted }) => controls.find(({ name }) => name === wanted);
const isSame = (one, other) => PLACE.every((name) => one[name] === other[name]) && one.labels.join("\n") === other.labels.join("\n");

// A region of a result as the screen holds it, with an id of its own.
const markFrom = (region) => answersFrom(parts, {}, [{ ...region, id: newId() }])[region.from_name][0];
const heldAs = (mark) => marksOf(parts, now.answers).find((held) => isSame(held.mark, mark))?.mark;

// Where an offer stands among the answers: the id of its mark, the place of its relation, null.
function found(offer) {
  if (!offer.ends.length) return heldAs(markFrom(offer.region))?.id ?? null;
  const [from, to] = offer.ends.map((end) => heldAs(markFrom(end))?.id), { direction = "right", labels = [] } = offer.region;
  const place = (now.answers[offer.control] ?? []).findIndex((one) => one.from === from && one.to === to && one.direction === direction && one.labels.join() === labels.join());
  return place < 0 ? null : place;
}

function bring(region) {
  const mark = markFrom(region), control = controls.find(({ name }) => name === region.from_name);
  return heldAs(mark)?.id ?? put(control, now.answers, mark);
}

function relate({ control, ends, region: { direction = "right", labels = [] } }) {
  const [from, to] = ends.map(bring);
  link(controlOf({ control }), now.answers, from, to);
  Object.assign(now.answers[control].at(-1), { direction, labels });
}

function toggle(offer) {
  const there = found(offer), control = controlOf(offer);
  if (there === null) [offer.ends.length ? relate(offer) : (now.mark = bring(offer.region))];
  else if (offer.ends.length) unlink(control, now.answers, there);
  else [take(parts, now.answers, there), (now.mark = null)];
  sheet.change();
}

const rows = offers.map((offer) => {
  const labels = offer.region.labels ?? Object.values(offer.region.value).find(Array.isArray) ?? [];
  const tag = offer.ends.length ? null : tagsOf(controlOf(offer))[labels[0]];
  const words = make("span", { class: "grow", dir: "auto" }, offer.words), names = make("span", { class: "small muted" }, offer.names.join(", "));
  return button({ class: "choice", "data-tag": tag, "aria-pressed": "false" }, () => toggle(offer), words, names);
});

function drawOffers() {
  rows.forEach((row, place) => row.setAttribute("aria-pressed", String(found(offers[place]) !== null)));
}

function submit() {
  if (!sheet.isWhole()) return true;
  form.elements.result.value = JSON.stringify(sheet.result());
  form.submit();
  return true;
}

list?.replaceChildren(...rows.map((row) => make("li", {}, row)));
sheet.show(task, task.draft);
root.setAttribute("aria-busy", "false");
sheet.refill();
drawOffers();
sheet.activate(controls[0]);
listen({ ...sheet.hands(), session: { task }, submit });
form.addEventListener("submit", (event) => [event.preventDefault(), submit()]);
