// A list that people put in order, best first: by keys (the arrows choose, with Shift they move), by buttons, by dragging.
import { icon } from "./icon.js";
import { button, make } from "./make.js";
import { fill, words } from "./words.js";

export class Ranking {
  constructor(control, items, told) {
    Object.assign(this, { control, told, at: 0 });
    this.rows = new Map(items.map((item) => [String(item.id), this.row(item)]));
    this.order = [...this.rows.keys()];
    this.list = make("ol", { class: "card list ranking" }, ...this.rows.values());
    const keep = button({ class: "choice ghost", "data-verb": "order" }, () => this.tell(), icon("check"), words.order_right, make("kbd", {}, "0"));
    this.element = make("div", { class: "stack tight" }, this.list, make("div", { class: "choices" }, keep));
  }

  row({ id, title, body }) {
    const text = [make("b", { dir: "auto" }, title ?? ""), ...(body ? [make("p", { dir: "auto" }, body)] : [])];
    const move = (by, name, label) => button({ class: "icon-btn", "aria-label": fill(label, { name: title || id }) }, () => this.move(String(id), by), icon(name));
    const row = make("li", { "data-item": id }, make("span", { class: "place value" }), make("div", { class: "grip" }, ...text), move(-1, "up", words.move_up), move(1, "down", words.move_down));
    row.addEventListener("pointerdown", (event) => this.drag(event, String(id)));
    return row;
  }

  fill(order) {
    this.isGiven = Boolean(order);
    if (order) this.order = order.filter((id) => this.rows.has(id));
    this.list.toggleAttribute("data-given", this.isGiven);
    this.order.forEach((id, place) => {
      const row = this.rows.get(id);
      row.querySelector(".place").textContent = place + 1;
      row.toggleAttribute("data-current", place === this.at);
      if (this.list.children[place] !== row) this.list.insertBefore(row, this.list.children[place] ?? null);
    });
  }

  tell() {
    this.told.onAnswer(this.control, [...this.order]);
  }

  step(by) {
    this.at = Math.min(Math.max(this.at + by, 0), this.order.length - 1);
    this.fill(this.isGiven ? this.order : undefined);
    this.rows.get(this.order[this.at])?.scrollIntoView({ block: "nearest" });
  }

  // The row of the keys goes by so many places, or to a place.
  shift = (by) => this.move(this.order[this.at], by);
  send = (place) => place < this.order.length && this.shift(place - this.at);

  move(id, by) {
    const from = this.order.indexOf(id), to = Math.min(Math.max(from + by, 0), this.order.length - 1);
    this.order.splice(to, 0, ...this.order.splice(from, 1));
    this.at = to;
    this.tell();
  }

  // By mouse the whole row is its handle; by touch its number, as the rest scrolls the page.
  drag(event, id) {
    const isTouch = event.pointerType !== "mouse", handle = event.target.closest(isTouch ? ".place" : ".place, .grip");
    if (event.button || !handle) return;
    const row = this.rows.get(id), ended = new AbortController(), { signal } = ended;
    const over = ({ clientY }) => {
      const at = this.order.indexOf(id), boxes = this.order.map((one) => this.rows.get(one).getBoundingClientRect());
      const middle = ({ top, height }) => top + height / 2, above = boxes.findIndex((box, place) => place < at && clientY < middle(box));
      const to = above >= 0 ? above : boxes.findLastIndex((box, place) => place > at && clientY > middle(box));
      if (to >= 0) this.move(id, to - at);
    };
    const end = () => [row.removeAttribute("data-dragged"), ended.abort()];
    event.preventDefault();
    row.setAttribute("data-dragged", "");
    addEventListener("pointermove", over, { signal });
    for (const type of ["pointerup", "pointercancel"]) addEventListener(type, end, { signal });
  }
}
