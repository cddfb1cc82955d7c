// Files by drag and drop or by choice, sent in pieces (uploadsend.js). Without this script the form is sent plainly, with one file.
import { join } from "./uploaddoors.js";
import { fingerprint } from "./uploadsend.js";
import { bytes, Row, said, stem, tend } from "./uploadrow.js";
import { fill } from "./words.js";

const form = document.querySelector("[data-upload]"), list = form.querySelector("[data-rows]"), drop = form.querySelector("[data-drop]");
const input = form.elements.file, name = form.elements.name, joined = form.elements.joined, button = form.querySelector("[type=submit]");
const before = document.querySelector("[data-unfinished]"), AT_ONCE = 3;
let rows = [], isSending = false;

const isJoined = () => rows.length > 1 && joined.checked;
const ending = (file) => /\.[^.]*$/.exec(file.name)?.[0].toLowerCase();
const canJoin = () => rows.length > 1 && new Set(rows.map((row) => ending(row.file))).size === 1 && said.joinable.split(" ").includes(ending(rows[0].file));

function complain(field, text) {
  const line = form.querySelector(`[data-error=${field}]`) ?? form.querySelector("[data-error=file]"), control = form.elements[field] ?? input;
  line.textContent = text;
  line.hidden = !text;
  if (text) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

function choose(files) {
  if (isSending) return;
  complain("file", "");
  for (const file of files) {
    if (file.size > Number(said.max)) complain("file", fill(said.large, { file: file.name }));
    else if (!file.size) complain("file", fill(said.empty, { file: file.name }));
    else if (!rows.some((row) => row.file.name === file.name && row.file.size === file.size)) add(new Row(file, { onRemove: remove }));
  }
  input.value = ""; // the same file may be chosen again
  arrange();
}

function add(row) {
  rows.push(row);
  list.append(row.element);
  row.sending.say("waiting");
  if (name && rows.length === 1 && !name.value) name.value = stem(row.file);
  const known = [...(before?.querySelectorAll("[data-id]") ?? [])].find(({ dataset: was }) => was.name === row.file.name && Number(was.size) === row.file.size && was.fingerprint === fingerprint(row.file));
  if (known) row.part("text").textContent = fill(said.continues, { sent: bytes(Number(known.dataset.offset)) });
  known?.remove();
  if (before && !before.querySelector("[data-id]")) before.hidden = true;
}

function remove(row) {
  rows = rows.filter((other) => other !== row);
  if (!rows.length) release();
  arrange();
}

// One file has the form's name; several have one each, unless they become one dataset.
function arrange() {
  const several = rows.length > 1, can = canJoin();
  form.querySelector("[data-files]").hidden = !rows.length;
  form.querySelector("[data-joining]").hidden = !several;
  form.querySelector("[data-cannot-join]").hidden = !several || can;
  joined.disabled = !can || isSending;
  if (several && form.dataset.dataset) joined.checked = can;
  if (!can) joined.checked = false;
  const each = several && !isJoined() && Boolean(name);
  if (name) name.closest(".field").hidden = each;
  if (name) name.required = !each;
  for (const row of rows) row.part("called").hidden = !each || isSending;
  input.required = !rows.length;
}

async function pool(acts) {
  const waiting = [...acts], work = async () => { for (let act; (act = waiting.shift()); ) await act(); };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function hold() {
  isSending = true;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  arrange();
}

function release(error) {
  isSending = false;
  button.disabled = false;
  button.removeAttribute("aria-busy");
  if (error?.field === "name" && name && !name.closest(".field").hidden) complain("name", [error.message, error.hint].filter(Boolean).join(" "));
  arrange();
}

function called(row) {
  if (!name) return "";
  return rows.length === 1 ? name.value : row.part("called").value;
}

async function sendOne(row, single) {
  row.called = name ? () => called(row) : undefined;
  row.onStopped = (error) => single && release(error);
  if (single) row.onDone = (url) => location.assign(url);
  if (row.sending.state === "done") return;
  await row.send({ dataset: form.dataset.dataset, name: called(row) }).then(() => row.settle(), () => {});
}

async function sendJoined() {
  const sent = await Promise.allSettled(rows.map((row) => row.send({ dataset: form.dataset.dataset })));
  const failed = sent.find(({ status }) => status === "rejected");
  if (failed) return release(failed.reason);
  rows.forEach((row) => row.busy());
  const wish = { name: name?.value, again: form.dataset.again === "yes" };
  try {
    const { url } = await rows[0].sending.persist(() => join(rows.map((row) => row.sending.id), wish));
    location.assign(url);
  } catch (error) {
    rows.forEach((row) => row.sending.say("whole"));
    if (error.code === "same_file") form.dataset.again = "yes"; // sent once more, it is meant
    if (error.field !== "name") complain("file", [error.message, error.code === "same_file" ? said.twice : error.hint].filter(Boolean).join(" "));
    release(error);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!rows.length || isSending) return;
  if (form.dataset.dataset && rows.length > 1 && !isJoined()) return complain("file", said.one);
  complain("file", "");
  if (name) complain("name", "");
  hold();
  if (isJoined()) return sendJoined();
  const single = rows.length === 1;
  await pool(rows.map((row) => () => sendOne(row, single)));
  if (!single) release();
});
input.multiple = true;
input.addEventListener("change", () => choose([...input.files]));
joined.addEventListener("change", arrange);
name?.addEventListener("input", () => complain("name", ""));
for (const type of ["dragenter", "dragover", "drop"]) document.addEventListener(type, (event) => event.preventDefault());
for (const type of ["dragenter", "dragover"]) drop.addEventListener(type, () => (drop.dataset.over = ""));
for (const type of ["dragleave", "drop"]) drop.addEventListener(type, () => delete drop.dataset.over);
drop.addEventListener("drop", ({ dataTransfer }) => {
  const isFolder = (item) => item.webkitGetAsEntry?.()?.isDirectory, folders = [...dataTransfer.items].filter((item) => item.kind === "file").map(isFolder);
  choose([...dataTransfer.files].filter((_file, at) => !folders[at]));
  if (folders.some(Boolean)) complain("file", said.folder);
});
tend(before);
