// One file on its way: announced, sent in pieces, taken up again after every break at the byte the server tells (tus 1.0).
import { announce, DOOR, discard, offsetOf, parsed, unfinished } from "./uploaddoors.js";
import { csrf } from "./api.js";

const PIECE = 8 * 2 ** 20, FIRST_WAIT = 500, LONGEST_WAIT = 30_000, SILENCE = 30_000, PATIENCE = 6;
const AWAY = [0, 408, 429, 502, 503, 504], BEHIND = ["wrong_offset", "upload_busy"];
export const fingerprint = (file) => String(file.lastModified);

export class Sending {
  constructor(file, tell) {
    Object.assign(this, { file, tell, id: "", sent: 0, state: "waiting", tries: 0, marks: [] });
  }

  say(state, facts = {}) {
    this.state = state;
    this.tell({ state, sent: this.sent, total: this.file.size, ...this.speed(), ...facts });
  }

  // All bytes to the server; what was sent before, by this page or another, is not sent again. Throws what a person must see.
  async send(target) {
    await this.persist(() => this.place(target));
    while (this.sent < this.file.size) {
      if (this.state === "paused") await this.woken();
      await this.persist(() => this.piece());
    }
  }

  // Do it until it succeeds; a broken connection is waited for, longer each time, and the server is asked where to go on.
  async persist(act) {
    for (;;) {
      try {
        const answer = await act();
        this.tries = 0;
        return answer;
      } catch (error) {
        if (this.state === "gone") throw error;
        await this.recover(error);
      }
    }
  }

  async recover(error) {
    if (this.state === "paused") await this.woken();
    else if (error.status === 0 && !(await this.isReadable())) throw { code: "unreadable" };
    else if (error.code === "disk_full") {
      this.say("paused", { problem: [error.message, error.hint].join(" ") });
      await this.woken();
    } else if (AWAY.includes(error.status) || BEHIND.includes(error.code) || (error.status === 500 && this.tries < PATIENCE)) {
      const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.tries++);
      this.say("broken", { wait });
      await this.woken(wait);
    } else throw error;
    if (this.id) await this.ask().catch(() => {}); // still away: the next piece tells
    this.marks = [];
    if (this.state !== "gone") this.say("sending");
  }

  // The same file that was left unfinished, or a new place.
  async place(target) {
    const { name, size } = this.file, mark = fingerprint(this.file), dataset = target.dataset || null;
    const same = (row) => row.name === name && row.size === size && row.fingerprint === mark && row.dataset === dataset;
    const found = (await unfinished()).find(same);
    const json = { name, size, fingerprint: mark, dataset, dataset_name: target.name ?? "" };
    const row = found ?? (await announce(json));
    Object.assign(this, { id: row.id, sent: row.offset });
    this.say("sending", { resumed: Boolean(found && row.offset) });
  }

  async ask() {
    this.sent = (await offsetOf(this.id)) ?? this.sent;
  }

  // False when the file was moved or changed since it was chosen.
  isReadable() {
    return this.file.slice(this.sent, this.sent + 1).arrayBuffer().then(() => true, () => false);
  }

  piece() {
    return new Promise((resolve, reject) => {
      const request = (this.request = new XMLHttpRequest()), from = this.sent;
      const broken = () => reject({ status: 0 });
      let silence = setTimeout(() => request.abort(), SILENCE); // a half-open connection tells nothing
      request.open("PATCH", `${DOOR}${this.id}/`);
      const headers = { "Tus-Resumable": "1.0.0", "Upload-Offset": from, "Content-Type": "application/offset+octet-stream", "X-CSRFToken": csrf() };
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded }) => {
        clearTimeout(silence);
        silence = setTimeout(() => request.abort(), SILENCE);
        this.sent = from + loaded;
        this.marks.push([performance.now(), this.sent]);
        if (this.state === "sending") this.say("sending");
      };
      Object.assign(request, { onerror: broken, onabort: broken });
      request.onload = () => {
        if (request.status === 204) resolve((this.sent = Number(request.getResponseHeader("Upload-Offset"))));
        else reject({ status: request.status, ...parsed(request.responseText) });
      };
      request.onloadend = () => {
        clearTimeout(silence);
        if (request.status !== 204) this.sent = from;
      };
      request.send(this.file.slice(from, from + PIECE));
    });
  }

  // Bytes a second over the last seconds, and the seconds that are left at this rate.
  speed() {
    while (this.marks.length > 2 && this.marks.at(-1)[0] - this.marks[0][0] > 5000) this.marks.shift();
    if (this.marks.length < 2) return {};
    const [[began, first], [now, last]] = [this.marks[0], this.marks.at(-1)];
    const rate = (1000 * (last - first)) / (now - began);
    return rate > 0 && now - began > 300 ? { rate, left: (this.file.size - last) / rate } : {};
  }

  pause() {
    this.say("paused");
    this.request?.abort();
  }

  go() {
    this.wake?.();
  }

  async drop() {
    this.state = "gone";
    this.request?.abort();
    this.wake?.();
    if (this.id) await discard(this.id);
  }

  // Until `go`, the network's return, or the wait is over.
  woken(wait) {
    return new Promise((resolve) => {
      const timer = wait === undefined ? 0 : setTimeout(() => this.wake(), wait);
      this.wake = () => {
        clearTimeout(timer);
        removeEventListener("online", this.wake);
        if (this.state === "paused") this.state = "sending";
        resolve();
      };
      if (wait !== undefined) addEventListener("online", this.wake);
    });
  }
}
