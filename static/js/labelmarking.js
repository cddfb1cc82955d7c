// What a person does to marks: words get a label, boxes are drawn and moved, two marks are related. `now` is the task's state.
import { controlsOf, isMarking, newId } from "./labelanswers.js";
import * as marks from "./labelmarks.js";
import { selected } from "./labelspans.js";

export class Marking {
  // `changed()` is called after the answers changed, `shown()` after only the selection did.
  constructor(parts, view, now, { changed, shown }) {
    Object.assign(this, { parts, view, now, changed, shown, controls: controlsOf(parts) });
    this.linking = this.controls.find(({ kind }) => kind === "Relations");
  }

  get current() {
    return this.now.mark && marks.markBy(this.parts, this.now.answers, this.now.mark);
  }

  selection(control) {
    for (const { box, text, turn, name, granularity } of this.view.texts) {
      const span = name === control.to && selected(box, text, granularity);
      if (span) return turn === undefined ? span : { ...span, turn };
    }
    return null;
  }

  // A label is pressed: the selected words get it, else the mark that is current; for boxes it is the one to draw next.
  label(control, place) {
    const { now } = this, option = control.options[place], span = control.kind === "RectangleLabels" ? null : this.selection(control);
    if (!option) return;
    if (span) {
      now.mark = marks.put(control, now.answers, { id: newId(), labels: [option.stored], ...span });
      getSelection().removeAllRanges();
    } else if (this.current?.control === control) marks.relabel(control, now.answers, now.mark, option.stored);
    else if (control.kind !== "RectangleLabels") return;
    now.armed[control.name] = place;
    this.changed();
  }

  // A box where one was drawn, else in the middle; with the label pressed last.
  box(control, box = { x: 35, y: 35, width: 30, height: 30, size: this.view.images.get(control.to)?.size }) {
    const { now } = this, id = newId(), { stored } = control.options[now.armed[control.name] ?? 0];
    now.answers[control.name] = [...(now.answers[control.name] ?? []), { id, labels: [stored], ...box }];
    now.mark = id;
    this.changed();
  }

  shift(change) {
    const { current } = this;
    if (current?.control.kind !== "RectangleLabels") return false;
    marks.replace(current.control, this.now.answers, current.mark.id, marks.shifted(current.mark, change));
    this.changed();
    return true;
  }

  place(control, id, box) {
    marks.replace(control, this.now.answers, id, box);
    this.changed();
  }

  pick(id) {
    this.now.mark = id;
    this.shown();
  }

  step(by) {
    const id = marks.step(this.parts, this.now.answers, this.now.mark, by);
    if (!id) return false;
    getSelection().removeAllRanges();
    this.pick(id);
    document.querySelector("#task [aria-current]")?.scrollIntoView({ block: "nearest" });
    return true;
  }

  remove(id = this.now.mark) {
    if (!id) return false;
    const neighbour = marks.take(this.parts, this.now.answers, id);
    Object.assign(this.now, { mark: neighbour, from: this.now.from === id ? null : this.now.from });
    this.changed();
    return true;
  }

  // Relate: first the mark it begins at, then the one it ends at and a label. A relation without labels needs only the two.
  startLink() {
    const { now, linking } = this;
    if (!linking || !now.mark) return false;
    if (now.from && now.from !== now.mark && !linking.options.length) return this.link(undefined);
    now.from = now.from === now.mark ? null : now.mark;
    this.shown();
    return true;
  }

  link(stored) {
    const { now, linking } = this;
    if (!marks.link(linking, now.answers, now.from, now.mark, stored)) return false;
    now.from = null;
    this.changed();
    return true;
  }

  turnLink(place) {
    marks.turn(this.linking, this.now.answers, place);
    this.changed();
  }

  unlink(place) {
    marks.unlink(this.linking, this.now.answers, place);
    this.changed();
  }

  // Esc: nothing is selected any more. False when nothing was.
  leave() {
    const { now } = this, was = now.from || now.mark || !getSelection().isCollapsed;
    getSelection().removeAllRanges();
    Object.assign(now, now.from ? { from: null } : { mark: null });
    if (was) this.shown();
    return Boolean(was);
  }

  asks = (kind) => this.controls.find((control) => (kind ? control.kind === kind : isMarking(control)));
}
