// Tabs that do not fit: the one that is open stands where it can be seen.
for (const open of document.querySelectorAll(".tabs [aria-current]")) {
  const { parentElement: row, offsetLeft, offsetWidth } = open;
  row.scrollLeft = offsetLeft - row.offsetLeft - (row.clientWidth - offsetWidth) / 2;
}
