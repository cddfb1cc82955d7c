// What is around the task: progress, quota, deadline, the dialogs of skipping and flagging, the guidelines.
import { fill, words } from "./words.js";

const find = (id) => document.getElementById(id);
const NEEDS_TASK = ["submit", "skip", "flag"];
const SHELF = "tuneloop-guide"; // whether the guidelines are open

export function around({ page, session, redraw }) {
  const why = find("why"), flag = find("flag-dialog"), guide = find("guide");

  function count() {
    const counts = session.tally.now();
    if (!counts) return;
    const { done, left, quota, deadline } = counts;
    Object.assign(find("bar"), { max: Math.max(done + left, 1), value: done });
    find("count").textContent = fill(words.done_of, { done, all: done + left });
    [find("mine-done").textContent, find("mine-left").textContent] = [done, left];
    line("quota", quota === null ? "" : String(quota));
    line("deadline", deadline ? until(deadline) : "");
  }

  function line(id, text) {
    find(id).textContent = text;
    find(id).parentElement.hidden = !text;
  }

  function until(deadline) {
    const hours = (new Date(deadline) - Date.now()) / 3_600_000, far = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto" });
    find("deadline").title = new Date(deadline).toLocaleString();
    find("deadline").toggleAttribute("data-soon", hours < 24);
    return Math.abs(hours) < 48 ? far.format(Math.round(hours), "hour") : far.format(Math.round(hours / 24), "day");
  }

  // While the next task is on its way, the one on the screen is decided and takes nothing more.
  function wait(isWaiting) {
    find("task").setAttribute("aria-busy", String(isWaiting));
    find("task").inert = isWaiting;
  }

  function toggleGuide() {
    if (!guide) return;
    guide.toggleAttribute("data-open");
    find("guide-toggle").setAttribute("aria-expanded", String(guide.hasAttribute("data-open")));
    if (innerWidth >= 900) localStorage?.setItem(SHELF, guide.hasAttribute("data-open") ? "1" : "0");
  }

  function openFlag() {
    const { task } = session;
    find("flag-note").value = task.flag_note ?? "";
    find("unflag").hidden = !task.flagged;
    flag.showModal();
  }

  function sendFlag(flagged) {
    session.flag({ flagged, note: flagged ? find("flag-note").value.trim() : "" });
    redraw();
  }

  find("undo").addEventListener("click", () => session.undo());
  find("skip").addEventListener("click", () => session.task && why.showModal());
  find("why-form").addEventListener("submit", () => {
    session.skip(find("reason").value.trim());
    find("reason").value = "";
  });
  find("flag").addEventListener("click", () => session.task && openFlag());
  find("flag-form").addEventListener("submit", () => sendFlag(true));
  find("unflag").addEventListener("click", () => [flag.close(), sendFlag(false)]);
  find("guide-toggle")?.addEventListener("click", toggleGuide);
  find("guide-close")?.addEventListener("click", toggleGuide);
  if (guide && innerWidth >= 900 && localStorage?.getItem(SHELF) !== "0") toggleGuide();
  find("task").addEventListener("click", ({ target, detail }) => detail && target.closest("button")?.blur()); // Enter submits again
  find("leave").addEventListener("click", async (event) => {
    event.preventDefault();
    await session.release();
    location.assign(find("leave").href);
  });

  return {
    count,
    rest: (isWaiting) => [NEEDS_TASK.forEach((id) => (find(id).disabled = true)), wait(isWaiting)],
    work: (task) => {
      NEEDS_TASK.forEach((id) => (find(id).disabled = false));
      wait(false);
      find("flag").setAttribute("aria-pressed", String(Boolean(task.flagged)));
    },
  };
}
