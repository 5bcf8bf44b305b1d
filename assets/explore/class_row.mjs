/* A class in a list: its name, a bar in its colour, its numbers. */

import { button, make } from "../common/dom.mjs";

/**
 * @param {Node} name
 * @param {Record<string, string | number>} bar `--share` and `--of` of its length, `--colour`
 * @param {...(Node | string)} numbers
 */
export function classRow(name, bar, ...numbers) {
  return make("div", { class: "class-row" }, name, make("span", { class: "class-bar", style: bar }), make("span", { class: "class-number" }, ...numbers));
}

/** The button under a list that is cut short, or opened. @param {string} text @param {() => void} toggle */
export function moreButton(text, toggle) {
  return button(text, "Show more or fewer", toggle, { class: "panel-more" });
}
