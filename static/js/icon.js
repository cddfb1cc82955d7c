// The icons of icons.svg for what scripts build: icon("check") is the same as {% icon "check" %}.
const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const image = document.createElementNS(SVG, "svg"), use = document.createElementNS(SVG, "use");
  image.setAttribute("class", "icon");
  image.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  image.append(use);
  return image;
}
