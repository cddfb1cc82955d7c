// Several tabs of one person: each holds a lock for every task it shows or has ready, and asks for none that another one holds.
// Locks end with their tab. Without them (plain http from afar) tabs may show the same task; the server takes it once.
const NAME = "tuneloop-task", MARK = "tuneloop-tab";
const held = new Map(); // id: release

function tabOf() { // it outlives a reload, so that a tab finds its own task again
  try {
    const mark = sessionStorage.getItem(MARK) ?? Math.random().toString(36).slice(2);
    sessionStorage.setItem(MARK, mark);
    return mark;
  } catch { // no storage: a tab of its own each time
    return Math.random().toString(36).slice(2);
  }
}

const tab = tabOf();

export const exclusive = (name, act) => (navigator.locks ? navigator.locks.request(name, act) : act());

// From now on this tab holds just these.
export function hold(ids) {
  for (const [id, release] of held) if (!ids.includes(id)) [release(), held.delete(id)];
  for (const id of ids) if (!held.has(id)) keep(id);
}

function keep(id) {
  const ended = new Promise((release) => held.set(id, release));
  navigator.locks?.request(`${NAME} ${tab} ${id}`, () => ended);
}

export async function heldElsewhere() {
  const told = await navigator.locks?.query();
  const names = (told?.held ?? []).map(({ name }) => name.split(" "));
  return names.filter(([kind, whose]) => kind === NAME && whose !== tab).map(([, , id]) => id);
}
