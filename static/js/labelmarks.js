// The marked places of a task, spans and boxes, and the relations between them. Pure: each verb changes `answers`.
import { controlsOf, isMarking } from "./labelanswers.js";

// [{control, mark}] as they are read: by text, turn and place; boxes as they were drawn.
export function marksOf(parts, answers) {
  const order = parts.map(({ name }) => name), found = controlsOf(parts).filter(isMarking);
  const marks = found.flatMap((control) => (answers[control.name] ?? []).map((mark) => ({ control, mark })));
  const at = ({ control, mark }) => [order.indexOf(control.to), mark.turn ?? 0, mark.start ?? 0, mark.end ?? 0];
  const compare = (a, b) => at(a).reduce((told, value, place) => told || value - at(b)[place], 0);
  return marks.sort(compare);
}

export const markBy = (parts, answers, id) => marksOf(parts, answers).find(({ mark }) => mark.id === id);

const isSamePlace = (one, other) => one.start !== undefined && one.turn === other.turn && one.start === other.start && one.end === other.end;

// Mark a place; marked already by this question, it gets the label instead. The id of the mark.
export function put(control, answers, mark) {
  const held = answers[control.name] ?? [], there = held.find((one) => isSamePlace(one, mark));
  if (there) return relabel(control, answers, there.id, mark.labels[0]);
  answers[control.name] = [...held, mark];
  return mark.id;
}

// Give a mark another label; one more, or one less, where a mark may have several.
export function relabel(control, answers, id, stored) {
  answers[control.name] = (answers[control.name] ?? []).map((mark) => (mark.id === id ? { ...mark, labels: labelled(control, mark.labels, stored) } : mark));
  return id;
}

function labelled({ multiple }, held, stored) {
  if (!multiple) return [stored];
  const left = held.filter((one) => one !== stored);
  return left.length === held.length ? [...held, stored] : left.length ? left : held;
}

export function replace(control, answers, id, change) {
  answers[control.name] = answers[control.name].map((mark) => (mark.id === id ? { ...mark, ...change } : mark));
}

// Take a mark away, and the relations that it was part of. The id of its neighbour, else null.
export function take(parts, answers, id) {
  const before = marksOf(parts, answers), place = before.findIndex(({ mark }) => mark.id === id);
  if (place < 0) return null;
  const { control } = before[place];
  answers[control.name] = answers[control.name].filter((mark) => mark.id !== id);
  for (const { kind, name } of controlsOf(parts)) {
    if (kind === "Relations" && answers[name]) answers[name] = answers[name].filter(({ from, to }) => from !== id && to !== id);
  }
  return (before[place - 1] ?? before[place + 1])?.mark.id ?? null;
}

// The id of the next mark, or the previous one; around the ends.
export function step(parts, answers, id, by) {
  const ids = marksOf(parts, answers).map(({ mark }) => mark.id), place = ids.indexOf(id);
  if (!ids.length) return null;
  return ids[place < 0 ? (by > 0 ? 0 : ids.length - 1) : (place + by + ids.length) % ids.length];
}

// A relation between two marks; there already, it gets the label instead. False between a mark and itself.
export function link(control, answers, from, to, stored) {
  if (!from || !to || from === to) return false;
  const others = (answers[control.name] ?? []).filter((one) => one.from !== from || one.to !== to);
  answers[control.name] = [...others, { from, to, direction: "right", labels: stored === undefined ? [] : [stored] }];
  return true;
}

const TURNED = { right: "left", left: "bi", bi: "right" };

export function turn(control, answers, place) {
  answers[control.name] = answers[control.name].map((one, at) => (at === place ? { ...one, direction: TURNED[one.direction] } : one));
}

export function unlink(control, answers, place) {
  answers[control.name] = answers[control.name].filter((_one, at) => at !== place);
}

const within = (value, low, high) => Math.min(Math.max(value, low), high);
const SMALLEST = 0.5; // percent of the image

// A box moved and resized by so much, within its image.
export function shifted({ x, y, width, height }, { dx = 0, dy = 0, dw = 0, dh = 0 }) {
  const wide = within(width + dw, SMALLEST, 100 - x), high = within(height + dh, SMALLEST, 100 - y);
  return { x: within(x + dx, 0, 100 - wide), y: within(y + dy, 0, 100 - high), width: wide, height: high };
}

// The box between two corners, within its image; null when there is none to speak of.
export function boxBetween([ax, ay], [bx, by]) {
  const [left, right] = [within(Math.min(ax, bx), 0, 100), within(Math.max(ax, bx), 0, 100)];
  const [top, bottom] = [within(Math.min(ay, by), 0, 100), within(Math.max(ay, by), 0, 100)];
  return right - left < SMALLEST || bottom - top < SMALLEST ? null : { x: left, y: top, width: right - left, height: bottom - top };
}
