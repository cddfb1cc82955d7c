// One way to call the console's own API: JSON in and out, CSRF, errors as {message, field, hint, status}.
import { fill, words } from "./words.js";

export function csrf() {
  return document.cookie.split("; ").find((part) => part.startsWith("csrftoken="))?.slice(10) ?? "";
}

export async function api(path, { method = "GET", json, signal, key } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrf();
  if (key) headers["Idempotency-Key"] = key; // sent twice, it starts one thing
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, signal, body: json === undefined ? undefined : JSON.stringify(json) }).catch(unreachable);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const error = new Error(body.error?.message ?? fill(words.answered, { status: answer.status }));
    throw Object.assign(error, { status: answer.status, field: "", hint: "" }, body.error);
  }
  return body;
}

function unreachable(error) {
  if (error.name === "AbortError") throw error;
  throw Object.assign(new Error(words.unreachable), { status: 0, field: "", hint: "" });
}
