// One websocket a page. What it brings are hints with a range of seq; what it loses is read from the API, so nothing is
// lost or doubled: a gap, a reconnection or a long silence makes the page ask for everything after the last seq it has.
import { api } from "./api.js";

const QUIET = 10_000; // ms without news before a page asks; doubled while the answer is "nothing new"
const MOST_QUIET = 60_000;
const entries = new Set(); // one for each subscription; several may watch one topic
const listeners = new Set();
let socket = null, tries = 0, state = "connecting", timer = null, heardAt = 0;

const jitter = (ms) => ms * (0.5 + Math.random());
const isJob = (name) => name.startsWith("job.");

function tell(next) {
  if (state === next) return;
  state = next;
  document.documentElement.dataset.live = next;
  for (const listener of listeners) listener(next);
}

function connect() {
  clearTimeout(timer);
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/`);
  const mine = socket;
  mine.onopen = () => {
    [tries, heardAt] = [0, Date.now()];
    tell("live");
    for (const entry of entries) entry.missed = entry.wasOpen;
    new Set([...entries].map(({ name }) => name)).forEach(ask);
  };
  mine.onmessage = (event) => {
    heardAt = Date.now();
    receive(JSON.parse(event.data));
  };
  mine.onclose = (event) => {
    if (mine !== socket) return;
    socket = null;
    if ([4401, 4403].includes(event.code)) return tell("signed-out");
    tries += 1;
    tell(tries > 5 || !navigator.onLine ? "paused" : "reconnecting");
    timer = setTimeout(connect, jitter(Math.min(15_000, 250 * 2 ** tries)));
  };
}

function reconnectNow() {
  if (document.visibilityState !== "visible" || state === "live" || state === "signed-out" || !entries.size) return;
  if (!socket || socket.readyState > WebSocket.OPEN) connect();
}

const send = (message) => socket?.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
const ask = (name) => send({ subscribe: name });

function receive(message) {
  for (const entry of entries) if (entry.name === message.topic) hear(message, entry);
}

function hear(message, entry) {
  [entry.heardAt, entry.quiet] = [Date.now(), QUIET];
  if (message.type === "subscribed") {
    if (entry.heals && message.to_seq > entry.after) fill(entry);
    if (entry.missed) entry.onChanged?.(message); // what changed while we were away
    [entry.wasOpen, entry.missed] = [true, false];
  } else if (message.type === "events") {
    if (message.progress) entry.onProgress?.(message.progress);
    take(message, entry);
  }
  if (message.type === "changed") entry.onChanged?.(message);
  else if (message.type === "refused") entry.onRefused?.(message);
}

function take(message, entry) {
  if (message.to_seq <= entry.after) return;
  if (entry.filling || message.partial || message.from_seq > Math.min(entry.after, entry.logged) + 1) return fill(entry);
  const { after, logged } = entry;
  entry.after = message.to_seq;
  entry.logged = Math.max(logged, message.to_seq); // healing may have read lines ahead of the points
  const points = message.points.filter(([seq]) => seq > after), logs = message.logs.filter(([seq]) => seq > logged);
  entry.onEvents?.({ ...message, points, logs });
}

// Read all points and lines after what we have; asked for again while it runs, it runs once more.
async function fill(entry) {
  if (entry.filling) return void (entry.again = true);
  entry.filling = true;
  const before = entry.after;
  try {
    do {
      entry.again = false;
      await readOn(entry, "metrics", "after", ({ points }) => ({ points, logs: [] }));
      await readOn(entry, "logs", "logged", ({ lines }) => ({ points: [], logs: lines }));
      entry.logged = Math.max(entry.logged, entry.after);
    } while (entry.again);
    if (entry.after > before) entry.onHealed?.();
    else entry.quiet = Math.min(2 * entry.quiet, MOST_QUIET);
  } catch (error) {
    if (error.status === 404 || error.status === 403) entry.onRefused?.(error);
    else setTimeout(() => entries.has(entry) && fill(entry), jitter(2000));
  } finally {
    [entry.filling, entry.heardAt] = [false, Date.now()];
  }
}

async function readOn(entry, what, cursor, shape) {
  let page;
  do {
    page = await api(`/api/v1/jobs/${entry.name.slice(4)}/${what}/?after=${entry[cursor]}`);
    if (!entries.has(entry)) return;
    entry[cursor] = Math.max(entry[cursor], page.to_seq);
    entry.onEvents?.({ ...shape(page), events: [], healed: true, to_seq: page.to_seq });
  } while (page.more);
}

// A socket can be open and dumb (broker gone, network half closed): after a silence we look for ourselves.
function listen() {
  const now = Date.now();
  if (socket?.readyState === WebSocket.OPEN && now - heardAt > 25_000) send({ ping: 1 });
  if (socket?.readyState === WebSocket.OPEN && now - heardAt > 60_000) socket.close();
  if (document.visibilityState !== "visible" || state === "signed-out") return;
  for (const entry of entries) if (entry.heals && now - entry.heardAt > entry.quiet) fill(entry);
}

setInterval(listen, 2500);
addEventListener("online", reconnectNow);
document.addEventListener("visibilitychange", reconnectNow);

export const live = {
  // handlers: onEvents({points, logs, events, progress?, healed?}), onProgress(progress), onChanged(message), onHealed(), onRefused()
  // `after` is the last seq the page has (a job's curve; Infinity for one that is not to be healed). Returns what ends it.
  subscribe(name, { after = 0, logged = after, ...handlers }) {
    const heals = isJob(name) && after < 2 ** 52;
    const entry = { name, after, logged, heals, quiet: jitter(QUIET), heardAt: Date.now(), ...handlers };
    entries.add(entry);
    if (socket) ask(name);
    else connect();
    return () => leave(entry);
  },
  unsubscribe(name) {
    for (const entry of entries) if (entry.name === name) leave(entry);
  },
  // One of connecting, live, reconnecting, paused, signed-out; told at once and at every change.
  onState(listener) {
    listeners.add(listener);
    listener(state);
  },
};

function leave(entry) {
  entries.delete(entry);
  if (![...entries].some(({ name }) => name === entry.name)) send({ unsubscribe: entry.name });
}
