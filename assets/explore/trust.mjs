/* How far the picture can be trusted: the measures in words, their definitions on hover, and the agreement of each mode. */

import { make } from "../common/dom.mjs";
import { NewestRequest, get } from "../common/http.mjs";

/** @typedef {{measures: {title: string, shown: string, text: string, definition: string}[], note: string}} Answer of `/api/trust` */

export class Trust {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.request = new NewestRequest((problem) => problem && this.show(`Not measured: ${problem}`));
  }

  /** @param {string} url @param {string} note shown above the measures */
  async load(url, note) {
    this.element.classList.add("is-waiting");
    /** @type {Answer | null} */
    const trust = await this.request.send((signal) => get(url, {}, signal));
    if (!trust) return;
    const rows = trust.measures.map(({ title, shown, text, definition }) =>
      make("div", { class: "trust-row", title: definition },
        make("span", { class: "trust-name", textContent: title }),
        make("span", { class: "trust-value", textContent: shown }),
        make("span", { class: "trust-text", textContent: text })));
    const about = make("div", { class: "trust-note", textContent: [note, trust.note].filter(Boolean).join(" ") });
    this.show(about, ...rows);
  }

  /** @param {...(Node | string)} content */
  show(...content) {
    this.element.classList.remove("is-waiting");
    this.element.replaceChildren(...content);
  }
}
