// Keys of the labeling screen. U, S, F, G and ? are on their buttons (keys.js); here are digits, J K, N, R, B, Enter, arrows, Delete.
import { isMarking, placeOf } from "./labelanswers.js";
import { nudge, walk } from "./labelspans.js";

const isField = (target) => target.closest?.("textarea, input:not([type=checkbox], [type=radio]), select");
const isCovered = () => document.querySelector("dialog:modal, [popover]:popover-open");
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function listen({ now, session, view, marking, activate, onPress, onVerb, submit }) {
  const { controls } = marking;
  const move = (step) => activate(controls[Math.max(0, Math.min(controls.indexOf(now.active) + step, controls.length - 1))]);
  const isPage = (event) => event.key === "Enter" && event.target.closest("a, button, summary"); // pressed by the browser

  const acts = {
    j: () => move(1),
    k: () => move(-1),
    n: (event) => marking.step(event.shiftKey ? -1 : 1),
    r: () => marking.linking && (activate(marking.linking), onVerb(marking.linking, "link")),
    b: () => marking.asks("RectangleLabels") && onVerb(marking.asks("RectangleLabels"), "box"),
    Enter: () => submit(),
    Delete: () => marking.remove(),
    Backspace: () => marking.remove(),
    Escape: () => marking.leave(),
  };

  // The text that the keys walk through: where something is selected, else the first one that is marked by the question.
  function textOf() {
    const asking = isMarking(now.active) ? now.active : marking.asks();
    const texts = view.texts.filter(({ name }) => name === asking?.to), at = texts.findIndex(({ box }) => !getSelection().isCollapsed && box.contains(getSelection().anchorNode));
    return { texts, at: Math.max(at, 0), shown: texts[Math.max(at, 0)] };
  }

  function stroll(by, extend) {
    resume();
    const { texts, at, shown } = textOf();
    if (!shown) return false;
    const forward = getComputedStyle(shown.box).direction === "rtl" ? -by : by; // as the eye reads it
    if (walk(shown.box, shown.text, forward, extend) || extend) return true;
    const next = texts[at + forward];
    if (next) [getSelection().removeAllRanges(), walk(next.box, next.text, forward, false)];
    return true;
  }

  function adjust({ code, shiftKey }) {
    const { shown } = textOf();
    return shown ? nudge(shown.box, shown.text, code === "Comma" ? -1 : 1, shiftKey) : false;
  }

  // What the arrows do depends on the question: boxes move, pairs are decided, lists are ordered, words are walked through.
  function arrow([x, y], { shiftKey }) {
    const { kind } = now.active, question = view.questions.get(now.active.name);
    if (marking.current?.control.kind === "RectangleLabels") return marking.shift(shiftKey ? { dw: x, dh: y } : { dx: x, dy: y });
    const pair = kind === "Pairwise" ? now.active : marking.asks() ? null : marking.asks("Pairwise");
    if (pair && x) return onPress(pair, x > 0 ? 1 : 0), true;
    if (kind === "Ranker" && y) return question.ranking[shiftKey ? "shift" : "step"](y), true;
    if (x && marking.asks() && stroll(x, shiftKey)) return true;
    if (y && view.texts.length && isMarking(now.active) && textOf().texts.length > 1) return turn(y);
    return ["TextArea", "Ranker"].includes(kind) ? false : question.focus(x || y);
  }

  function resume() { // the keys go on from the mark
    const { current } = marking;
    if (current && getSelection().isCollapsed) view.reselect(current.control, current.mark);
  }

  function turn(by) {
    resume();
    const { texts, at } = textOf(), next = getSelection().isCollapsed ? texts[0] : texts[at + by];
    if (!next) return true;
    getSelection().removeAllRanges();
    return walk(next.box, next.text, 1, false);
  }

  // An option by its own hotkey, or by its place in the marked question.
  function option(key) {
    for (const control of controls) {
      const place = control.options.findIndex(({ hotkey }) => hotkey === key);
      if (place >= 0) return onPress(control, place), true;
    }
    if (!/^[0-9]$/.test(key) || !now.active) return false;
    onPress(now.active, placeOf(now.active, key));
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || isCovered() || !session.task) return;
    const { key, code, target } = event, isPlain = !event.ctrlKey && !event.metaKey;
    if (key === "Enter" && (!isPlain || target.matches("input.number"))) return event.preventDefault(), submit();
    if (key === "Escape" && isField(target)) return target.blur();
    if (!isPlain || isField(target) || isPage(event)) return;
    const direction = ARROWS[key];
    if (direction && target.matches("input") && !marking.current) return; // moves within the radio group
    const act = direction ? () => arrow(direction, event) : code === "Comma" || code === "Period" ? adjust : acts[key.length === 1 ? key.toLowerCase() : key];
    if (act ? act(event) : option(key.toLowerCase())) event.preventDefault();
  });
}
