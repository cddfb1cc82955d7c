// Notices above a task: words of a reviewer, words of the server about an answer that it did not take, and those that wait.
import { icon } from "./icon.js";
import { button, make } from "./make.js";
import { fill, words } from "./words.js";

function callout(status, title, text, ...actions) {
  const said = make("div", {}, make("b", {}, title), make("p", { dir: "auto" }, text));
  return make("div", { class: "callout", "data-status": status, role: "status" }, icon(status === "info" ? "info" : "alert"), said, ...actions);
}

export function noticesOf(task, refused) {
  const returned = task.returned_note ? [callout("info", words.returned, task.returned_note)] : [];
  const flagged = task.flagged ? [callout("warn", words.flagged, task.flag_note || words.flagged_more)] : [];
  const wrong = refused ? [callout("bad", words.not_taken, [refused.message, refused.hint].filter(Boolean).join(" "))] : [];
  return [...wrong, ...returned, ...flagged];
}

// Answers that the server refused, each with its words and what can be done.
export function listRefused(place, entries, { open, again, drop }) {
  place.replaceChildren(...entries.map((entry) => {
    const { refused, task } = entry, said = [refused.message, refused.hint].filter(Boolean).join(" ");
    const retry = refused.status === 409 ? button({ class: "btn small" }, () => again(entry), words.try_again) : button({ class: "btn small" }, () => open(entry), words.open_again);
    return callout("bad", fill(words.task_not_taken, task), said, make("div", { class: "row" }, retry, button({ class: "btn small ghost" }, () => drop(entry), words.let_go)));
  }));
}
