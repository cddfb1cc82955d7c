// What a person decided and the server has not received yet: kept on this device, sent in order, each exactly once. The server
// takes the same answer twice as one; one tab sends at a time.
import { Shelf } from "./labelshelf.js";
import { exclusive } from "./labeltabs.js";

const AGAIN = 4000; // ms until the next attempt while the network is away
const SIGNED_OUT = [401, 403];
const isPassing = ({ status }) => !status || status >= 500 || status === 429 || SIGNED_OUT.includes(status);

export class Outbox {
  // `send(entry)` is a promise; `told` is {onSent(entry, answer), onRefused(entry), onChange(error)}
  constructor(name, send, told) {
    Object.assign(this, { name, send, told, shelf: new Shelf(`${name}-`), last: 0, running: null, timer: null });
    addEventListener("online", () => this.flush());
    addEventListener("storage", ({ key }) => key?.startsWith(name) && told.onChange());
  }

  entries() {
    return this.shelf.keys().map((key) => ({ ...this.shelf.read(key), key })).filter(({ task }) => task);
  }

  // Refused ones wait for the person, not for the network.
  waiting = () => this.entries().filter(({ refused }) => !refused);
  refused = () => this.entries().filter(({ refused }) => refused);

  // {kind, task, body}: from now on it is not lost. Keys are in the order of time, also across tabs.
  add(entry) {
    this.last = Math.max(this.last + 1, Date.now());
    this.write({ ...entry, key: `${String(this.last).padStart(15, "0")}-${Math.random().toString(36).slice(2, 8)}` });
    this.told.onChange();
    this.flush();
  }

  write({ key, ...entry }) {
    this.shelf.write(key, entry);
  }

  drop({ key }) {
    this.shelf.remove(key);
    this.told.onChange();
  }

  // The newest decision, if it is certain that the server has not seen it.
  takeBack() {
    const newest = this.waiting().findLast(({ kind }) => kind !== "flag");
    if (!newest || newest.tried) return null;
    this.drop(newest);
    return newest;
  }

  // Send what waits; resolves when all is sent or the network is away.
  flush() {
    this.timer = clearTimeout(this.timer);
    this.running ??= exclusive(this.name, () => this.run()).finally(() => this.ran());
    return this.running;
  }

  ran() { // what was added while the lock was given back has no sender yet
    this.running = null;
    if (!this.timer && navigator.onLine && this.waiting().length) this.flush();
  }

  async run() {
    for (let entry = this.waiting()[0]; entry; entry = this.waiting()[0]) {
      if (!navigator.onLine) return this.told.onChange();
      this.write({ ...entry, tried: true });
      const [answer, error] = await this.send(entry).then((told) => [told, null], (caught) => [null, caught]);
      if (error && isPassing(error)) return this.later(error);
      if (error) this.refuse(entry, error);
      else [this.drop(entry), this.told.onSent(entry, answer)];
    }
    return undefined;
  }

  later(error) {
    this.timer = setTimeout(() => this.flush(), AGAIN);
    this.told.onChange(error);
  }

  refuse(entry, { message, hint, field, code, status }) {
    const told = { ...entry, refused: { message, hint, field, code, status } };
    if (entry.kind === "submit") this.write(told);
    else this.shelf.remove(entry.key);
    this.told.onRefused(told);
    this.told.onChange();
  }

  // Once more, as a new attempt.
  again({ key, refused: _refused, tried: _tried, ...entry }) {
    this.shelf.remove(key);
    this.add(entry);
  }
}
