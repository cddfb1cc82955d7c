// The tail of a log: the newest 500 lines, coloured by level, standing still while paused or scrolled up.
import { fill, words } from "./words.js";

const KEEP = 500;
const place = document.getElementById("log-lines");
const pause = document.getElementById("pause-log");
let waiting = [], lastSeq = 0;

const isPaused = () => pause?.getAttribute("aria-pressed") === "true";

pause?.addEventListener("click", () => {
  pause.setAttribute("aria-pressed", String(!isPaused()));
  name();
  if (!isPaused()) appendLines(waiting.splice(0));
});

// lines: [[seq, time, level, text]]; one that is shown already is not shown again
export function appendLines(lines) {
  if (isPaused()) {
    waiting = [...waiting, ...lines].slice(-KEEP);
    return name();
  }
  const isAtEnd = place.scrollTop + place.clientHeight > place.scrollHeight - 24;
  const fresh = lines.filter(([seq]) => seq > lastSeq).slice(-KEEP);
  lastSeq = Math.max(lastSeq, ...fresh.map(([seq]) => seq));
  place.append(...fresh.map(line));
  while (place.childElementCount > KEEP) place.firstElementChild.remove();
  if (isAtEnd) place.scrollTop = place.scrollHeight;
}

function name() {
  const text = isPaused() ? words.resume_log : words.pause_log;
  pause.setAttribute("aria-label", text);
  pause.title = isPaused() && waiting.length ? fill(words.held_lines, { count: waiting.length }) : text;
}

function line([, at, level, text]) {
  const whole = document.createElement("span"), time = document.createElement("span");
  time.className = "dim";
  time.textContent = new Date(at).toLocaleTimeString("en-GB");
  if (level === "warn") whole.className = "warn";
  if (level === "error") whole.className = "bad";
  whole.append(time, ` ${text}\n`);
  return whole;
}
