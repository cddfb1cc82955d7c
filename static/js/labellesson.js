// After an answer to a task to train on: the right answer and why, until the person goes on.
import { button, make } from "./make.js";
import { fill, words } from "./words.js";

const text = ({ value }) => {
  const label = Object.values(value).find(Array.isArray)?.join(", ") ?? Object.values(value).find((one) => typeof one !== "object");
  return typeof value.text === "string" ? `${label}: “${value.text}”` : String(label ?? "");
};

export function teach(lesson, number) {
  const title = make("h2", { id: `lesson-${number}` }, fill(lesson.is_right ? words.lesson_right : words.lesson_wrong, { number }));
  const right = lesson.result.filter(({ from_name, value }) => from_name && value).map((region) => make("div", {}, make("dt", {}, region.from_name), make("dd", {}, text(region))));
  const dialog = make("dialog", { "aria-labelledby": title.id }, make("header", {}, title), make("div", { class: "body stack" },
    make("dl", { class: "facts" }, ...right), ...(lesson.explanation ? [make("p", { class: "as-written", dir: "auto" }, lesson.explanation)] : []),
    make("div", { class: "row" }, button({ class: "btn primary push", autofocus: "" }, () => dialog.close(), words.lesson_on))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
