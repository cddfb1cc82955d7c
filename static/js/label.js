// The screen of who labels: answers, the marked question, marks. Which task is whose, labelsession.js knows.
import { answersFrom, controlsOf, firstGap, isMarking, levelsOf, press, resultOf } from "./labelanswers.js";
import { Drafts } from "./labeldraft.js";
import { listen } from "./labelkeys.js";
import { teach } from "./labellesson.js";
import { listMarks } from "./labellist.js";
import { Marking } from "./labelmarking.js";
import { listRefused, noticesOf } from "./labelnotices.js";
import { rest } from "./labelrest.js";
import { Session } from "./labelsession.js";
import { around } from "./labelscreen.js";
import { Suggesting } from "./labelsuggest.js";
import { tell } from "./labeltell.js";
import { TaskClock } from "./labeltime.js";
import { TaskView } from "./labelview.js";
import { toast } from "./toast.js";
import { fill, words } from "./words.js";

const page = JSON.parse(document.getElementById("label-page").textContent), find = (id) => document.getElementById(id);
const root = find("task"), controls = controlsOf(page.parts);
const now = { answers: {}, active: null, mark: null, from: null, armed: {}, isTouched: false };
const said = ({ message, hint }) => [message, hint].filter(Boolean).join(" ");
const result = () => resultOf(page.parts, now.answers);

const view = new TaskView(root, page.parts, {
  onPress, onAnswer, onVerb,
  onActive: (control) => now.active !== control && [now.active = control, view.activate(control, false)],
  onMark: (id) => marking.pick(id),
  onBox: (control, box) => marking.box(control, box),
  onShift: (control, id, box) => marking.place(control, id, box),
});
const marking = new Marking(page.parts, view, now, { changed: change, shown: refill });
const suggesting = new Suggesting(page.parts, { now, change });
const drafts = new Drafts(page.assignments, (id, error) => session.lost(id, error));
const session = new Session(page, drafts, new TaskClock(), {
  onTask, onRefused, onKept,
  onSent,
  onAhead: (task) => view.load(task),
  onWait: () => screen.rest(true),
  onRest: (why, told) => [screen.rest(false), rest(root, why, told, { undo: () => session.undo(), home: find("leave").href })],
  onCount: (told) => [screen.count(), told && suggesting.count(told)],
  onLost: (error) => toast(said(error), "warn"),
  onFault: (error) => toast(said(error), error.code === "nothing_to_undo" ? "info" : "bad"),
});
const screen = around({ page, session, redraw: () => onTask(session.task) });

function refill() {
  view.fill(now);
  suggesting.paint(view);
  listMarks(page.parts, now, marking);
}

function change() {
  now.isTouched = true;
  view.wrong("", "");
  refill();
  session.task.draft = result();
  drafts.keep(session.task.id, session.task.draft);
}

function onTask(task, refused = null) {
  const unsent = drafts.unsent(task.id);
  Object.assign(now, { mark: null, from: null, isTouched: false, answers: answersFrom(page.parts, task.data, unsent ?? task.draft) });
  view.show(task, [...noticesOf(task, refused), ...suggesting.notices(task, unsent ?? task.draft)]);
  screen.work(task);
  refill();
  document.activeElement?.blur?.();
  getSelection().removeAllRanges();
  activate(controls[0]);
  if (controls[0].kind === "TextArea") root.querySelector("textarea").focus();
  if (unsent) drafts.keep(task.id, unsent);
  scrollTo(0, 0);
  const control = refused && controls.find(({ name }) => `result.${name}` === refused.field);
  if (control) insist(control, refused.message);
}

// An answer was not taken: it comes back at once if nothing was begun since, else it waits above the task.
function onRefused(entry) {
  if (entry.kind === "flag" || entry.kind === "skip") toast(said(entry.refused), "bad");
  else if (entry.refused.status !== 409 && !now.isTouched) open(entry);
}

function open(entry) {
  const task = { ...entry.task, draft: entry.body.result };
  drafts.keep(task.id, task.draft);
  session.outbox.drop(entry);
  session.show(task, entry.refused);
}

function onSent({ task }, answer) {
  if (answer?.lesson) teach(answer.lesson, task.number);
  else if (!session.outbox.waiting().length) tell(words.submitted, "good");
}

function onKept(error) {
  const waiting = session.outbox.waiting().length;
  if (error?.status === 401 || error?.status === 403) tell(fill(words.signed_out, { count: waiting }), "warn");
  else if (waiting && (error || !navigator.onLine)) tell(fill(words.waiting, { count: waiting }), "warn");
  screen.count();
  listRefused(find("refused"), session.outbox.refused(), { open, again: (entry) => session.outbox.again(entry), drop: (entry) => session.outbox.drop(entry) });
}

function insist(control, message) {
  activate(control);
  view.wrong(control.name, message);
}

function submit() {
  if (!session.task) return true;
  const gap = firstGap(page.parts, now.answers), broken = root.querySelector("input.number:invalid");
  if (broken) insist(controls.find(({ name }) => name === broken.closest("[data-question]").dataset.question), broken.validationMessage);
  else if (gap) insist(gap, gap.hint || words.needs_answer);
  else [now.isTouched = false, session.submit(result(), suggesting.facts())];
  return true;
}

function activate(control) {
  const focused = document.activeElement?.closest("[data-question]");
  if (focused && focused.dataset.question !== control.name) document.activeElement.blur(); // its arrows would go on changing it
  now.active = control;
  view.activate(control);
}

function onAnswer(control, value) {
  now.answers[control.name] = value;
  change();
}

function onVerb(control, verb) {
  return verb === "link" ? marking.startLink() : (activate(control), marking.box(control), true);
}

function onPress(control, place) {
  if (!session.task) return;
  const question = view.questions.get(control.name);
  if (control.kind === "TextArea" || (control.kind === "Number" && !levelsOf(control))) return question.element.querySelector("textarea, input").focus();
  activate(control);
  if (isMarking(control)) return marking.label(control, place);
  if (control.kind === "Relations") return void (marking.link(control.options[place]?.stored) && activate(marking.current.control));
  if (control.kind === "Ranker") return place === 9 ? question.ranking.tell() : question.ranking.send(place);
  const isDone = press(control, now.answers, place), after = controls[controls.indexOf(control) + 1];
  change();
  if (isDone && after) activate(after);
}

listen({ now, session, view, marking, activate, onPress, onVerb, submit });
find("submit").addEventListener("click", submit);
session.load();
onKept();
