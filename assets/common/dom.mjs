/* Elements in one line each: `make` for any, and the controls that several pages share (controls.css). */

/**
 * @param {string} tag
 * @param {object} [properties] `class`, `on` (event -> listener) and `data` are special; what has a dash is an attribute
 * @param {...(Node | string | null)} children
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  const { class: className, on = {}, data = {}, ...rest } = properties;
  if (className) element.className = className;
  for (const [name, value] of Object.entries(rest)) {
    if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  Object.assign(element.dataset, data);
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A labelled list of choices. @param {[string, string][]} choices value and text */
export function select(label, choices, value, title, onChange, id) {
  const options = choices.map(([key, text]) => make("option", { value: key, textContent: text, selected: key === value }));
  const list = make("select", { class: "control-select", title, on: { change: () => onChange(list.value) } }, ...options);
  if (id) list.id = id;
  return make("label", { class: "control-field" }, make("span", { class: "control-label", textContent: label }), list);
}

/** A labelled slider with its number, which can be typed as well. */
export function slider({ label, value, low, high, log = false, title = "", step = null, onInput, onReset = null, id = "" }) {
  const steps = 400;
  const toSlider = (v) => (log ? (steps * Math.log(v / low)) / Math.log(high / low) : (steps * (v - low)) / (high - low));
  const fromSlider = (s) => (log ? low * (high / low) ** (s / steps) : low + ((high - low) * s) / steps);
  const rounded = (v) => Number((step ? Math.round(v / step) * step : v).toPrecision(3));
  const range = make("input", { type: "range", min: 0, max: steps, step: "any", class: "control-range", title, "aria-label": label });
  const number = make("input", { type: "text", inputMode: "decimal", class: "control-number", "aria-label": `${label}, typed` });
  if (id) [range.id, number.id] = [id, `${id}-number`];
  const show = (v) => {
    range.value = Math.max(0, Math.min(steps, toSlider(v) || 0));
    fill(range);
    number.value = Math.abs(v) >= 1e5 || (v !== 0 && Math.abs(v) < 1e-3) ? v.toExponential().replace("e+", "e") : String(v);
  };
  show(value);
  range.addEventListener("input", () => {
    const sliderValue = rounded(fromSlider(Number(range.value)));
    fill(range);
    show(sliderValue);
    onInput(sliderValue);
  });
  number.addEventListener("change", () => {
    const typed = Number(number.value);
    const usable = number.value.trim() !== "" && Number.isFinite(typed);
    number.classList.toggle("is-wrong", !usable);
    if (!usable) return;
    show(typed);
    onInput(typed);
  });
  const name = make("span", { class: "control-label", textContent: label, title });
  if (onReset) {
    name.title = `${title} (double click: ${onReset()})`;
    name.addEventListener("dblclick", () => {
      show(onReset());
      onInput(onReset());
    });
  }
  return make("div", { class: "control-field" }, make("div", { class: "control-row" }, name, number), range);
}

/** Colour the part of a slider before its knob. @param {HTMLInputElement} range */
export function fill(range) {
  range.style.setProperty("--share", `${(100 * (range.value - range.min)) / (range.max - range.min || 1)}%`);
}

/** A box to tick. */
export function tick(label, checked, title, onChange) {
  const box = make("input", { type: "checkbox", checked, on: { change: () => onChange(box.checked) } });
  return make("label", { class: "control-tick", title }, box, label);
}

/** A button. */
export function button(label, title, onClick, properties = {}) {
  return make("button", { type: "button", class: "control-button", textContent: label, title, on: { click: onClick }, ...properties });
}

/** Text in which c_e, c_0 and e_1 have a subscript. @returns {Node[]} */
export function prose(words) {
  return words.split(/\b([ce]_\w)\b/).map((part, i) => {
    if (i % 2 === 0) return document.createTextNode(part);
    return make("span", { class: "control-symbol" }, part[0], make("sub", { textContent: part[2] }));
  });
}

/** A number with five digits and no trailing zeros. */
export function formatNumber(value) {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "minus infinite";
  const size = Math.abs(value);
  return size !== 0 && (size >= 1e6 || size < 1e-4) ? value.toExponential(3).replace("e+", "e") : String(Number(value.toPrecision(5)));
}
