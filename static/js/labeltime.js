// Time on a task in seconds: while the page is seen and somebody is there. After a minute without input nobody is.
const IDLE = 60_000; // ms
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel", "touchstart", "input"];
const SHELF = "tuneloop-time"; // of the tasks of this tab: it outlives a reload, and a task that is set aside goes on

export class TaskClock {
  constructor() {
    Object.assign(this, { id: null, since: 0, spent: read() });
    for (const type of SIGNS) addEventListener(type, () => this.count(), { capture: true, passive: true });
    document.addEventListener("visibilitychange", () => (document.hidden ? this.count(true) : (this.since = performance.now())));
    addEventListener("pagehide", () => this.keep());
  }

  start(id) {
    this.keep();
    Object.assign(this, { id, since: performance.now() });
  }

  // Add what passed since the last sign of life, a minute at most; nothing while the page was hidden.
  count(isHiding = false) {
    const now = performance.now();
    if (this.id && (isHiding || !document.hidden)) this.spent[this.id] = (this.spent[this.id] ?? 0) + Math.min(now - this.since, IDLE);
    this.since = now;
  }

  get seconds() {
    this.count();
    return Math.round((this.spent[this.id] ?? 0) / 100) / 10;
  }

  stop() {
    this.keep();
    this.id = null;
  }

  keep() {
    this.count();
    try {
      sessionStorage.setItem(SHELF, JSON.stringify(this.spent));
    } catch { // no storage: after a reload a task's time begins anew
      this.isKept = false;
    }
  }

  forget(id) {
    delete this.spent[id];
  }
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(SHELF) ?? "{}");
  } catch { // no storage
    return {};
  }
}
