// A part of the builder is renamed: what is about it goes along, and so do the names on its buttons.
export function followNames(builder) {
  let parts = [];

  builder.addEventListener("focusin", ({ target }) => {
    if (!target.name?.endsWith(".a.name")) return;
    const item = target.closest(".built-item"), was = target.value;
    const options = [...builder.querySelectorAll('select[name$=".a.toName"] option')].filter(({ value }) => value === was);
    const buttons = [...item.querySelectorAll("[data-do][aria-label]")].map((button) => [button, button.getAttribute("aria-label").split(was)]);
    parts = was ? [...options.map((option) => (name) => Object.assign(option, { text: name, value: name })),
      ...buttons.map(([button, around]) => (name) => button.setAttribute("aria-label", around.join(name)))] : [];
    parts.push((name) => { item.querySelector("header code").textContent = name; });
  });
  builder.addEventListener("input", ({ target }) => {
    if (target.name?.endsWith(".a.name") && target.value) for (const follow of parts) follow(target.value);
  });
}
