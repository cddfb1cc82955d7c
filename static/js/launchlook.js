// Before a launch: the first rows as tokens, a few measured steps, and settings out of a file.
import { api } from "./api.js";
import { toast } from "./toast.js";
import { fill, words } from "./words.js";

const put = (name, text) => (document.querySelector(`[data-estimate="${name}"]`).textContent = text);
const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(bytes < 1e10 ? 2 : 1)}\u00a0GB`;

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)}\u00a0s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)}\u00a0min`;
  return `${(seconds / 3600).toFixed(1)}\u00a0h`;
}

// True while a measurement is under way, so that who asks comes again.
export function showEstimate(estimate) {
  const { source = "", seconds, peak_bytes: peak, cost, currency, runs, job, problem } = estimate ?? {};
  put("seconds", source ? fill(words.about, { size: duration(seconds) }) : "–");
  put("peak_bytes", peak ? fill(words.about, { size: gigabytes(peak) }) : "–");
  document.querySelector("[data-estimate-cost]").hidden = cost === undefined;
  if (cost !== undefined) put("cost", fill(words.about, { size: `${cost.toFixed(2)}\u00a0${currency}` }));
  const isMeasuring = Boolean(job) && source !== "probe";
  const told = isMeasuring ? words.measuring : { probe: words.by_probe, runs: fill(words.by_runs, { count: runs ?? 0 }) }[source];
  document.getElementById("estimate-source").textContent = problem ?? told ?? words.not_measured;
  document.getElementById("probe").disabled = isMeasuring || source === "probe";
  return isMeasuring;
}

function tokensOf({ tokens, length, full_length: whole, label }) {
  const box = document.createElement("div"), text = document.createElement("p"), note = document.createElement("p");
  box.className = "card token-row";
  text.className = "tokens";
  for (const [piece, isTaught] of tokens) {
    const token = document.createElement("span");
    token.className = isTaught ? "token taught" : "token";
    token.textContent = piece;
    text.append(token);
  }
  note.className = "small muted";
  note.textContent = [
    fill(whole > length ? words.row_cut : words.row_whole, { length, whole }),
    tokens.length < length ? fill(words.row_shown, { shown: tokens.length }) : "",
    label ? fill(words.row_label, { label }) : "",
  ].filter(Boolean).join(" ");
  box.append(text, note);
  return box;
}

function summed({ n, lengths, cut, untaught, taught_share: share, labels, in_both: both }) {
  const told = [fill(words.look_lengths, { n, ...lengths }), fill(words.look_share, { share: (100 * share).toFixed(0) })];
  if (cut) told.push(fill(words.look_cut, { cut, n }));
  if (untaught) told.push(fill(words.look_untaught, { untaught }));
  if (both) told.push(fill(words.look_both, { both }));
  const balance = Object.entries(labels);
  if (balance.length) told.push(fill(words.look_labels, { labels: balance.map(([label, rows]) => `${label} ${rows}`).join(", ") }));
  return told.join(" ");
}

async function busy(button, act) {
  button.setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (error) {
    toast([error.message, error.hint].filter(Boolean).join(" "), "bad");
  } finally {
    button.removeAttribute("aria-busy");
  }
}

// `collected`: the form as data; `take`: puts settings into it; `check`: asks the server anew.
export function watchLooks(urls, { collected, take, check }) {
  const see = document.getElementById("see-tokens"), probe = document.getElementById("probe"), file = document.getElementById("recipe-file");
  see.addEventListener("click", () => busy(see, async () => {
    const found = await api(urls.preview, { method: "POST", json: collected() });
    document.getElementById("tokens-sum").textContent = summed(found);
    document.getElementById("token-rows").replaceChildren(...found.rows.map(tokensOf));
    document.getElementById("tokens").showModal();
  }));
  probe.addEventListener("click", () => busy(probe, async () => {
    await api(urls.probe, { method: "POST", json: collected() });
    await check();
  }));
  file.addEventListener("change", () => busy(file, async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    const { recipe } = await api(urls.recipe, { method: "POST", json: { text: await chosen.text() } });
    take(recipe);
    file.value = "";
    toast(fill(words.file_taken, { count: Object.keys(recipe).length }), "good");
    await check();
  }));
}
