// One question and its answers on the chat page. Two turns with the same question, one for each side, share a pair.
const talk = document.getElementById("talk");
const shape = document.getElementById("pair").content;
let last = null; // the newest pair: {element, question, sides}

// Returns the function that shows the turn as it grows.
export function pair(turn) {
  const question = turn.messages.at(-1).content;
  const fits = last && last.question === question && turn.sides.every((side) => !last.sides.has(side));
  if (!fits || !last.element.isConnected) last = { element: made(question), question, sides: new Set() };
  turn.sides.forEach((side) => last.sides.add(side));
  const { element } = last;
  element.scrollIntoView({ block: "nearest" });
  return (fresh) => show(element, fresh);
}

function made(question) {
  const element = shape.firstElementChild.cloneNode(true);
  element.querySelector(".user p").textContent = question;
  talk.append(element);
  return element;
}

function show(element, { sides, answers, finished, problem }) {
  const isNearEnd = innerHeight + scrollY > document.documentElement.scrollHeight - 120;
  for (const side of sides) {
    const bubble = element.querySelector(`[data-side=${side}]`), text = answers[side] ?? "";
    if (bubble.lastElementChild.textContent !== text) bubble.lastElementChild.textContent = text;
    bubble.setAttribute("aria-busy", String(!finished.includes(side) && !problem));
    bubble.toggleAttribute("data-error", Boolean(problem) && !text);
    if (problem && !text) bubble.lastElementChild.textContent = problem;
  }
  if (isNearEnd) scrollTo({ top: document.documentElement.scrollHeight });
}
