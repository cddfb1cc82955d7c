// The tasks that are there before they are needed: asked for one at a time, besides those in hand, on their way, or in another tab.
import { heldElsewhere, hold } from "./labeltabs.js";

const AHEAD = 2;

export class Supply {
  constructor(server, outbox, told) {
    Object.assign(this, { server, outbox, told, task: null, ahead: [], elsewhere: [], asking: null });
  }

  inHand = () => [this.task, ...this.ahead].filter(Boolean);

  holdThem() {
    hold(this.inHand().map(({ id }) => id));
  }

  async ask() {
    this.holdThem();
    const mine = [...this.inHand(), ...this.outbox.waiting().map(({ task }) => task)].map(({ id }) => id);
    this.elsewhere = await heldElsewhere();
    const told = await this.server.next([...new Set([...mine, ...this.elsewhere])].slice(0, 10));
    this.tally.hear(told);
    this.told.onCount(told);
    const isKnown = told.assignment && [...this.inHand().map(({ id }) => id), ...mine].includes(told.assignment.id);
    return isKnown ? { ...told, assignment: null } : told;
  }

  prefetch() {
    this.holdThem();
    if (navigator.onLine) this.asking ??= this.fill().catch(() => null).finally(() => (this.asking = null)); // else the next task asks again
  }

  async fill() {
    while (this.task && this.ahead.length < AHEAD) {
      const { assignment } = await this.ask();
      if (!assignment) return;
      this.ahead.push(assignment);
      this.holdThem();
      this.told.onAhead(assignment);
    }
  }

  reason = ({ why }) => why || (this.elsewhere.length ? "elsewhere" : "nothing");
}
