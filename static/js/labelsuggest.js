// What a machine suggests for the task on the screen: told above it, drawn dashed in its questions and texts, taken by one key.
import { icon } from "./icon.js";
import { answersFrom, controlsOf, isMarking } from "./labelanswers.js";
import { button, make } from "./make.js";
import { fill, words } from "./words.js";

const KEYS = ["y", "a", "t", "p"]; // the first that no option has for itself
const SHELF = "tuneloop-taken-"; // which suggestions were taken, should the page be loaded again

export class Suggesting {
  // `told` is {now, change}: the answers on the screen, and what to call after they changed.
  constructor(parts, told) {
    Object.assign(this, { parts, told, controls: controlsOf(parts), task: null, isOffered: false });
    const own = new Set(this.controls.flatMap(({ options }) => options.map(({ hotkey }) => hotkey)));
    this.key = KEYS.find((key) => !own.has(key)) ?? null;
  }

  // A task comes onto the screen; suggested is only what was not begun. What stands above it, if anything.
  notices(task, isBegun) {
    Object.assign(this, { task, isOffered: Boolean(task.suggestion) && !isBegun });
    this.element = this.isOffered ? this.callout(task.suggestion) : null;
    return this.element ? [this.element] : [];
  }

  get answers() {
    return answersFrom(this.controls, this.task.data, this.task.suggestion.result);
  }

  get isTaken() {
    return Boolean(this.task?.suggestion) && sessionStorage.getItem(SHELF + this.task.id) === this.task.suggestion.id;
  }

  callout({ source, score, kind }) {
    const sure = kind !== "words" && score !== null && score < 1 ? fill(words.suggest_sure, { percent: Math.floor(score * 100) }) : ""; // never more than it is
    const key = this.key ? make("kbd", { class: "on-desk" }, this.key.toUpperCase()) : "";
    const take = button({ class: "btn small", "data-key": this.key, "data-key-name": words.suggest_take_long, id: "take" }, () => this.take(), words.suggest_take, key);
    const chips = make("p", { class: "suggested-chips" }, ...this.chips());
    const text = make("div", {}, make("b", {}, fill(words.suggested_by, { source })), sure ? make("span", { class: "small muted value" }, ` ${sure}`) : "", chips);
    return make("div", { class: "callout suggestion", "data-status": "info", role: "status" }, icon("star"), text, take);
  }

  chips() {
    const answers = this.answers;
    return this.controls.filter(({ name }) => answers[name] !== undefined).flatMap((control) => this.saidOf(control, answers[control.name]).map((text) =>
      make("span", { class: "chip suggested", dir: "auto", title: control.name }, text)));
  }

  saidOf(control, value) {
    const name = (stored) => control.options.find((option) => option.stored === stored)?.value ?? stored;
    if (isMarking(control)) return value.slice(0, 12).map(({ labels, text }) => [labels.map(name).join(", "), text].filter(Boolean).join(": "));
    if (control.kind === "Rating") return [fill(words.stars_of, { value, all: control.max_rating })];
    return control.kind === "Choices" ? value.map(name) : [String(value)];
  }

  // All of it becomes the answer, as if the person had given it; it can be changed as ever.
  take() {
    if (!this.isOffered) return;
    this.isOffered = false;
    Object.assign(this.told.now.answers, this.answers);
    sessionStorage.setItem(SHELF + this.task.id, this.task.suggestion.id);
    this.element.replaceWith(make("p", { class: "small muted", role: "status" }, fill(words.suggest_taken, this.task.suggestion)));
    this.told.change();
  }

  // After every change of the answers: dashed is what is offered, in the options and under the words.
  paint(view) {
    CSS.highlights?.delete("suggested");
    const offered = this.isOffered ? this.answers : {}, ranges = [];
    for (const control of this.controls) this.paintQuestion(view.questions.get(control.name), control, offered[control.name]);
    for (const control of this.controls.filter(isMarking)) {
      for (const mark of offered[control.name] ?? []) ranges.push(...view.texts.filter(({ name, turn }) => name === control.to && (turn ?? undefined) === mark.turn).map((shown) => rangeOf(shown, mark)));
    }
    for (const field of view.images.values()) field.offer(offered[field.control?.name] ?? []);
    if (ranges.length && CSS.highlights) CSS.highlights.set("suggested", new Highlight(...ranges.filter(Boolean)));
  }

  paintQuestion(question, { kind, options }, value) {
    const wanted = { Choices: () => (value ?? []).map((stored) => options.findIndex((option) => option.stored === stored)), Rating: () => [value - 1] }[kind]?.() ?? [];
    question?.element.querySelectorAll(".choice").forEach((choice, place) => choice.toggleAttribute("data-suggested", wanted.includes(place)));
    const field = kind === "TextArea" ? question?.element.querySelector("textarea") : null;
    if (field) field.placeholder = value ?? field.dataset.usual ?? (field.dataset.usual = field.placeholder);
  }

  // The person's own share of suggestions that were taken as they were.
  count({ suggestions_shown: shown, suggestions_taken: taken }) {
    const line = document.getElementById("taken-share");
    line.parentElement.hidden = !shown;
    line.textContent = shown ? fill(words.suggest_share, { percent: Math.round((100 * taken) / shown), taken, shown }) : "";
  }

  // What is told with the answer: which suggestion stood beside it, and whether it was taken.
  facts = () => (this.task?.suggestion ? { suggestion: this.task.suggestion.id, is_taken: this.isTaken } : {});
}

// The words of a mark in the text as it stands, whose offsets count characters.
function rangeOf({ box, text }, { start, end }) {
  const letters = [...text], first = letters.slice(0, start).join("").length, last = first + letters.slice(start, end).join("").length;
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT), range = new Range();
  for (let at = 0, node = walker.nextNode(); node; node = walker.nextNode()) {
    const next = at + node.length;
    if (first >= at && first < next) range.setStart(node, first - at);
    if (last > at && last <= next) return range.setEnd(node, last - at), range;
    at = next;
  }
  return null;
}
