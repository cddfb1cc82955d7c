// Answers of one task, {question: value}, and Label Studio's result they are made from and sent as. Pure.
// Choices: list of options; Rating, Number: number; TextArea: text; Pairwise: "left" or "right"; Ranker: list of ids, best first;
// marks: list of {id, labels} with {start, end, text, turn?}, offsets in characters, or {x, y, width, height, size}, in percent;
// Relations: list of {from, to, direction, labels} between ids of marks.

export const controlsOf = (parts) => parts.filter((part) => "to" in part);
export const MARKS = { Labels: "labels", ParagraphLabels: "paragraphlabels", RectangleLabels: "rectanglelabels" };
export const isMarking = ({ kind }) => kind in MARKS;

const VALUES = {
  Choices: { read: ({ choices }) => choices, write: (choices) => ({ choices }) },
  Rating: { read: ({ rating }) => rating, write: (rating) => ({ rating }) },
  Number: { read: ({ number }) => number, write: (number) => ({ number }) },
  TextArea: { read: ({ text }) => [text].flat()[0], write: (text) => ({ text: [text] }) },
  Pairwise: { read: ({ selected }) => selected, write: (selected) => ({ selected }) },
  Ranker: { read: ({ ranker }) => Object.values(ranker)[0], write: (order, name) => ({ ranker: { [name]: order } }) },
};
const PLACES = {
  Labels: { read: ({ start, end, text }) => ({ start, end, text }), write: ({ start, end, text }) => ({ start, end, text }) },
  ParagraphLabels: {
    read: ({ start, startOffset, endOffset, text }) => ({ turn: Number(start), start: startOffset, end: endOffset, text }),
    write: ({ turn, start, end, text }) => ({ start: String(turn), end: String(turn), startOffset: start, endOffset: end, text }),
  },
  RectangleLabels: {
    read: ({ x, y, width, height, rotation = 0 }) => ({ x, y, width, height, rotation }),
    write: ({ x, y, width, height, rotation = 0 }) => ({ x, y, width, height, rotation }),
  },
};

export function newId() {
  const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  return [...crypto.getRandomValues(new Uint8Array(10))].map((byte) => letters[byte % letters.length]).join("");
}

export function isBlank(control, value) {
  if (value === undefined || value === null) return true;
  return control.kind === "TextArea" ? !value.trim() : Array.isArray(value) && !value.length;
}

// The answers a task begins with: the draft, else what the config fills in.
export function answersFrom(parts, data, draft) {
  const answers = {}, controls = controlsOf(parts), linking = controls.find(({ kind }) => kind === "Relations");
  for (const control of controls) if (control.prefill && !draft) answers[control.name] = String(data[control.prefill] ?? "");
  for (const region of draft ?? []) {
    const control = region.type === "relation" ? linking : controls.find(({ name }) => name === region.from_name);
    if (!control) continue;
    if (control === linking) (answers[control.name] ??= []).push(linkOf(region));
    else if (isMarking(control)) (answers[control.name] ??= []).push(markOf(control, region));
    else answers[control.name] = VALUES[control.kind].read(region.value);
  }
  return answers;
}

const linkOf = ({ from_id: from, to_id: to, direction = "right", labels = [] }) => ({ from, to, direction, labels });

function markOf(control, { id, value, original_width: width, original_height: height }) {
  const size = width ? { size: [width, height] } : {};
  return { id: id ?? newId(), labels: value[MARKS[control.kind]], ...PLACES[control.kind].read(value), ...size };
}

export function resultOf(parts, answers) {
  return controlsOf(parts).flatMap((control) => {
    const value = answers[control.name];
    const isCleared = control.kind === "TextArea" && value !== undefined && control.prefill;
    if (isBlank(control, value) && !isCleared) return [];
    if (control.kind === "Relations") return value.map(({ from, to, direction, labels }) => ({ type: "relation", from_id: from, to_id: to, direction, labels }));
    if (isMarking(control)) return value.map((mark) => regionOf(control, mark));
    return [{ ...about(control), value: VALUES[control.kind].write(value, control.name) }];
  });
}

const about = ({ name, to, kind }) => ({ from_name: name, to_name: to, type: kind.toLowerCase() });

function regionOf(control, mark) {
  const size = mark.size ? { original_width: mark.size[0], original_height: mark.size[1] } : {};
  return { id: mark.id, ...about(control), value: { ...PLACES[control.kind].write(mark), [MARKS[control.kind]]: mark.labels }, ...size };
}

// The first required question without an answer.
export const firstGap = (parts, answers) => controlsOf(parts).find((control) => control.required && isBlank(control, answers[control.name]));

// The values of a Number that has a key of its own for each, as 0 to 5; null for any other.
export function levelsOf({ kind, min, max, step }) {
  const fits = kind === "Number" && Number.isInteger(min) && Number.isInteger(max) && min >= 0 && max <= 9 && (step ?? 1) === 1;
  return fits ? Array.from({ length: max - min + 1 }, (_one, place) => min + place) : null;
}

// The same of Choices whose answers are digits, as those of a rubric.
const digitsOf = ({ kind, options }) => (kind === "Choices" && options.every(({ value }) => /^[0-9]$/.test(value)) ? options.map(({ value }) => Number(value)) : null);

// Which option of a question a digit means: a level by its value, else 1 the first one and 0 the tenth.
export function placeOf(control, digit) {
  const levels = levelsOf(control) ?? digitsOf(control);
  return levels ? levels.indexOf(Number(digit)) : (Number(digit) + 9) % 10;
}

export function keyOf(control, place) {
  const levels = levelsOf(control) ?? digitsOf(control);
  if (levels) return String(levels[place]);
  return control.options[place]?.hotkey || (place < 10 ? String((place + 1) % 10) : "");
}

// Press option number `place` of a question; true when the question is thereby done.
export function press(control, answers, place) {
  const { name, kind, options, multiple } = control, stored = options[place]?.stored;
  const ready = { Rating: place < control.max_rating ? place + 1 : undefined, Number: levelsOf(control)?.[place], Pairwise: ["left", "right"][place] };
  if (kind in ready) {
    if (ready[kind] === undefined) return false;
    answers[name] = ready[kind];
    return true;
  }
  if (kind !== "Choices" || stored === undefined) return false;
  const held = answers[name] ?? [];
  if (multiple) answers[name] = held.includes(stored) ? held.filter((one) => one !== stored) : [...held, stored];
  else answers[name] = held[0] === stored && !control.required ? [] : [stored];
  return !multiple && answers[name].length > 0;
}
