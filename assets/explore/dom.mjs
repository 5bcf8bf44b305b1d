/* The elements that all panels are built of. */

/** An element with its properties. @param {string} tag @param {string} className @param {object} properties */
export function make(tag, className = "", properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), { className, ...properties });
  element.append(...children);
  return element;
}

/** A button that says in its tooltip what it does. */
export function button(className, text, title, act) {
  const element = make("button", className, { type: "button", textContent: text, title });
  element.addEventListener("click", act);
  return element;
}

/** A select with a label for screen readers. @param {[string | number, string][]} choices value and text */
export function choice(title, choices, changed) {
  const element = make("select", "panel-choice", { title, ariaLabel: title });
  fill(element, choices);
  if (changed) element.addEventListener("change", () => changed(element.value));
  return element;
}

/** Give a select other choices; its value stays if it is still among them. */
export function fill(select, choices) {
  const { value } = select;
  select.replaceChildren(...choices.map(([key, text]) => new Option(text, key)));
  if (choices.some(([key]) => String(key) === value)) select.value = value;
}

/** A number as text, with all its digits in `value`. @param {number | null} value */
export function number(value, format) {
  return make("data", "", { value: value ?? "", textContent: value === null ? "–" : format(value) });
}

export const percent = (share) => `${(100 * share).toFixed(1)} %`;
export const short = (value) => String(Number(value.toPrecision(3)));
export const whole = (n) => n.toLocaleString("en");
export const counted = (n, what) => `${whole(n)} ${what}${n === 1 ? "" : "s"}`;

/** The thumbnail of an image; the name of its class where the run has no thumbnails. */
export function thumbnail(player, row, side, className = "") {
  const element = make("span", `image-thumbnail ${className}`);
  Object.assign(element.style, { width: `${side}px`, height: `${side}px` });
  const { thumbnail: sheet, labelName } = player.describe(row);
  if (!sheet) element.textContent = labelName;
  if (!sheet) return element;
  Object.assign(element.style, {
    backgroundImage: `url("${sheet.url}")`,
    backgroundSize: `${sheet.columns * side}px ${sheet.rows * side}px`,
    backgroundPosition: `-${sheet.column * side}px -${sheet.row * side}px`,
  });
  return element;
}

/** An SVG element. @param {string} tag @param {Record<string, string | number>} attributes */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A section of a panel with its title. */
export function section(title, ...parts) {
  return make("section", "panel-section", {}, make("h3", "panel-title", { textContent: title }), ...parts);
}
