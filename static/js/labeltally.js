// How much the person has done: the server's last word, and what was decided here since. Requests that change it go one after the
// other (labelserver.js), so whatever was delivered after a reply is surely not counted in that reply.
export class Tally {
  constructor(outbox) {
    Object.assign(this, { outbox, told: null, since: { submit: 0, skip: 0 }, history: [] });
  }

  hear(told) {
    Object.assign(this, { told, since: { submit: 0, skip: 0 } });
  }

  delivered(kind) {
    if (!(kind in this.since)) return;
    this.since[kind] += 1;
    this.history.push(kind);
  }

  undone() {
    this.since[this.history.pop() ?? "submit"] -= 1; // what another page decided is counted by the next reply
  }

  // {done, left, quota, deadline}, or null before the first word.
  now() {
    if (!this.told) return null;
    const waiting = this.outbox.waiting(), kinds = (kind) => this.since[kind] + waiting.filter((entry) => entry.kind === kind).length;
    const submits = kinds("submit"), { done, left, quota_left: quota, deadline } = this.told;
    return {
      done: Math.max(done + submits, 0),
      left: Math.max(left - submits - kinds("skip"), 0),
      quota: typeof quota === "number" ? Math.max(quota - submits, 0) : null,
      deadline,
    };
  }
}
