/* Elements in one line each: `make` for any, and the controls that several pages share (controls.css). */

import { typed } from "./numbers.mjs";

/** @typedef {{[Type in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Type]) => void}} Listeners by event */
/**
 * Properties of an element; what has a dash is an attribute.
 * @typedef {{class?: string, on?: Listeners, data?: Record<string, string>, style?: Style, [name: string]: unknown}} Properties
 */
/** @typedef {Record<string, string | number>} Style by the names of CSS, also its variables */
/** @typedef {[key: string | number, text: string][]} Choices value and text of each */
/** @typedef {{url: string, columns: number, rows: number, column: number, row: number}} Thumbnail where on a sheet it is */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...(Node | string | null)} children null is none
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  const { class: className = "", on = {}, data = {}, style = {}, ...rest } = properties;
  if (className) element.className = className;
  for (const [name, value] of Object.entries(rest)) {
    if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, String(value));
    else Object.assign(element, { [name]: value });
  }
  Object.assign(element.dataset, data);
  setStyle(element, style);
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag @param {Record<string, string | number>} [attributes] @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/** @param {Element} element @param {Record<string, string | number>} attributes */
export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}

/** @param {HTMLElement | SVGElement} element @param {Style} style */
export function setStyle(element, style) {
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, String(value));
}

/**
 * A list of choices, named by its tooltip.
 * @param {string} title @param {Choices} choices @param {(value: string) => void} [onChange]
 * @param {Properties} [properties]
 */
export function choice(title, choices, onChange = () => {}, properties = {}) {
  const on = { change: () => onChange(list.value) };
  const list = make("select", { class: "control-select", title, "aria-label": title, on, ...properties });
  fillChoices(list, choices);
  return list;
}

/** Give a list other choices; its value stays if it is still among them. @param {HTMLSelectElement} list @param {Choices} choices */
export function fillChoices(list, choices) {
  const { value } = list;
  list.replaceChildren(...choices.map(([key, text]) => new Option(text, String(key))));
  if (choices.some(([key]) => String(key) === value)) list.value = value;
}

/**
 * A list of choices with its name above it.
 * @param {string} label @param {Choices} choices @param {string} value @param {string} title
 * @param {(value: string) => void} onChange @param {string} id
 */
export function select(label, choices, value, title, onChange, id) {
  const list = make("select", { class: "control-select", title, id, on: { change: () => onChange(list.value) } });
  fillChoices(list, choices);
  list.value = value;
  return make("label", { class: "control-field" }, make("span", { class: "control-label", textContent: label }), list);
}

/**
 * A labelled slider with its number, which can be typed as well.
 * @param {{label: string, value: number, low: number, high: number, log?: boolean, title?: string, step?: number | null,
 *   onInput: (value: number) => void, onReset?: (() => number) | null, id?: string}} settings `onReset` gives the default
 */
export function slider({ label, value, low, high, log = false, title = "", step = null, onInput, onReset = null, id = "" }) {
  const steps = 400;
  const toSlider = (v) => (log ? (steps * Math.log(v / low)) / Math.log(high / low) : (steps * (v - low)) / (high - low));
  const fromSlider = (s) => (log ? low * (high / low) ** (s / steps) : low + ((high - low) * s) / steps);
  const rounded = (v) => Number((step ? Math.round(v / step) * step : v).toPrecision(3));
  const range = make("input", { type: "range", min: 0, max: steps, step: "any", class: "control-range", title, "aria-label": label });
  const number = make("input", { type: "text", inputMode: "decimal", class: "control-number", "aria-label": `${label}, typed` });
  if (id) [range.id, number.id] = [id, `${id}-number`];
  const show = (v) => {
    range.value = String(Math.max(0, Math.min(steps, toSlider(v) || 0)));
    fill(range);
    number.value = typed(v);
  };
  show(value);
  range.addEventListener("input", () => {
    const sliderValue = rounded(fromSlider(Number(range.value)));
    fill(range);
    show(sliderValue);
    onInput(sliderValue);
  });
  number.addEventListener("change", () => {
    const typedValue = Number(number.value);
    const usable = number.value.trim() !== "" && Number.isFinite(typedValue);
    number.classList.toggle("is-wrong", !usable);
    if (!usable) return;
    show(typedValue);
    onInput(typedValue);
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
  const [value, low, high] = [range.value, range.min, range.max].map(Number);
  setStyle(range, { "--share": `${(100 * (value - low)) / (high - low || 1)}%` });
}

/**
 * A box to tick.
 * @param {string} label @param {boolean} checked @param {string} title
 * @param {(isOn: boolean) => void} onChange @param {Properties} [properties] of the label
 */
export function tick(label, checked, title, onChange, properties = {}) {
  const box = make("input", { type: "checkbox", checked, on: { change: () => onChange(box.checked) } });
  return make("label", { class: "control-tick", title, ...properties }, box, label);
}

/**
 * @param {string} label @param {string} title what it does, as its tooltip
 * @param {(event: MouseEvent) => void} onClick @param {Properties} [properties]
 */
export function button(label, title, onClick, properties = {}) {
  return make("button", { type: "button", class: "control-button", textContent: label, title, on: { click: onClick }, ...properties });
}

/** A number as text, with all its digits in `value`. @param {number | null} value @param {(value: number) => string} format */
export function number(value, format) {
  return make("data", { value: value ?? "", textContent: value === null ? "–" : format(value) });
}

/** Replace what is in an element; the focus stays on what has the same data-key. @param {Element} element @param {...Node} children */
export function replaceAll(element, ...children) {
  const focused = document.activeElement;
  const key = focused instanceof HTMLElement && element.contains(focused) ? focused.dataset.key : undefined;
  element.replaceChildren(...children);
  /** @type {HTMLElement | null} */
  const same = key ? element.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
  same?.focus();
}

/** Show an image of a sheet as the background of an element. @param {HTMLElement} element @param {Thumbnail} thumbnail @param {number} side pixels */
export function showThumbnail(element, { url, columns, rows, column, row }, side) {
  setStyle(element, {
    "background-image": `url("${url}")`,
    "background-size": `${columns * side}px ${rows * side}px`,
    "background-position": `-${column * side}px -${row * side}px`,
  });
}

/** Text in which c_e, c_0 and e_1 have a subscript. @param {string} words @returns {Node[]} */
export function prose(words) {
  return words.split(/\b([ce]_\w)\b/).map((part, i) => {
    if (i % 2 === 0) return document.createTextNode(part);
    return make("span", { class: "control-symbol" }, part[0], make("sub", { textContent: part[2] }));
  });
}

/** Give a file to the browser to keep. @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // by when the browser has read it
}
