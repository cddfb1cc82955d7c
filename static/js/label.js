// The screen of who labels: answers, the marked question, marks. Which task is whose, labelsession.js knows.
import { Drafts } from "./labeldraft.js";
import { listen } from "./labelkeys.js";
import { teach } from "./labellesson.js";
import { listRefused, noticesOf } from "./labelnotices.js";
import { rest } from "./labelrest.js";
import { Session } from "./labelsession.js";
import { around } from "./labelscreen.js";
import { Sheet } from "./labelsheet.js";
import { Suggesting } from "./labelsuggest.js";
import { tell } from "./labeltell.js";
import { TaskClock } from "./labeltime.js";
import { toast } from "./toast.js";
import { fill, words } from "./words.js";

const page = JSON.parse(document.getElementById("label-page").textContent), find = (id) => document.getElementById(id);
const said = ({ message, hint }) => [message, hint].filter(Boolean).join(" ");
const root = find("task"), sheet = new Sheet(root, page.parts, { changed, isReady: () => session.task, painted: (view) => suggesting.paint(view) });
const { now, view, controls } = sheet, suggesting = new Suggesting(page.parts, { now, change: () => sheet.change() });
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

function changed() {
  session.task.draft = sheet.result();
  drafts.keep(session.task.id, session.task.draft);
}

function onTask(task, refused = null) {
  const unsent = drafts.unsent(task.id);
  sheet.show(task, unsent ?? task.draft, [...noticesOf(task, refused), ...suggesting.notices(task, unsent ?? task.draft)]);
  screen.work(task);
  sheet.refill();
  document.activeElement?.blur?.();
  getSelection().removeAllRanges();
  sheet.activate(controls[0]);
  if (controls[0].kind === "TextArea") root.querySelector("textarea").focus();
  if (unsent) drafts.keep(task.id, unsent);
  scrollTo(0, 0);
  const control = refused && controls.find(({ name }) => `result.${name}` === refused.field);
  if (control) sheet.insist(control, refused.message);
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

function submit() {
  if (session.task && sheet.isWhole()) [now.isTouched = false, session.submit(sheet.result(), suggesting.facts())];
  return true;
}

listen({ ...sheet.hands(), session, submit });
find("submit").addEventListener("click", submit);
session.load();
onKept();
