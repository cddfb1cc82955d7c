// One task on the screen: what it shows and its questions, in the order of the config. Text of tasks only ever becomes text nodes.
import { BoxField } from "./labelboxes.js";
import { controlsOf, isMarking } from "./labelanswers.js";
import { draw } from "./labeldraw.js";
import { Question, tagsOf } from "./labelquestion.js";
import { reselect } from "./labelspans.js";
import { make } from "./make.js";
import { fill, words } from "./words.js";

export class TaskView {
  // `told` is {onPress(control, place), onAnswer(control, value), onActive(control), onMark(id), onBox(control, box), onShift(control, id, box)}
  constructor(root, parts, told) {
    Object.assign(this, { root, parts, told, questions: new Map(), texts: [], images: new Map(), pictures: new Map() });
    this.controls = controlsOf(parts);
    this.pair = this.controls.find(({ kind }) => kind === "Pairwise");
    this.ranked = new Set(this.controls.filter(({ kind }) => kind === "Ranker").map(({ to }) => to));
  }

  show(task, notices = []) {
    Object.assign(this, { data: task.data, texts: [] });
    this.questions.clear();
    this.images.clear();
    const head = make("div", { class: "row small muted task-line" }, fill(words.task_number, task));
    this.root.replaceChildren(head, ...notices, ...this.parts.flatMap((part) => this.part(part) ?? []));
  }

  // Pictures of tasks to come are loaded ahead and put in as they are.
  load(task) {
    for (const { kind, field } of this.parts) if (kind === "Image" && task.data[field]) this.picture(task.data[field]);
  }

  picture(address) {
    if (this.pictures.size > 12) this.pictures.clear();
    if (!this.pictures.has(address)) this.pictures.set(address, Object.assign(new Image(), { src: address, alt: "", draggable: false }));
    return this.pictures.get(address);
  }

  part(part) {
    if (part.kind === "Header") return make("h2", {}, part.field ? String(this.data[part.field] ?? "") : part.text);
    if ("to" in part) return this.question(part);
    if (this.pair?.objects.includes(part.name)) return part.name === this.pair.objects[0] ? this.sides() : null;
    return this.object(part);
  }

  object(part) {
    if (part.kind === "Image") return this.image(part);
    if (part.kind === "List") return this.list(part);
    if (part.kind === "Text") return this.text(part, String(this.data[part.field] ?? ""));
    return this.conversation(part);
  }

  isMarked = (name) => this.controls.some((control) => isMarking(control) && control.to === name);

  words(part, text, turn) {
    const box = make("p", { dir: "auto", class: this.isMarked(part.name) ? "markable" : null }, text || make("em", { class: "faint" }, words.no_text));
    if (text) this.texts.push({ box, text, turn, name: part.name, granularity: part.granularity });
    box.addEventListener("click", ({ target }) => this.pick(target.closest(".span")));
    return box;
  }

  // A click on a span; on one that is picked already, the one that it overlaps.
  pick(element) {
    if (!element || !getSelection().isCollapsed) return;
    const outer = element.hasAttribute("aria-current") ? element.parentElement.closest(".span") : null;
    this.told.onMark((outer ?? element).span.id);
  }

  text(part, text) {
    return make("article", { class: "card document" }, this.words(part, text));
  }

  conversation(part) {
    const turns = this.data[part.field] ?? [];
    return make("div", { class: "chat" }, ...turns.map(({ role, content }, turn) =>
      make("div", { class: "bubble", "data-role": role }, make("small", {}, words[`role_${role}`] ?? role), this.words(part, content, turn))));
  }

  // The two things of a Pairwise, side by side; a click on one says that it is better.
  sides() {
    const [left, right] = this.pair.objects.map((name, place) => this.side(this.parts.find((part) => part.name === name && !("to" in part)), place));
    return make("div", { class: "pair" }, left, right);
  }

  side(part, place) {
    const head = make("header", {}, make("h2", {}, words[place ? "right" : "left"]), make("kbd", { class: "push" }, place ? "→" : "←"));
    const side = make("section", { class: "side", "data-side": place ? "right" : "left" }, head, this.object(part));
    side.addEventListener("click", () => getSelection().isCollapsed && this.told.onPress(this.pair, place));
    return side;
  }

  list(part) {
    const title = part.text ? [make("h2", {}, part.text)] : [];
    if (this.ranked.has(part.name)) return title;
    const items = (this.data[part.field] ?? []).map(({ title: head, body }) => make("li", {}, make("b", {}, head ?? ""), make("p", { dir: "auto" }, body ?? "")));
    return [...title, make("ol", { class: "card list items" }, ...items)];
  }

  image(part) {
    const control = this.controls.find(({ kind, to }) => kind === "RectangleLabels" && to === part.name);
    const field = new BoxField(this.picture(String(this.data[part.field] ?? "")), control, this.told);
    this.images.set(part.name, field);
    return field.element;
  }

  question(control) {
    const question = new Question(control, this.told, this.data[this.parts.find(({ name }) => name === control.to)?.field]);
    this.questions.set(control.name, question);
    return question.element;
  }

  // Put the answers into the elements. `now` is {answers, mark, from, armed}.
  fill(now) {
    for (const control of this.controls) this.questions.get(control.name).fill(now);
    for (const shown of this.texts) if (this.isMarked(shown.name)) this.fillText(shown, now);
    for (const [name, field] of this.images) field.fill(now, name);
    this.root.querySelectorAll(".side").forEach((side) => side.toggleAttribute("data-chosen", now.answers[this.pair.name] === side.dataset.side));
  }

  fillText(shown, { answers, mark, from }) {
    const { box, text, turn, name } = shown;
    const asking = this.controls.filter((control) => isMarking(control) && control.to === name);
    const spans = asking.flatMap((control) => answers[control.name] ?? []).filter((span) => (span.turn ?? undefined) === turn);
    const drawn = JSON.stringify([spans, mark, from]);
    if (shown.drawn === drawn) return; // drawn anew, the selection would be lost
    shown.drawn = drawn;
    const names = Object.fromEntries(asking.flatMap(({ options }) => options.map(({ stored, value }) => [stored, value])));
    draw(box, text, spans, { tags: Object.assign({}, ...asking.map(tagsOf)), names, current: mark, from });
  }

  // Select the words of a span again, so that keys walk on from there.
  reselect(control, mark) {
    const shown = this.texts.find(({ name, turn }) => name === control.to && turn === mark.turn);
    if (shown) reselect(shown.box, shown.text, mark);
  }

  activate(control, scroll = true) {
    for (const [name, { element }] of this.questions) element.toggleAttribute("data-active", name === control?.name);
    if (control && scroll) this.questions.get(control.name).element.scrollIntoView({ block: "nearest" });
  }

  wrong(name, message) {
    for (const [other, question] of this.questions) question.wrong(other === name ? message : "");
  }
}
