// A shelf of this device, for what must outlive a reload: values by key below one prefix. Where the browser keeps nothing
// (private windows) or is full, they are held for as long as the tab lives.
export class Shelf {
  constructor(prefix) {
    Object.assign(this, { prefix, here: new Map() });
  }

  keys() {
    const kept = attempt(() => Object.keys(localStorage)) ?? [];
    const all = new Set([...kept.filter((key) => key.startsWith(this.prefix)).map((key) => key.slice(this.prefix.length)), ...this.here.keys()]);
    return [...all].sort();
  }

  read(key) {
    const text = this.here.get(key) ?? attempt(() => localStorage.getItem(this.prefix + key));
    return attempt(() => JSON.parse(text)) ?? null;
  }

  // True when it is kept for good.
  write(key, value) {
    const text = JSON.stringify(value);
    const isKept = attempt(() => [localStorage.setItem(this.prefix + key, text)]) !== undefined;
    if (isKept) this.here.delete(key);
    else this.here.set(key, text);
    return isKept;
  }

  remove(key) {
    this.here.delete(key);
    attempt(() => localStorage.removeItem(this.prefix + key));
  }
}

function attempt(act) {
  try {
    return act();
  } catch { // no storage, or none left: the caller has another way
    return undefined;
  }
}
