// The box in which a deployment is tried out: the words come as lines of JSON and are shown as they come.
import { csrf } from "./api.js";
import { fill, words } from "./words.js";

const $ = (id) => document.getElementById(id);
const { url } = JSON.parse($("try-data").textContent);
const form = $("try-form"), prompt = $("try-prompt"), talk = $("try-talk"), note = $("try-note"), stop = $("try-stop");
const history = [];
let asking = null;

// What is no number goes as typed, so that the server can say what is wrong with it.
const typed = (text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text);

function bubble(role, text) {
  const element = $("try-bubble").content.firstElementChild.cloneNode(true);
  element.dataset.role = role;
  element.firstElementChild.textContent = text;
  talk.append(element);
  talk.scrollTop = talk.scrollHeight;
  return element;
}

async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const whole = (rest + part.value).split("\n");
    rest = whole.pop();
    for (const line of whole) if (line) yield JSON.parse(line);
  }
}

async function ask(question) {
  const messages = [...history, { role: "user", content: question }];
  const body = JSON.stringify({ messages, temperature: typed($("try-temperature").value), max_tokens: typed($("try-tokens").value) });
  asking = new AbortController();
  bubble("user", question);
  const answer = bubble("assistant", ""), text = answer.firstElementChild;
  answer.setAttribute("aria-busy", "true");
  [stop.hidden, note.textContent] = [false, words.asking];
  try {
    const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrf() };
    const response = await fetch(url, { method: "POST", headers, body, signal: asking.signal });
    if (!response.ok) {
      const { error } = await response.json().catch(() => ({}));
      throw new Error([error?.message ?? fill(words.answered, { status: response.status }), error?.hint].filter(Boolean).join(" "));
    }
    let end = null;
    for await (const line of lines(response)) {
      text.textContent += line.text ?? "";
      talk.scrollTop = talk.scrollHeight;
      if (line.done) end = line;
    }
    if (!end || end.error) throw new Error(end?.error ?? words.broke_off);
    note.textContent = fill(words.took, { tokens: end.tokens, seconds: end.seconds.toFixed(1) });
    history.push(messages.at(-1), { role: "assistant", content: text.textContent });
  } catch (error) {
    const isStopped = error.name === "AbortError";
    note.textContent = isStopped ? words.stopped : "";
    answer.toggleAttribute("data-error", !isStopped);
    if (!isStopped) text.textContent ||= error.message;
  } finally {
    answer.setAttribute("aria-busy", "false");
    [asking, stop.hidden] = [null, true];
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const question = prompt.value.trim();
  if (!question || asking) return prompt.focus();
  prompt.value = "";
  ask(question);
});
prompt.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
stop.addEventListener("click", () => asking?.abort());
$("try-clear").addEventListener("click", () => {
  asking?.abort();
  history.length = 0;
  talk.replaceChildren();
  note.textContent = "";
});
