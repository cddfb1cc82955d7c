// A text area with numbered lines, one of which may be marked as wrong. Tab leaves it, as everywhere.
export function codeEditor(area, gutter) {
  let bad = 0;

  function drawn() {
    const count = area.value.split("\n").length;
    while (gutter.children.length > count) gutter.lastChild.remove();
    while (gutter.children.length < count) gutter.append(document.createElement("li"));
    [...gutter.children].forEach((line, place) => line.toggleAttribute("data-bad", place + 1 === bad));
    gutter.scrollTop = area.scrollTop;
  }

  area.addEventListener("input", drawn);
  area.addEventListener("scroll", () => { gutter.scrollTop = area.scrollTop; });
  drawn();
  return {
    drawn,
    set(text) {
      if (area.value !== text) area.value = text;
      drawn();
    },
    mark(line) {
      bad = line;
      area.setAttribute("aria-invalid", line > 0);
      drawn();
    },
    goTo(line) {
      const lines = area.value.split("\n"), start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      area.focus();
      area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
      area.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(area).lineHeight));
    },
  };
}
