// The doors of resumable uploads (docs/uploading.md).
import { api, csrf } from "./api.js";

export const DOOR = "/api/v1/uploads/";
export const announce = (json) => api(DOOR, { method: "POST", json });
export const unfinished = async () => (await api(DOOR)).results;
export const finish = (id, wish) => api(`${DOOR}${id}/finish/`, { method: "POST", json: wish });
export const join = (uploads, wish) => api(`${DOOR}join/`, { method: "POST", json: { uploads, ...wish } });
export const holders = async (id) => (await api(`${DOOR}${id}/`)).same_as;

export async function offsetOf(id) {
  const answer = await fetch(`${DOOR}${id}/`, { method: "HEAD" });
  return answer.ok ? Number(answer.headers.get("Upload-Offset")) : null;
}

// Forgets it; while the server still writes its last bytes it is asked again.
export async function discard(id, tries = 5) {
  const answer = await fetch(`${DOOR}${id}/`, { method: "DELETE", headers: { "X-CSRFToken": csrf() } }).catch(() => ({ status: 0 }));
  if (answer.status === 204 || answer.status === 404) return true;
  if (!tries) return false;
  await new Promise((resolve) => setTimeout(resolve, 300));
  return discard(id, tries - 1);
}

export function parsed(text) {
  try {
    return JSON.parse(text).error ?? {};
  } catch {
    return {};
  }
}
