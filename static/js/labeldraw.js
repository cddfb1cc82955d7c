// A text with its spans. Where spans overlap, each keeps a line of its own below the words.

// The line of each span: the first one that is free all along it.
export function levelsOf(spans) {
  const ends = [], levels = new Map();
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const free = ends.findIndex((end) => end <= span.start), level = free < 0 ? ends.length : free;
    ends[level] = span.end;
    levels.set(span, level);
  }
  return levels;
}

// `tags` is {label: colour}; `names` is {label: what is shown of it}; `current` and `from` are ids.
export function draw(box, text, spans, { tags, names, current, from }) {
  const letters = [...text], cuts = new Set([0, letters.length]), levels = levelsOf(spans);
  for (const { start, end } of spans) cuts.add(start).add(end);
  const places = [...cuts].sort((a, b) => a - b), parts = [];
  for (let number = 0; number < places.length - 1; number += 1) {
    const [begin, end] = [places[number], places[number + 1]], piece = letters.slice(begin, end).join("");
    const over = spans.filter((span) => span.start <= begin && span.end >= end).sort((a, b) => levels.get(a) - levels.get(b));
    parts.push(over.reduce((inner, span) => mark(inner, span, { end, level: levels.get(span), tags, names, current, from }), piece));
  }
  box.replaceChildren(...parts);
}

function mark(inner, span, { end, level, tags, names, current, from }) {
  const element = document.createElement("mark");
  element.className = "span";
  Object.assign(element.dataset, { tag: tags[span.labels[0]] ?? 1, level: Math.min(level, 4) });
  element.append(inner);
  element.span = span;
  if (end === span.end) element.dataset.label = span.labels.map((label) => names[label] ?? label).join(", ");
  if (span.id === current) element.setAttribute("aria-current", "true");
  if (span.id === from) element.dataset.from = "";
  return element;
}
