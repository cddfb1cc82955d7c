// Drafts: kept on this device at once, on the server a moment later; what could not be sent is sent again.
import { api } from "./api.js";
import { Shelf } from "./labelshelf.js";
import { tell } from "./labeltell.js";
import { words } from "./words.js";

const AFTER = 700, AGAIN = 5000; // ms

export class Drafts {
  constructor(address, onLost) {
    Object.assign(this, { address, onLost, shelf: new Shelf("tuneloop-draft-"), waiting: new Map(), timer: null, sending: null });
    addEventListener("online", () => this.send());
  }

  keep(id, result) {
    this.shelf.write(id, result);
    this.waiting.set(id, result);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), AFTER);
  }

  // What this device has and the server has not.
  unsent(id) {
    return this.shelf.read(id);
  }

  drop(id) {
    this.waiting.delete(id);
    this.shelf.remove(id);
  }

  // Before a submit: nothing of this task is still on its way that could come after it.
  async settle(id) {
    this.waiting.delete(id);
    while (this.sending) await this.sending;
  }

  // Send what waits; resolves when the server has answered.
  async send() {
    clearTimeout(this.timer);
    while (this.sending) await this.sending;
    for (const [id, result] of this.waiting) {
      tell(words.draft_saving);
      this.waiting.delete(id);
      this.sending = this.put(id, result);
      await this.sending;
      this.sending = null;
      if (this.waiting.get(id) === result) return; // the network is away
    }
  }

  async put(id, result) {
    try {
      await api(`${this.address}${id}/draft/`, { method: "PUT", json: { result } });
      if (!this.waiting.has(id)) this.shelf.remove(id);
      tell(words.draft_saved, "good");
    } catch (error) {
      if (error.status === 409) return this.onLost(id, error);
      tell(words.draft_here, "warn");
      if (error.status && error.status < 500) return; // refused for what it is: the same again would be, too
      if (!this.waiting.has(id)) this.waiting.set(id, result);
      this.timer = setTimeout(() => this.send(), AGAIN);
    }
  }
}
