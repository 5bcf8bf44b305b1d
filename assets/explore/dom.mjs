/* Small pieces that every panel is made of. */

/** An element with its properties. @param {string} tag @param {string} className @param {object} properties */
export function make(tag, className = "", properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), { className, ...properties });
  made.append(...children);
  return made;
}

/** A button that says in its tooltip what it does. */
export function button(className, text, title, act) {
  const made = make("button", className, { type: "button", textContent: text, title });
  made.addEventListener("click", act);
  return made;
}

/** A select, labelled for those who do not see it. @param {[string | number, string][]} choices value and name */
export function choice(title, choices, changed) {
  const made = make("select", "find-choice", { title, ariaLabel: title });
  fill(made, choices);
  if (changed) made.addEventListener("change", () => changed(made.value));
  return made;
}

/** Give a select other choices; what was chosen stays if it is still there. */
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

/** An image of the run's sheet of thumbnails; the name of its class where a run has none. */
export function thumbnail(player, row, side, className = "") {
  const made = make("span", `find-thumbnail ${className}`);
  Object.assign(made.style, { width: `${side}px`, height: `${side}px` });
  const { thumbnail: sheet, labelName } = player.describe(row);
  if (!sheet) made.textContent = labelName;
  if (!sheet) return made;
  Object.assign(made.style, {
    backgroundImage: `url("${sheet.url}")`,
    backgroundSize: `${sheet.columns * side}px ${sheet.rows * side}px`,
    backgroundPosition: `-${sheet.column * side}px -${sheet.row * side}px`,
  });
  return made;
}

/** An element of a drawing. @param {string} tag @param {Record<string, string | number>} attributes */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A part of a panel under its title. */
export function section(title, ...parts) {
  return make("section", "find-section", {}, make("h3", "find-title", { textContent: title }), ...parts);
}
