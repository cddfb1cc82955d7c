// Which task is on the screen: the one in hand, the next ones ahead of time, those that come back. Nobody waits for the network.
import { Outbox } from "./labeloutbox.js";
import { Server } from "./labelserver.js";
import { Supply } from "./labelsupply.js";
import { hold } from "./labeltabs.js";
import { Tally } from "./labeltally.js";
import { live } from "./live.js";
import { words } from "./words.js";

const RETRY = 5000; // ms until a task is asked for again when the console did not answer

export class Session extends Supply {
  // `told` is {onTask(task, refused), onAhead(task), onWait(), onRest(why, told), onCount(), onSent(entry, answer), onRefused(entry), onLost(error), onFault(error), onKept(error)}
  constructor(page, drafts, clock, told) {
    const server = new Server(page), deliver = async (entry) => {
      await drafts.settle(entry.task.id);
      const answer = await server.deliver(entry);
      this.tally.delivered(entry.kind);
      return answer;
    };
    const outbox = new Outbox(`tuneloop-out-${page.person}-${page.topic}`, deliver, { onSent: told.onSent, onRefused: told.onRefused, onChange: told.onKept });
    super(server, outbox, told);
    Object.assign(this, { drafts, clock, tally: new Tally(outbox), isBusy: false, retry: null });
    setInterval(() => this.beat(), page.heartbeat * 1000);
    document.addEventListener("visibilitychange", () => this.beat());
    addEventListener("online", () => (this.task ? this.prefetch() : this.load()));
    let waking = null; // when others move, something may have come back for a person who waits
    const wake = () => (waking = null, this.task || this.load());
    live.subscribe(page.topic, { onChanged: () => this.task || (waking ??= setTimeout(wake, 1000)) });
  }

  take(task, refused = null) {
    clearTimeout(this.retry);
    this.task = task;
    this.ahead = this.ahead.filter(({ id }) => id !== task.id);
    this.clock.start(task.id);
    this.told.onTask(task, refused);
    this.prefetch();
  }

  // Nothing is in hand: what comes next, or why nothing does.
  async load() {
    clearTimeout(this.retry);
    try {
      await this.asking;
      if (!this.task && this.ahead.length) return this.take(this.ahead[0]);
      await this.outbox.flush(); // quotas and what is left are counted without it
      const told = this.task ? null : await this.ask();
      if (this.task || !told) return;
      if (told.assignment) this.take(told.assignment);
      else this.rest(this.reason(told), told);
    } catch (error) {
      if (error.status === 409) return this.rest(error.code, { error });
      this.rest("away", { error });
      this.retry = setTimeout(() => this.task || this.load(), RETRY);
    }
  }

  rest(why, told) {
    Object.assign(this, { task: null, ahead: [] });
    this.clock.stop();
    hold([]);
    this.told.onRest(why, told);
  }

  // The task in hand is decided: kept here, sent by and by; the next one is there at once.
  leave(kind, body) {
    const { task } = this;
    this.outbox.add({ kind, task, body });
    this.drafts.drop(task.id);
    this.clock.forget(task.id);
    this.forward();
  }

  forward() {
    this.task = null;
    if (this.ahead.length) return this.take(this.ahead[0]);
    this.told.onWait();
    return this.load();
  }

  submit = (result, facts = {}) => this.leave("submit", { result, lead_time: this.clock.seconds, ...facts });
  skip = (reason) => this.leave("skip", { reason });

  flag(body) {
    Object.assign(this.task, { flagged: body.flagged, flag_note: body.note });
    this.outbox.add({ kind: "flag", task: { id: this.task.id, number: this.task.number }, body });
  }

  // Put a task on the screen now; the one in hand comes after it.
  show(task, refused) {
    if (this.task && this.task.id !== task.id) this.ahead.unshift(this.task);
    this.take(task, refused);
  }

  // The last decision once more, and the one before it, and so on.
  async undo() {
    if (this.isBusy) return;
    this.isBusy = true;
    await this.lastDecision().then((task) => this.show(task), this.told.onFault);
    this.isBusy = false;
  }

  async lastDecision() {
    const kept = this.outbox.takeBack();
    if (kept) return { ...kept.task, draft: kept.body.result ?? kept.task.draft };
    await Promise.all([this.outbox.flush(), this.drafts.send()]);
    if (this.outbox.waiting().length) throw new Error(words.undo_away);
    const task = await this.server.undo();
    this.tally.undone();
    this.told.onCount();
    return task;
  }

  async release() {
    await Promise.all([this.drafts.send(), this.outbox.flush()]);
    await this.server.release();
  }

  // The server says that a task is somebody else's by now.
  lost(id, error) {
    this.ahead = this.ahead.filter((task) => task.id !== id);
    if (this.task?.id !== id) return;
    this.told.onLost(error);
    this.forward();
  }

  async beat() {
    if (document.hidden || !navigator.onLine) return;
    const kept = [...this.inHand(), ...this.outbox.waiting().map(({ task }) => task)];
    for (const task of kept) await this.server.beat(task).catch((error) => error.status === 409 && this.lost(task.id, error));
  }
}
