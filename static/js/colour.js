// What a colour of tokens.css is in the present theme. light-dark() is resolved by the browser, so a real element is asked.
export function colour(token) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${token})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
