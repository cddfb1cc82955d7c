// Short news at the edge of the page: what was done, or why it was not. It stays while the pointer or the focus is on it.
import { icon } from "./icon.js";
import { words } from "./words.js";

const STAYS = 6000, ICONS = { good: "check", bad: "alert", warn: "alert", info: "info" };
const place = document.getElementById("toasts");

function arm(box) {
  let timer = setTimeout(() => box.remove(), STAYS);
  for (const type of ["pointerenter", "focusin"]) box.addEventListener(type, () => clearTimeout(timer));
  for (const type of ["pointerleave", "focusout"]) box.addEventListener(type, () => (timer = setTimeout(() => box.remove(), STAYS / 2)));
  box.querySelector("[data-dismiss]")?.addEventListener("click", () => box.remove());
}

export function toast(text, status = "info") {
  const box = document.createElement("div"), line = document.createElement("span"), close = document.createElement("button");
  box.className = "toast";
  box.dataset.status = status;
  box.setAttribute("role", status === "bad" ? "alert" : "status");
  line.textContent = text;
  Object.assign(close, { className: "icon-btn small", type: "button" });
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", words.close);
  close.append(icon("x"));
  box.append(icon(ICONS[status] ?? "info"), line, close);
  place?.append(box);
  arm(box);
}

place?.querySelectorAll(".toast").forEach(arm);
