// A server in the page itself: `truth` events are written, the socket is unreliable, the API pages by 40 and may fail.
const draw = (() => { let s = SEED; return () => (s = (s * 16807) % 2147483647) / 2147483647; })();
const isLine = (seq) => seq % 7 === 0;
const later = (act, most) => setTimeout(act, most * draw());
Object.assign(window, { truth: 0, sockets: [], requests: 0, fail: FAIL, drop: DROP });

window.WebSocket = class {
  static OPEN = 1;

  constructor() {
    this.readyState = 0;
    sockets.push(this);
    later(() => this.open(), 5);
  }

  open() {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    this.onopen?.();
  }

  send(text) {
    const { subscribe } = JSON.parse(text);
    if (subscribe) later(() => this.tell({ topic: subscribe, type: "subscribed", to_seq: truth }), 5);
  }

  tell(message) {
    if (this.readyState === 1) this.onmessage?.({ data: JSON.stringify(message) });
  }

  close(code = 1006) {
    if (this.readyState > 1) return;
    this.readyState = 3;
    setTimeout(() => this.onclose?.({ code }), 1);
  }
};

const point = (seq) => [seq, seq, "loss", 1 / seq];
const line = (seq) => [seq, "2026-01-01T00:00:00Z", "info", `line ${seq}`];

window.fetch = async (path) => {
  requests += 1;
  const url = new URL(path, location), after = Number(url.searchParams.get("after"));
  const wantsLines = url.pathname.endsWith("/logs/"), seen = truth, found = [];
  for (let seq = after + 1; seq <= seen && found.length < 40; seq++) {
    if (wantsLines === isLine(seq)) found.push(wantsLines ? line(seq) : point(seq));
  }
  await new Promise((done) => later(done, 10));
  if (draw() < fail) return draw() < 0.5 ? Promise.reject(new TypeError("down")) : new Response("{}", { status: 502 });
  const more = found.length === 40;
  const to_seq = more ? found.at(-1)[0] : wantsLines ? found.at(-1)?.[0] ?? after : seen;
  return new Response(JSON.stringify(wantsLines ? { lines: found, to_seq, more } : { points: found, to_seq, more }));
};

window.publish = (count) => {
  const from_seq = truth + 1, seqs = Array.from({ length: count }, (_, n) => from_seq + n), partial = draw() < 0.05;
  truth += count;
  const points = partial ? [] : seqs.filter((seq) => !isLine(seq)).map(point), logs = seqs.filter(isLine).map(line);
  const message = { topic: "job.1", type: "events", from_seq, to_seq: truth, points, logs, events: [], partial };
  const times = draw() < drop ? 0 : draw() < DOUBLE ? 2 : 1;
  for (let n = 0; n < times; n++) later(() => sockets.at(-1).tell(message), 8);
};
