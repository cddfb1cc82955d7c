// Ratings on their way: kept in the browser until the server has them, so that no key is lost while it is away. What is kept is
// the whole state of an item, so sending twice changes nothing and the newest state is the one that arrives last.
import { api } from "./api.js";

const WAITS = [1000, 2000, 4000, 8000, 15000]; // ms between two tries

export class RateQueue {
  // onState({ waiting, error }): after every try; error is a refusal that no further try can mend
  constructor({ url, name, onState }) {
    Object.assign(this, { url, name, onState, tries: 0, isSending: false, timer: null });
    this.waiting = new Map(Object.entries(this.read()));
    addEventListener("online", () => this.now());
    document.addEventListener("visibilitychange", () => document.hidden || this.now());
  }

  read() {
    try {
      return JSON.parse(localStorage.getItem(this.name)) ?? {};
    } catch {
      return {}; // not readable, or storage is forbidden: then ratings live as long as the page
    }
  }

  keep() {
    try {
      if (this.waiting.size) localStorage.setItem(this.name, JSON.stringify(Object.fromEntries(this.waiting)));
      else localStorage.removeItem(this.name);
    } catch {
      this.isForgetful = true;
    }
  }

  put(item, state) {
    this.waiting.set(item, state);
    this.keep();
    this.now();
  }

  now() {
    clearTimeout(this.timer);
    this.tries = 0;
    return this.send();
  }

  async send() {
    if (this.isSending) return;
    this.isSending = true;
    let error = null;
    while (this.waiting.size && !error) error = await this.one();
    this.isSending = false;
    if (error) this.timer = setTimeout(() => this.send(), WAITS[Math.min(this.tries++, WAITS.length - 1)]);
    this.onState({ waiting: this.waiting.size, error });
  }

  async one() {
    const [item, state] = this.waiting.entries().next().value;
    try {
      await api(this.url, { method: "POST", json: { item, ...state } });
    } catch (error) {
      const isFinal = error.status >= 400 && error.status < 500 && ![401, 408, 429].includes(error.status);
      if (!isFinal) return error;
      this.onState({ waiting: this.waiting.size - 1, error, isFinal, item });
    }
    if (this.waiting.get(item) === state) this.waiting.delete(item); // else it was changed while it was sent
    this.keep();
    return null;
  }
}
