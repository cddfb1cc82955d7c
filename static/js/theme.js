// Theme switch: the system's choice until somebody presses it. Runs before first paint, so nothing flashes.
{
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const read = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const kept = read();
  if (kept) root.dataset.theme = kept;
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* private window: it lasts for this page */ }
  });
  addEventListener("storage", ({ key, newValue }) => key === "theme" && newValue && (root.dataset.theme = newValue)); // other tabs follow
}
