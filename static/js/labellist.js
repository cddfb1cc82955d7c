// The list of marked places and relations beside the task; each can be picked, turned and taken away there.
import { icon } from "./icon.js";
import { marksOf } from "./labelmarks.js";
import { tagsOf } from "./labelquestion.js";
import { button, make } from "./make.js";
import { fill, words } from "./words.js";

const list = document.getElementById("spans"), links = document.getElementById("links"), count = document.getElementById("marked-count");
const ARROWS = { right: "→", left: "←", bi: "↔" };

const nameOf = ({ options }, labels) => labels.map((label) => options.find(({ stored }) => stored === label)?.value ?? label).join(", ");
const textOf = (mark, number) => mark.text ?? fill(words.box_number, { number });
const cross = (label, act) => button({ class: "icon-btn small push", "aria-label": label }, (event) => (event.stopPropagation(), act()), icon("x"));

export function listMarks(parts, now, marking) {
  if (!list) return;
  const all = marksOf(parts, now.answers);
  let boxes = 0;
  const texts = new Map(all.map(({ mark }) => [mark.id, textOf(mark, mark.text === undefined ? (boxes += 1) : 0)]));
  list.replaceChildren(...all.map(({ control, mark }) => row(control, mark, texts.get(mark.id), now, marking)));
  count.textContent = all.length ? fill(words.marked, { count: all.length }) : "";
  const held = marking.linking ? now.answers[marking.linking.name] ?? [] : [];
  links?.replaceChildren(...held.map((one, place) => relation(one, place, texts, marking)));
}

function row(control, mark, text, { mark: current, from }, marking) {
  const state = { "aria-current": mark.id === current ? "true" : null, "data-from": mark.id === from ? "" : null };
  const pick = button({ class: "pick-row" }, () => marking.pick(mark.id), make("span", { class: "span-tag", "data-tag": tagsOf(control)[mark.labels[0]] }, nameOf(control, mark.labels)), make("span", { class: "clip", dir: "auto" }, text));
  return make("li", state, pick, cross(fill(words.remove_span, { text }), () => marking.remove(mark.id)));
}

function relation({ from, to, direction, labels }, place, texts, marking) {
  const [first, second] = [from, to].map((id) => texts.get(id) ?? "?"), name = nameOf(marking.linking, labels) || words.related;
  const arrow = button({ class: "arrow", title: words.turn_link, "aria-label": fill(words.link_is, { first, arrow: words[`link_${direction}`], second, name }) }, () => marking.turnLink(place), ARROWS[direction]);
  const line = make("div", { class: "link-ends" }, make("span", { class: "clip", dir: "auto" }, first), arrow, make("span", { class: "clip", dir: "auto" }, second));
  return make("li", {}, make("div", { class: "related" }, make("span", { class: "small muted" }, name), line), cross(fill(words.remove_span, { text: name }), () => marking.unlink(place)));
}
