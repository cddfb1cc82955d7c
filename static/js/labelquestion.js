// One question on the screen: its options as buttons, its field, its stars. What is pressed is told; answers are put in by fill().
import { icon } from "./icon.js";
import { isMarking, keyOf, levelsOf } from "./labelanswers.js";
import { Ranking } from "./labelranking.js";
import { button, make } from "./make.js";
import { fill, words } from "./words.js";

export const tagsOf = (control) => Object.fromEntries(control.options.map(({ stored }, place) => [stored, (place % 6) + 1]));

export class Question {
  constructor(control, told, data) {
    Object.assign(this, { control, told });
    this.element = make("div", { class: "question", role: "group", "aria-label": control.name, "data-question": control.name });
    this.element.append(...this.body(data), make("span", { class: "error", role: "alert" }));
    for (const type of ["focusin", "pointerdown"]) this.element.addEventListener(type, () => told.onActive(control));
  }

  body(data) {
    const { control } = this, { kind } = control;
    if (kind === "TextArea") return [this.text()];
    if (kind === "Number" && !levelsOf(control)) return [this.number()];
    if (kind === "Ranker") return [(this.ranking = new Ranking(control, data ?? [], this.told)).element];
    if (isMarking(control) || kind === "Relations") return [this.buttons()];
    return [make("div", { class: control.options.some(({ hint }) => hint) ? "choices levels" : "choices" }, ...this.faces().map((face, place) => this.choice(face, place)))];
  }

  text() {
    const { control, told } = this, { rows, placeholder, name } = control;
    const field = make("textarea", { class: "input", rows, placeholder, "aria-label": name, dir: "auto", maxlength: 100000 });
    field.addEventListener("input", () => told.onAnswer(control, field.value));
    return field;
  }

  number() {
    const { control, told } = this, { min, max, step, name } = control;
    const field = make("input", { class: "input number", type: "number", inputmode: "decimal", min, max, step: step ?? "any", "aria-label": name });
    field.addEventListener("input", () => told.onAnswer(control, field.validity.valid && field.value !== "" ? field.valueAsNumber : undefined));
    const bounds = [min, max].map((bound) => bound ?? "…").join(words.to);
    return make("div", { class: "row" }, field, make("span", { class: "small muted value" }, min === null && max === null ? "" : bounds));
  }

  // What each option shows: {value, hint, label?}.
  faces() {
    const { control } = this, { kind, options, max_rating: all } = control;
    if (kind === "Rating") return Array.from({ length: all }, (_star, place) => ({ value: place + 1, label: fill(words.stars_of, { value: place + 1, all }) }));
    if (kind === "Number") return levelsOf(control).map((value) => ({ value: String(value) }));
    if (kind === "Pairwise") return [{ value: words.left_better }, { value: words.right_better }];
    return options;
  }

  choice({ value, hint, label }, place) {
    const { control, told } = this, { kind, multiple, name } = control;
    const input = make("input", { class: "sr", type: multiple ? "checkbox" : "radio", name: `q-${name}`, "aria-label": label });
    input.addEventListener("change", () => told.onPress(control, place));
    const face = { Rating: () => [icon("star"), String(value)], Number: () => [value], Pairwise: () => [make("kbd", {}, "←→"[place]), value] }[kind];
    const more = hint ? [make("span", { class: "hint" }, hint)] : [];
    return make("label", { class: kind === "Number" ? "choice level" : "choice" }, input, ...(face?.() ?? [...this.key(place), make("span", { dir: "auto" }, value)]), ...more);
  }

  key(place) {
    const key = keyOf(this.control, place), isOwn = this.control.options[place]?.hotkey; // it works from every question
    return key ? [make("kbd", { "data-own": isOwn ? "" : null }, key.toUpperCase())] : [];
  }

  // Labels of marks and relations: pressed, they are given to what is selected, which stays selected.
  buttons() {
    const { control, told } = this, isLinking = control.kind === "Relations";
    const all = control.options.map(({ value, hint }, place) => {
      const face = [...this.key(place), make("span", { dir: "auto" }, value)];
      const one = button({ class: "choice", "data-tag": isLinking ? null : (place % 6) + 1, "aria-pressed": "false", title: hint || null }, () => told.onPress(control, place), ...face);
      one.addEventListener("pointerdown", (event) => event.preventDefault());
      return one;
    });
    const more = { Relations: ["link", words.link, "R", "link"], RectangleLabels: ["plus", words.new_box, "B", "box"] }[control.kind];
    return make("div", { class: "choices" }, ...all, ...(more ? [this.verb(...more)] : []));
  }

  verb(name, label, key, verb) {
    return button({ class: "choice ghost", "data-verb": verb }, () => this.told.onVerb(this.control, verb), icon(name), label, make("kbd", { "data-own": "" }, key));
  }

  fill({ answers, mark, from, armed }) {
    const { control, element } = this, value = answers[control.name];
    if (control.kind === "Ranker") return this.ranking.fill(value);
    const field = element.querySelector("textarea, input[type=number]");
    if (field && field !== document.activeElement) field.value = value ?? "";
    if (field) return;
    if (control.kind === "Relations") element.querySelector("[data-verb]").setAttribute("aria-pressed", String(Boolean(from)));
    element.querySelectorAll("input").forEach((input, place) => (input.checked = this.isChosen(value, place)));
    const given = isMarking(control) ? (value ?? []).find(({ id }) => id === mark)?.labels ?? [control.options[armed[control.name] ?? -1]?.stored] : [];
    control.options.forEach(({ stored }, place) => element.querySelectorAll("button")[place]?.setAttribute("aria-pressed", String(given.includes(stored))));
  }

  isChosen(value, place) {
    const { control } = this;
    if (control.kind === "Choices") return (value ?? []).includes(control.options[place].stored);
    return value === { Rating: place + 1, Number: levelsOf(control)?.[place], Pairwise: ["left", "right"][place] }[control.kind];
  }

  // The arrows go from option to option; Space presses the one that has the focus.
  focus(by) {
    const all = [...this.element.querySelectorAll("input, button")], place = all.indexOf(document.activeElement);
    all.at((place < 0 ? (by > 0 ? 0 : -1) : place + by + all.length) % all.length)?.focus();
    return all.length > 0;
  }

  wrong(message) {
    this.element.toggleAttribute("data-wrong", Boolean(message));
    this.element.querySelector(".error").textContent = message;
  }
}
