// The line that says what is kept where: a draft, an answer on its way.
import { icon } from "./icon.js";

const place = document.getElementById("saved");

export function tell(text, status = "") {
  const line = document.createElement("span");
  line.textContent = text;
  place.dataset.status = status;
  place.title = text;
  place.replaceChildren(...(status ? [icon(status === "good" ? "check" : "alert")] : []), line);
}
