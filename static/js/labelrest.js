// What the screen says when there is no task: why, what comes next, and what can be done meanwhile.
import { icon } from "./icon.js";
import { button, make } from "./make.js";
import { words } from "./words.js";

const ICONS = { nothing: "check", quota: "check", elsewhere: "copy", away: "alert", not_open: "pause", paused: "pause", not_named: "people", deadline: "clock" };
const KINDS = { quota_total: "quota", quota_day: "quota" };

// `told` is the server's {why_words}, or {error} where it had none to give.
export function rest(root, why, { why_words: given, error }, { undo, home }) {
  const asked = KINDS[why] ?? why, kind = `${asked}_title` in words ? asked : "not_open";
  const faults = kind === "away" || (kind === "not_open" && why !== kind) ? [error?.message, error?.hint].filter(Boolean).join(" ") : "";
  const done = kind === "quota" || kind === "nothing" ? [button({ class: "btn" }, undo, icon("undo"), words.last_again)] : [];
  const row = make("div", { class: "row" }, make("a", { class: "btn", href: home }, words.other_projects), ...done);
  const said = [given, words[`${kind}_more`], faults].filter(Boolean).map((text) => make("p", {}, text));
  root.replaceChildren(make("div", { class: "card" }, make("div", { class: "empty", "data-rest": why }, icon(ICONS[kind]), make("h2", {}, words[`${kind}_title`]), ...said, row)));
}
