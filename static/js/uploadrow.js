// A row of the upload page: what one file is doing, in words, and what a person may do about it.
import { duration } from "./format.js";
import { discard, finish, holders } from "./uploaddoors.js";
import { Sending } from "./uploadsend.js";
import { fill } from "./words.js";

export const said = document.getElementById("upload-words").dataset;
const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function bytes(count) {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, count)) / 3)));
  const value = count / 1000 ** power;
  return `${value.toLocaleString(undefined, { maximumFractionDigits: power && value < 100 ? 1 : 0 })}\u00a0${UNITS[power]}`;
}

export const stem = (file) => file.name.replace(/\.[^.]*$/, "").slice(0, 80);
const told = (error) => said[error.code] ?? [error.message, error.hint].filter(Boolean).join(" ");

export class Row {
  constructor(file, { onRemove }) {
    this.file = file;
    this.element = document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
    this.sending = new Sending(file, (facts) => this.show(facts));
    this.part("name").textContent = file.name;
    this.part("size").textContent = bytes(file.size);
    this.part("called").value = stem(file);
    this.part("remove").setAttribute("aria-label", fill(said.remove, { file: file.name }));
    this.part("bar").setAttribute("aria-label", file.name);
    const clicks = { pause: () => this.sending.pause(), go: () => this.sending.go(), again: () => this.settle({ again: true }) };
    for (const [name, act] of Object.entries(clicks)) this.part(name).addEventListener("click", act);
    this.part("remove").addEventListener("click", () => {
      this.sending.drop();
      this.element.remove();
      onRemove(this);
    });
  }

  part(name) {
    return this.element.querySelector(`[data-${name}]`);
  }

  see(...names) {
    for (const name of ["pause", "go", "same", "open"]) this.part(name).hidden = !names.includes(name);
  }

  show({ state, sent, total, rate, left, wait, resumed, problem }) {
    const bar = this.part("bar");
    this.element.dataset.state = state;
    bar.hidden = state === "waiting";
    bar.value = (100 * sent) / total;
    bar.dataset.status = state === "sending" ? "" : "idle";
    this.part("problem").hidden = !problem;
    this.part("problem").textContent = problem ?? "";
    this.part("rate").textContent = rate && state === "sending" ? `${bytes(rate)}/s, ${fill(said.left, { time: duration(left) })}` : "";
    if (resumed) this.resumed = fill(said.resumed, { sent: bytes(sent) });
    const words = { seconds: Math.ceil((wait ?? 0) / 1000), sent: bytes(sent), total: bytes(total) };
    const note = state === "sending" && this.resumed ? ` ${this.resumed}` : "";
    this.part("text").textContent = fill(said[state], words) + note;
    this.see(...({ sending: ["pause"], paused: ["go"], broken: ["go"] }[state] ?? []));
  }

  // Resolves when all bytes are there; throws what has to be told (and tells it in this row).
  async send(target) {
    try {
      await this.sending.send(target);
    } catch (error) {
      this.refuse(error);
      throw error;
    }
  }

  // From bytes to an upload with a page of its own. The name and whether it is wanted twice may be said anew.
  async settle(wish = {}) {
    this.see();
    this.busy();
    try {
      const name = this.called === undefined ? undefined : { name: this.called() };
      const { url } = await this.sending.persist(() => finish(this.sending.id, { ...name, ...this.wish, ...wish }));
      this.sending.say("done");
      this.part("open").href = url;
      this.part("remove").hidden = true;
      this.see("open");
      this.onDone?.(url);
    } catch (error) {
      this.wish = { ...this.wish, ...wish };
      if (error.code === "same_file") await this.tellSame(error);
      else this.refuse(error);
    }
  }

  busy() {
    this.sending.say("checking");
    this.part("bar").removeAttribute("value");
  }

  async tellSame(error) {
    this.sending.say("whole", { problem: error.message });
    const [found] = await holders(this.sending.id).catch(() => []);
    this.part("holder").hidden = !found;
    if (found) {
      this.part("holder").href = found.url;
      this.part("holder").textContent = fill(said.open, { name: found.dataset_name + (found.version ? ` v${found.version}` : "") });
    }
    this.see("same");
    this.onStopped?.();
  }

  refuse(error) {
    if (this.sending.state === "gone") return;
    this.sending.say("refused", { problem: told(error) });
    this.onStopped?.(error);
  }
}

// What earlier visits left behind: discarded, or finished when all bytes are there.
export function tend(list) {
  list?.addEventListener("click", async ({ target }) => {
    const line = target.closest("[data-id]"), problem = line?.querySelector("[data-problem]");
    if (target.closest("[data-discard]") && (await discard(line.dataset.id))) line.remove();
    if (target.closest("[data-finish]")) {
      const { dataset } = target.closest("[data-finish]");
      finish(line.dataset.id, { again: "again" in dataset }).then(({ url }) => location.assign(url), (error) => {
        const isSame = error.code === "same_file"; // pressed once more, it is meant
        if (isSame) dataset.again = "";
        Object.assign(problem, { hidden: false, textContent: isSame ? `${error.message} ${said.twice}` : told(error) });
      });
    }
    if (!list.querySelector("[data-id]")) list.hidden = true;
  });
}
