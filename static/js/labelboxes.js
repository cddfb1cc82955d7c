// An image and the boxes on it: drawn, moved and resized by pointer. Places are percent of the image; keys are in labelkeys.js.
import { boxBetween, shifted } from "./labelmarks.js";
import { tagsOf } from "./labelquestion.js";
import { make } from "./make.js";
import { words } from "./words.js";

const CORNERS = ["nw", "ne", "sw", "se"];

export class BoxField {
  // `control` asks for boxes; without one the image is only shown.
  constructor(picture, control, told) {
    Object.assign(this, { picture, control, told, boxes: [] });
    picture.alt = words.image;
    this.layer = make("div", { class: "boxes" });
    this.frame = make("div", { class: "picture" }, picture, this.layer);
    this.element = make("figure", { class: "card image" }, this.frame);
    picture.onerror = () => this.element.replaceChildren(make("p", { class: "body muted" }, words.no_image));
    picture.onload = () => this.measure();
    if (picture.complete && picture.src && !picture.naturalWidth) picture.onerror();
    else if (picture.complete) this.measure();
    if (control) this.layer.addEventListener("pointerdown", (event) => this.press(event));
    this.frame.toggleAttribute("data-draws", Boolean(control));
  }

  measure() {
    this.size = [this.picture.naturalWidth, this.picture.naturalHeight];
  }

  fill({ answers, mark, from }) {
    if (!this.control) return;
    const tags = tagsOf(this.control), names = Object.fromEntries(this.control.options.map(({ stored, value }) => [stored, value]));
    this.boxes = answers[this.control.name] ?? [];
    this.layer.replaceChildren(...this.boxes.map((box) => this.draw(box, { tags, names, isCurrent: box.id === mark, isFrom: box.id === from })));
  }

  // Boxes that a machine suggests: dashed, and nothing to take hold of.
  offer(boxes) {
    for (const old of this.layer.querySelectorAll("[data-suggested]")) old.remove();
    this.layer.prepend(...boxes.map((box) => lay(make("div", { class: "box", "data-suggested": "", "aria-hidden": "true" }, make("span", { class: "box-label" }, box.labels.join(", "))), box)));
  }

  draw(box, { tags, names, isCurrent, isFrom }) {
    const name = make("span", { class: "box-label" }, box.labels.map((label) => names[label] ?? label).join(", "));
    const corners = isCurrent ? CORNERS.map((corner) => make("i", { "data-corner": corner })) : [];
    const element = make("div", { class: "box", "data-tag": tags[box.labels[0]], "data-box": box.id, "aria-current": isCurrent ? "true" : null, "data-from": isFrom ? "" : null }, name, ...corners);
    return lay(element, box);
  }

  // Where a pointer is on the image, in percent.
  at({ clientX, clientY }) {
    const { left, top, width, height } = this.layer.getBoundingClientRect();
    return [(100 * (clientX - left)) / width, (100 * (clientY - top)) / height];
  }

  press(event) {
    if (event.button || !event.isPrimary) return;
    event.preventDefault();
    const element = event.target.closest(".box"), corner = event.target.dataset.corner;
    const box = element && this.boxes.find(({ id }) => id === element.dataset.box);
    if (!box) return this.follow(event, make("div", { class: "box", "data-new": "" }), (from, to) => boxBetween(from, to), (drawn) => drawn && this.told.onBox(this.control, { ...drawn, size: this.size }));
    this.told.onMark(box.id);
    const current = this.layer.querySelector("[aria-current]");
    this.follow(event, current, (from, to) => this.changed(box, corner, [to[0] - from[0], to[1] - from[1]]), (moved) => moved && this.told.onShift(this.control, box.id, moved));
  }

  changed(box, corner, [dx, dy]) {
    if (!corner) return Math.abs(dx) + Math.abs(dy) < 0.3 ? null : shifted(box, { dx, dy });
    const x = corner.endsWith("w") ? box.x + dx : box.x, right = corner.endsWith("e") ? box.x + box.width + dx : box.x + box.width;
    const y = corner.startsWith("n") ? box.y + dy : box.y, bottom = corner.startsWith("s") ? box.y + box.height + dy : box.y + box.height;
    return boxBetween([x, y], [right, bottom]);
  }

  // Follow one pointer until it is lifted: `change(from, to)` is the box meanwhile, `done(box)` takes the last one.
  follow(event, element, change, done) {
    const from = this.at(event), { pointerId } = event, ended = new AbortController(), { signal } = ended;
    const isMine = (one) => one.pointerId === pointerId;
    let box = null;
    if (!element.isConnected) this.layer.append(element);
    addEventListener("pointermove", (move) => isMine(move) && (box = change(from, this.at(move)) ?? box) && lay(element, box), { signal });
    for (const type of ["pointerup", "pointercancel"]) addEventListener(type, (end) => {
      if (!isMine(end)) return;
      ended.abort();
      if (element.hasAttribute("data-new")) element.remove();
      done(type === "pointerup" ? box : null);
    }, { signal });
  }
}

// Styles are set by script here: a policy without inline styles allows that, and no sheet knows where a box is.
function lay(element, { x, y, width, height }) {
  Object.assign(element.style, { left: `${x}%`, top: `${y}%`, width: `${width}%`, height: `${height}%` });
  element.toggleAttribute("data-low", y < 6);
  return element;
}
