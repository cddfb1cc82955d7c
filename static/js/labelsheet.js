// One task and what a person answers to it: options, fields, marks. The screen of who labels and the own decision of who reviews share it.
import { answersFrom, controlsOf, firstGap, isMarking, levelsOf, press, resultOf } from "./labelanswers.js";
import { listMarks } from "./labellist.js";
import { Marking } from "./labelmarking.js";
import { TaskView } from "./labelview.js";
import { words } from "./words.js";

export class Sheet {
  // `changed()` is called after the answers changed, `painted(view)` after they were drawn; `isReady()` is false while there is no task.
  constructor(root, parts, { changed, painted = () => null, isReady = () => true }) {
    Object.assign(this, { root, parts, changed, painted, isReady, controls: controlsOf(parts) });
    this.now = { answers: {}, active: null, mark: null, from: null, armed: {}, isTouched: false };
    this.view = new TaskView(root, parts, {
      onPress: (control, place) => this.press(control, place),
      onAnswer: (control, value) => this.answer(control, value),
      onVerb: (control, verb) => this.verb(control, verb),
      onActive: (control) => this.now.active !== control && [this.now.active = control, this.view.activate(control, false)],
      onMark: (id) => this.marking.pick(id),
      onBox: (control, box) => this.marking.box(control, box),
      onShift: (control, id, box) => this.marking.place(control, id, box),
    });
    this.marking = new Marking(parts, this.view, this.now, { changed: () => this.change(), shown: () => this.refill() });
  }

  // What labelkeys.js needs of it.
  hands() {
    const { now, view, marking } = this;
    return { now, view, marking, activate: (control) => this.activate(control), onPress: (control, place) => this.press(control, place), onVerb: (control, verb) => this.verb(control, verb) };
  }

  result = () => resultOf(this.parts, this.now.answers);

  // Put a task on the screen, answered so far by `draft`.
  show(task, draft, notices = []) {
    Object.assign(this.now, { mark: null, from: null, isTouched: false, answers: answersFrom(this.parts, task.data, draft) });
    this.view.show(task, notices);
  }

  refill() {
    this.view.fill(this.now);
    this.painted(this.view);
    listMarks(this.parts, this.now, this.marking);
  }

  change() {
    this.now.isTouched = true;
    this.view.wrong("", "");
    this.refill();
    this.changed();
  }

  activate(control) {
    const focused = document.activeElement?.closest("[data-question]");
    if (focused && focused.dataset.question !== control.name) document.activeElement.blur(); // its arrows would go on changing it
    this.now.active = control;
    this.view.activate(control);
  }

  insist(control, message) {
    this.activate(control);
    this.view.wrong(control.name, message);
  }

  // Whether it can be sent; else the first question that stands in the way says so.
  isWhole() {
    const gap = firstGap(this.parts, this.now.answers), broken = this.root.querySelector("input.number:invalid");
    if (broken) this.insist(this.controls.find(({ name }) => name === broken.closest("[data-question]").dataset.question), broken.validationMessage);
    else if (gap) this.insist(gap, gap.hint || words.needs_answer);
    return !broken && !gap;
  }

  answer(control, value) {
    this.now.answers[control.name] = value;
    this.change();
  }

  verb(control, verb) {
    return verb === "link" ? this.marking.startLink() : (this.activate(control), this.marking.box(control), true);
  }

  press(control, place) {
    if (!this.isReady()) return;
    const { now, marking, controls } = this, question = this.view.questions.get(control.name);
    if (control.kind === "TextArea" || (control.kind === "Number" && !levelsOf(control))) return question.element.querySelector("textarea, input").focus();
    this.activate(control);
    if (isMarking(control)) return marking.label(control, place);
    if (control.kind === "Relations") return void (marking.link(control.options[place]?.stored) && this.activate(marking.current.control));
    if (control.kind === "Ranker") return place === 9 ? question.ranking.tell() : question.ranking.send(place);
    const isDone = press(control, now.answers, place), after = controls[controls.indexOf(control) + 1];
    this.change();
    if (isDone && after) this.activate(after);
  }
}
