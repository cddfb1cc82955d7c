// Two answers to one question, written as they come. The turn in the database is the truth; the socket brings its growth, and
// what the socket loses is read from the turn again.
import { api } from "./api.js";
import { live } from "./live.js";
import { pair } from "./chatpair.js";
import { words } from "./words.js";

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("chat-data").textContent);
const form = $("ask"), prompt = $("prompt"), state = $("talk-state"), stop = $("stop");
const turns = new Map(); // id -> {turn, show}
const history = Object.fromEntries(data.sides.map((side) => [side, []]));
let job = null, leave = null, timer = null;

const isOpen = ({ turn }) => !turn.is_done && !turn.problem;
const open = () => [...turns.values()].filter(isOpen);

function say(title, text, status = "info") {
  state.hidden = !title;
  state.dataset.status = status;
  state.querySelector("b").textContent = title ?? "";
  state.querySelector("p").textContent = text ?? "";
}

function take(turn) {
  const entry = turns.get(turn.id);
  if (!entry) return;
  const wasOpen = isOpen(entry);
  entry.turn = turn;
  entry.show(turn);
  if (turn.problem) say(words.no_answer, turn.problem, "bad");
  else if (Object.values(turn.answers).some(Boolean)) say(null);
  if (wasOpen && turn.is_done) for (const side of turn.sides) history[side].push(turn.messages.at(-1), { role: "assistant", content: turn.answers[side] ?? "" });
  stop.hidden = !open().length;
}

// Words that follow directly on what the turn holds are added to it; anything else is read anew.
function hear({ events }) {
  for (const { type, seq, request, side, text, done, error } of events) {
    const turn = turns.get(request)?.turn;
    if (type !== "reply" || !turn || seq <= turn.last_seq) continue;
    if (error) return lookSoon();
    const finished = done ? [...turn.finished, side] : turn.finished;
    const is_done = turn.sides.every((one) => finished.includes(one));
    take({ ...turn, last_seq: seq, finished, is_done, answers: { ...turn.answers, [side]: (turn.answers[side] ?? "") + text } });
  }
}

function tellPhase(progress, status) {
  const isSilent = open().some(({ turn }) => !Object.values(turn.answers).some(Boolean));
  if (!isSilent) return;
  if (status === "queued") say(words.waiting, words.waiting_more);
  else if (progress?.phase && progress.total && progress.done < progress.total) say(words.loading, words.loading_more);
  else if (progress?.phase) say(null); // it is ready and reads the question
}

async function look() {
  timer = null;
  for (const { turn } of open()) {
    const fresh = await api(`${data.url}${turn.id}/`).catch(() => null);
    if (!fresh) continue;
    take(fresh);
    if (fresh.job !== job) watch(fresh.job);
  }
}
const lookSoon = () => (timer ??= setTimeout(look, 50));
setInterval(() => open().length && lookSoon(), 3000); // should the socket be away

async function watch(next) {
  if (job === next || !next) return;
  job = next;
  leave?.();
  const { last_seq: after, status, progress } = await api(`/api/v1/jobs/${job}/`);
  tellPhase(progress, status);
  leave = live.subscribe(`job.${job}`, { after, onEvents: (message) => (hear(message), tellPhase(message.progress, "")), onChanged: lookSoon, onHealed: lookSoon });
  lookSoon();
}

function add(turn) {
  $("talk-empty").hidden = true;
  turns.set(turn.id, { turn: { ...turn, is_done: false, problem: "" }, show: pair(turn) });
  take(turn);
}

// What is no number goes as typed, so that the server can say what is wrong with it.
const typed = (text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text);

async function ask(question) {
  const settings = Object.fromEntries(["max_tokens", "temperature"].map((name) => [name, typed($(name).value)]));
  const mine = { role: "user", content: question }, remembers = $("remember").checked;
  const asked = remembers ? data.sides.map((side) => ({ sides: [side], messages: [...history[side], mine] })) : [{ sides: data.sides, messages: [mine] }];
  say(words.sending);
  for (const name in settings) $(name).removeAttribute("aria-invalid");
  try {
    for (const one of asked) {
      const turn = await api(data.url, { method: "POST", json: { ...data.ask, ...settings, ...one } });
      add(turn);
      if (turn.job === job) say(null); // it is loaded already, or told what it waits for
      else await watch(turn.job);
    }
  } catch (error) {
    const label = document.querySelector(`label[for="${error.field}"]`);
    if (label) $(error.field).setAttribute("aria-invalid", "true");
    say([label?.textContent, error.message].filter(Boolean).join(": "), error.hint, "bad");
    prompt.value ||= question;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const question = prompt.value.trim();
  if (!question) return prompt.focus();
  prompt.value = "";
  ask(question);
});
prompt.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
document.addEventListener("click", ({ target }) => {
  const chosen = target.closest("[data-prompt]");
  if (!chosen) return;
  chosen.closest("[popover]")?.hidePopover();
  prompt.value = chosen.dataset.prompt;
  form.requestSubmit();
});
stop.addEventListener("click", () => open().forEach(({ turn }) => api(`${data.url}${turn.id}/stop/`, { method: "POST" }).then(lookSoon, () => null)));
$("whom").addEventListener("change", ({ target }) => location.assign(target.value));
$("anew").addEventListener("click", () => {
  for (const side of data.sides) history[side].length = 0;
  turns.clear();
  document.querySelectorAll(".talk-pair").forEach((one) => one.remove());
  $("talk-empty").hidden = false;
  say(null);
});

for (const id of data.turns) await api(`${data.url}${id}/`).then(add, () => null);
say(null);
if (open().length) watch(open()[0].turn.job);
