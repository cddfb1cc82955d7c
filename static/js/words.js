// The words that scripts say, in the language of the page: the frame's (apps/core/templatetags/ui.py) and the page's own.
const read = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "{}");
export const words = { ...read("words"), ...read("page-words") };

// fill("step {step}", {step: 3}) is "step 3"
export const fill = (text, values) => (text ?? "").replace(/{(\w+)}/g, (whole, name) => values[name] ?? whole);
