// Numbers and times as people read them: three significant digits, thin spaces between thousands, a no-break space before a unit.
import { fill, words } from "./words.js";

const THIN = "\u202f", FIXED = "\u00a0";
const grouped = (value) => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, THIN);

export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return words.nan ?? "NaN";
  const size = Math.abs(value);
  if (size >= 1e7) return value.toExponential(1);
  if (size >= 1000) return grouped(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  if (size >= 1) return value.toFixed(size < 2 ? 3 : 2);
  if (size >= 0.001) return value.toFixed(size < 0.1 ? 4 : 3);
  return size === 0 ? "0" : value.toExponential(1);
}

// Values that have a unit, as [number, unit].
export function measured(value, unit) {
  if (unit === "MB" && value >= 1000) return [(value / 1024).toFixed(1), "GB"];
  return [number(value), unit];
}

export function duration(seconds) {
  const minutes = Math.round(seconds / 60), unit = (value, name) => `${value}${FIXED}${fill(words[name], {})}`;
  if (seconds < 90) return unit(Math.max(1, Math.round(seconds)), "seconds");
  if (minutes < 60) return unit(minutes, "minutes");
  return [unit(Math.floor(minutes / 60), "hours"), minutes % 60 ? unit(minutes % 60, "minutes") : ""].filter(Boolean).join(FIXED);
}

export const clock = (date) => date.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hour12: false });
export const percent = (done, total) => `${Math.floor((100 * done) / total)}${FIXED}%`;
