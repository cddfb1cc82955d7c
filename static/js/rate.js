// The rating screen. Keys 0 to 5 score the marked criterion and go on by themselves; U takes the last score back.
import { icon } from "./icon.js";
import { RateQueue } from "./ratequeue.js";
import { toast } from "./toast.js";
import { fill, words } from "./words.js";

const PAUSE = 350; // ms that the last score of an answer is seen before the next answer comes
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("rate-data").textContent), { items, rubric } = data;
const fields = new Map([...document.querySelectorAll("[data-criterion]")].map((field) => [field.dataset.criterion, field]));
const undone = []; // what U takes back: {at, state}
let at = 0, active = rubric[0].key, timer = null;

const queue = new RateQueue({ url: data.send, name: `tuneloop.ratings.${data.round}.${data.rater}`, onState: tell });
for (const item of items) Object.assign(item, queue.waiting.get(item.id) ?? {});
const stateOf = ({ scores, note, cannot_judge }) => structuredClone({ scores, note, cannot_judge });
const isDone = (item) => item.cannot_judge || rubric.every(({ key }) => Number.isInteger(item.scores[key]));
const nextOpen = (from) => [...items.keys()].map((step) => (from + step) % items.length).find((place) => !isDone(items[place]));

function tell({ waiting, error, isFinal }) {
  const place = $("saved");
  if (isFinal) toast(fill(words.refused, { why: error.message }), "bad");
  place.dataset.status = error && !isFinal ? "warn" : "good";
  const text = document.createElement("span");
  text.textContent = waiting ? fill(words.waiting, { count: waiting }) : words.saved;
  place.replaceChildren(...(waiting ? [text] : [icon("check"), text]));
}

function change(item, state, { canUndo = true } = {}) {
  if (canUndo) undone.push({ at: items.indexOf(item), state: stateOf(item) });
  Object.assign(item, state);
  const all = Object.fromEntries(rubric.map(({ key }) => [key, item.scores[key] ?? null])); // a null takes a score back
  $("saved").textContent = words.saving;
  queue.put(item.id, { scores: item.cannot_judge ? {} : all, note: item.note, cannot_judge: item.cannot_judge });
  show();
}

function score(criterion, value) {
  const item = items[at];
  clearTimeout(timer);
  change(item, { scores: { ...item.scores, [criterion]: value }, cannot_judge: false });
  const keys = rubric.map(({ key }) => key), from = keys.indexOf(criterion);
  const open = [...keys.slice(from + 1), ...keys.slice(0, from)].find((key) => !Number.isInteger(item.scores[key]));
  if (open) return mark(open);
  timer = setTimeout(goOn, PAUSE);
}

function goOn() {
  clearTimeout(timer);
  const open = nextOpen(at + 1 < items.length ? at + 1 : 0);
  if (open === undefined) return toast(words.done, "good");
  go(open);
}

function go(place) {
  clearTimeout(timer);
  at = place;
  active = rubric.find(({ key }) => !Number.isInteger(items[at].scores[key]))?.key ?? rubric[0].key;
  write();
  show();
  $("seen").focus({ preventScroll: true });
  scrollTo({ top: 0 });
}

function undo() {
  clearTimeout(timer);
  const last = undone.pop();
  if (!last) return;
  if (last.at !== at) go(last.at);
  const item = items[at], before = item.scores;
  change(item, last.state, { canUndo: false });
  mark(rubric.find(({ key }) => before[key] !== item.scores[key])?.key ?? active);
  $("note").value = item.note;
}

function mark(key) {
  active = key;
  for (const [name, field] of fields) field.toggleAttribute("data-active", name === active);
  fields.get(active).scrollIntoView({ block: "nearest" });
}

// The texts of an item, once; as text, never as HTML.
function write() {
  const { messages, answer, note } = items[at];
  const paragraphs = messages.map(({ role, content }, place) => {
    const text = document.createElement("p"), who = document.createElement("span");
    who.className = "who";
    who.textContent = words[role] ?? role;
    text.append(...(messages.length > 1 && place < messages.length ? [who] : []), content);
    return text;
  });
  $("question").replaceChildren(...paragraphs);
  $("answer").textContent = answer || words.empty;
  $("note").value = note;
  $("place").textContent = fill(words.answer_of, { place: at + 1, total: items.length });
}

function show() {
  const item = items[at], done = items.filter(isDone).length;
  for (const { key, anchors } of rubric) {
    const field = fields.get(key), value = item.scores[key];
    for (const radio of field.querySelectorAll("input")) radio.checked = Number(radio.value) === value;
    const line = field.querySelector("[data-anchor]");
    line.textContent = Number.isInteger(value) ? `${value} ${anchors[value]}` : words.not_scored;
  }
  mark(active);
  $("skip").setAttribute("aria-pressed", String(item.cannot_judge));
  $("undo").disabled = !undone.length;
  Object.assign($("bar"), { max: items.length, value: done });
  $("count").textContent = fill(words.of, { done, total: items.length });
}

$("scores").addEventListener("submit", (event) => event.preventDefault());
$("scores").addEventListener("change", ({ target }) => target.type === "radio" && score(target.name, Number(target.value)));
$("scores").addEventListener("focusin", ({ target }) => target.type === "radio" && mark(target.name));
$("note").addEventListener("change", ({ target }) => change(items[at], { note: target.value }));
$("note").addEventListener("keydown", (event) => event.key === "Escape" && event.target.blur());
$("next").addEventListener("click", () => (isDone(items[at]) ? goOn() : go((at + 1) % items.length)));
$("back").addEventListener("click", () => go((at + items.length - 1) % items.length));
$("undo").addEventListener("click", undo);
$("skip").addEventListener("click", () => {
  const turned = !items[at].cannot_judge;
  change(items[at], turned ? { cannot_judge: true, scores: {} } : { cannot_judge: false });
  if (turned) timer = setTimeout(goOn, PAUSE);
});

document.addEventListener("keydown", (event) => {
  const { key, target } = event, keys = rubric.map((one) => one.key), from = keys.indexOf(active);
  const isElsewhere = target.closest("textarea, [popover], dialog, input:not([type=radio])") || document.querySelector("dialog:modal, [popover]:popover-open");
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isElsewhere) return;
  if (/^[0-5]$/.test(key)) score(active, Number(key));
  else if (key === "j" || key === "k") mark(keys[(from + (key === "j" ? 1 : keys.length - 1)) % keys.length]);
  else if (key === "Enter" && !target.closest("a, button")) $("next").click();
  else return;
  event.preventDefault();
});

go(nextOpen(0) ?? 0);
queue.now();
