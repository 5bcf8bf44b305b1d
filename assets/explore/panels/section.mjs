/* A part of a panel under its title. */

import { make } from "../../common/dom.mjs";

/** @param {string} title @param {...(Node | string)} parts */
export function section(title, ...parts) {
  return make("section", { class: "panel-section" }, make("h3", { class: "panel-title", textContent: title }), ...parts);
}
