// The launch form: a preset fills the settings, every change is checked by the server, a mistake is told beside its field.
import { api } from "./api.js";
import { icon } from "./icon.js";
import { fit } from "./launchfit.js";
import { showEstimate, watchLooks } from "./launchlook.js";
import { toast } from "./toast.js";
import { fill, words } from "./words.js";

const form = document.getElementById("launch"), cautions = document.getElementById("cautions");
const data = JSON.parse(document.getElementById("launch-data").textContent);
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
let timer = null, latest = 0, key = newKey();
let isNamed = data.isClone || form.elements.name.value.trim() !== ""; // a fast hand, or the way back, may have been here before

function take(recipe) {
  for (const [name, value] of Object.entries(recipe)) {
    const field = form.elements[`recipe.${name}`];
    if (field?.type === "checkbox") field.checked = value;
    else if (field) field.value = value;
  }
}

// Only what has a say is shown; a run that nobody named is called after its data and its way.
function follow() {
  fit(form, data);
  const data_name = form.elements.dataset_version.selectedOptions[0]?.dataset.name ?? "";
  if (!isNamed) form.elements.name.value = `${data_name} ${form.elements.preset.value || form.elements["recipe.method"].value}`.slice(0, 80);
}

// Numbers as numbers; what is no number goes as typed, so that the server can say what is wrong with it.
function value(field) {
  const text = field.value.trim();
  if (field.type === "checkbox") return field.checked;
  if (field.tagName === "SELECT") return field.value;
  if (field.tagName === "TEXTAREA") return text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (field.name === "recipe.target_modules") return text === "auto" ? text : text.split(/[\s,]+/).filter(Boolean);
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

function collected() {
  const { name, base_model, dataset_version, quality_override: reason } = form.elements, recipe = {};
  for (const field of form.querySelectorAll("[name^='recipe.']")) recipe[field.name.slice(7)] = value(field);
  return { name: name.value, base_model: base_model.value, dataset_version: dataset_version.value, recipe, quality_override: reason.value };
}

function clear() {
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  for (const note of form.querySelectorAll(".field > .error, .field > .caution")) note.remove();
  cautions.replaceChildren();
}

const inputOf = (field) => [form.elements[field]].flatMap((found) => (found instanceof RadioNodeList ? [...found] : found ?? []))[0];

// Beside the field it is about; what has no field here goes to the summary.
function beside({ field, message, hint }, kind) {
  const input = inputOf(field), place = input?.closest(".field"), note = document.createElement("span"), text = document.createElement("span");
  if (!place) return false;
  note.className = kind;
  text.textContent = [message, hint].filter(Boolean).join(" ");
  note.append(icon("alert"), text);
  place.append(note);
  if (kind === "error") {
    input.setAttribute("aria-invalid", "true");
    place.closest("details")?.setAttribute("open", "");
  }
  return true;
}

function sum(status, title, text) {
  const box = document.getElementById("caution").content.cloneNode(true);
  box.firstElementChild.dataset.status = status;
  box.querySelector("b").textContent = title;
  box.querySelector("p").textContent = text ?? "";
  cautions.append(box);
}

function tell(errors, warnings) {
  clear();
  const loose = errors.filter((error) => !beside(error, "error"));
  if (errors.length) sum("bad", fill(errors.length > 1 ? words.to_fix_many : words.to_fix_one, { count: errors.length }), loose.map(({ message, hint }) => [message, hint].filter(Boolean).join(" ")).join(" "));
  for (const warning of warnings) if (!beside(warning, "caution")) sum("warn", warning.message);
  form.querySelector("[type=submit]").disabled = errors.length > 0;
}

const whole = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");
const millions = (count) => (count >= 1e9 ? `${(count / 1e9).toFixed(2)} G` : `${(count / 1e6).toFixed(count < 1e7 ? 2 : 0)} M`);
const megabytes = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)}\u00a0GB` : `${Math.max(1, Math.round(bytes / 1e6))}\u00a0MB`);

function show(plan) {
  const { trained_parameters: trained, total_parameters: total, checkpoint_bytes: bytes, ...counts } = plan ?? {};
  const put = (name, text) => (form.querySelector(`[data-plan=${name}]`).textContent = text);
  for (const name of ["training_rows", "evaluation_rows", "untouched_rows", "rows_a_step"]) put(name, name in counts ? whole(counts[name]) : "–");
  put("steps", plan ? fill(words.steps_in, { steps: whole(plan.steps), epochs: plan.epochs }) : "–");
  put("trained", trained && total ? fill(words.of_all, { part: millions(trained), all: millions(total), share: ((100 * trained) / total).toFixed(1) }) : "–");
  put("checkpoint", bytes ? fill(words.about, { size: megabytes(bytes) }) : "–");
}

async function check() {
  const mine = ++latest;
  try {
    const { errors, warnings, plan, quality } = await api(data.validate, { method: "POST", json: collected() });
    if (mine !== latest) return;
    document.getElementById("quality").hidden = !quality.length; // what is broken asks for a reason
    tell(errors, warnings);
    show(plan);
    if (showEstimate(plan?.estimate)) timer = setTimeout(check, 3000);
  } catch (error) {
    if (mine === latest) tell([error], []);
  }
}

form.addEventListener("input", ({ target }) => {
  if (target.name === "name") isNamed = target.value.trim() !== "";
  if (target.name === "preset") take(data.presets[target.value]);
  key = newKey(); // another run than the one that may have been sent
  follow();
  clearTimeout(timer);
  timer = setTimeout(check, 250);
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("[type=submit]");
  button.setAttribute("aria-busy", "true");
  try {
    const run = await api(data.launch, { method: "POST", json: collected(), key });
    location.assign(run.url);
  } catch (error) {
    // The key stays: without an answer nobody knows whether the run was launched, and the same key launches it once.
    tell([error], []);
    form.querySelector("[type=submit]").disabled = false;
    inputOf(error.field)?.focus();
    toast(error.message, "bad");
    button.removeAttribute("aria-busy");
  }
});
if (!data.isClone) take(data.presets[form.elements.preset.value]);
follow();
check();
watchLooks(data.looks, { collected, check, take: (recipe) => (take(recipe), follow()) });
