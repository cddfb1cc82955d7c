// What the labeling screen asks of the server. What changes the person's count goes one after the other, in the order of the calls.
import { api } from "./api.js";

export class Server {
  constructor(page) {
    Object.assign(this, { page, line: Promise.resolve() });
  }

  inLine(request) {
    const answer = this.line.then(request);
    this.line = answer.catch(() => null); // whoever asked hears of it
    return answer;
  }

  post(path, json = {}, key) {
    return api(this.page.api + path, { method: "POST", json, key });
  }

  act(task, verb, json) {
    return api(`${this.page.assignments}${task.id}/${verb}/`, { method: "POST", json });
  }

  next = (besides) => this.inLine(() => this.post("tasks/next/", { besides }));
  undo = () => this.inLine(() => this.post("undo/"));
  release = () => this.post("release/").catch(() => null); // else the leases end by themselves
  beat = (task) => this.act(task, "heartbeat");

  // One decision {kind, task, body, key}; the server knows a repeated one by its key.
  deliver(entry) {
    return this.inLine(() => this.send(entry));
  }

  send({ kind, task, body, key }) {
    if (kind === "flag") return this.act(task, "flag", body);
    if (kind === "submit") return this.post("annotations/", { assignment: task.id, ...body }, key);
    return this.act(task, "skip", body).catch((error) => {
      if (error.code !== "not_held") throw error; // skipped by an attempt before, or somebody else's anyway
    });
  }
}
