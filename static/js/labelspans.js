// Words of a text: what is selected, in characters (code points, as the server counts), and how keys walk through it.
const units = (text, characters) => [...text].slice(0, characters).join("").length;
const characters = (text, place) => [...text.slice(0, place)].length;

// Where the selection is within `box`, in UTF-16 units as the browser counts; null when it is not in there.
function range(box) {
  const selection = getSelection(), found = selection.rangeCount ? selection.getRangeAt(0) : null;
  if (!found || found.collapsed || !box.contains(found.startContainer) || !box.contains(found.endContainer)) return null;
  const before = document.createRange();
  before.selectNodeContents(box);
  before.setEnd(found.startContainer, found.startOffset);
  const start = before.toString().length;
  return [start, start + found.toString().length];
}

// {start, end, text} of what is selected within `box`, without blanks around it; null when nothing is.
export function selected(box, text, granularity) {
  let [start, end] = range(box) ?? [0, 0];
  while (start < end && /\s/.test(text[start])) start += 1;
  while (end > start && /\s/.test(text[end - 1])) end -= 1;
  if (start >= end) return null;
  [start, end] = wholly(text, start, end, granularity);
  const from = characters(text, start), until = characters(text, end);
  return { start: from, end: until, text: [...text].slice(from, until).join("") };
}

function segments(text, granularity) {
  const segmenter = new Intl.Segmenter(document.documentElement.lang || undefined, { granularity });
  return [...segmenter.segment(text)].map(({ index, segment, isWordLike }) => ({ isWordLike, from: index, to: index + segment.length }));
}

const words = (text) => segments(text, "word").filter(({ isWordLike }) => isWordLike);

function paragraphs(text) {
  return [...text.matchAll(/\S(?:.*\S)?/g)].map(({ index, 0: line }) => ({ from: index, to: index + line.length }));
}

// No letter is ever cut: an emoji of several code points is taken whole, in words or not.
function wholly(text, start, end, granularity) {
  const all = { word: words, sentence: (told) => segments(told, "sentence"), paragraph: paragraphs }[granularity]?.(text) ?? [];
  const touched = [...all, ...segments(text, "grapheme")].filter(({ from, to }) => to > start && from < end);
  const from = touched.reduce((least, one) => Math.min(least, one.from), start), to = touched.reduce((most, one) => Math.max(most, one.to), end);
  const piece = text.slice(from, to);
  return [from + piece.length - piece.trimStart().length, to - (piece.length - piece.trimEnd().length)];
}

function select(box, start, end) {
  const [from, at] = place(box, start), [to, until] = place(box, end);
  getSelection().setBaseAndExtent(from, at, to, until);
  from.parentElement?.scrollIntoView({ block: "nearest" });
}

// The next or previous word is selected; with `extend` the selection grows or shrinks by a word. False at the end of the text.
export function walk(box, text, by, extend) {
  const all = words(text), now = range(box);
  if (!all.length) return false;
  if (!now) return select(box, ...bounds(all.at(by > 0 ? 0 : -1))), true;
  const first = all.findIndex(({ to }) => to > now[0]), last = all.findLastIndex(({ from }) => from < now[1]);
  if (extend) {
    const to = Math.max(first, Math.min(last + by, all.length - 1));
    return select(box, now[0], all[to].to), true;
  }
  const next = all[by > 0 ? last + 1 : first - 1];
  if (next) select(box, ...bounds(next));
  return Boolean(next);
}

const bounds = ({ from, to }) => [from, to];

// One end of the selection moves by a character: the last one, or with `first` the first one.
export function nudge(box, text, by, first) {
  const now = range(box), letters = segments(text, "grapheme");
  if (!now) return false;
  const cuts = [0, ...letters.map(({ to }) => to)], at = cuts.indexOf(now[first ? 0 : 1]);
  const moved = cuts[(at < 0 ? cuts.findIndex((cut) => cut >= now[first ? 0 : 1]) : at) + by];
  if (moved === undefined || (first ? moved >= now[1] : moved <= now[0])) return true;
  select(box, ...(first ? [moved, now[1]] : [now[0], moved]));
  return true;
}

// Select a span again, by its offsets in characters.
export const reselect = (box, text, { start, end }) => select(box, units(text, start), units(text, end));

function place(box, offset) {
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  let node = walker.nextNode(), last = node;
  for (; node; node = walker.nextNode()) {
    last = node;
    if (offset <= node.length) return [node, offset];
    offset -= node.length;
  }
  return [last ?? box, last?.length ?? 0];
}
