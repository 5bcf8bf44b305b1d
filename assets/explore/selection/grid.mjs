/* The selected images, a page at a time, in the order of a measure; a click shows one of them. */

import { button, choice, make, number } from "../../common/dom.mjs";
import { count, sentence, short } from "../../common/numbers.mjs";
import { thumbnail } from "../thumbnail.mjs";
import { NewestRequest, post } from "../../common/http.mjs";

const SIDE = 40; // pixels of a thumbnail
const PAGE = 32;
const EVERYTHING = { steps: [{ do: "invert" }] };
/** @type {Record<string, string>} */
const ORDERS = {
  margin: "margin",
  target_distance: "distance to own target",
  centre_distance: "distance to own centre",
  first_right: "first right at snapshot",
  changes: "changes of decision",
  label: "class",
  decision: "decision",
  index: "number in the data set",
};

/**
 * @typedef {object} Page of `/api/selection/grid`
 * @property {number[]} rows
 * @property {(number | null)[]} values of the measure
 * @property {number[]} indices in the data set
 * @property {number} total of all pages
 * @property {string} by one of ORDERS
 */

export class Grid {
  /** @param {import("../panels/panels.mjs").Panels} panels */
  constructor(panels) {
    this.panels = panels;
    this.start = 0;
    this.falling = false;
    this.request = new NewestRequest((problem) => (this.note.textContent = sentence(problem)));
    this.by = choice("Sorted by", Object.entries(ORDERS), () => this.firstPage(), { class: "panel-choice" });
    this.direction = button("least first", "The other way round", () => {
      this.falling = !this.falling;
      this.direction.textContent = this.falling ? "most first" : "least first";
      this.firstPage();
    }, { class: "panel-button" });
    this.back = button("‹", "The page before", () => this.turnPage(-PAGE), { class: "panel-button" });
    this.next = button("›", "The next page", () => this.turnPage(PAGE), { class: "panel-button" });
    this.range = make("span", { class: "panel-detail" });
    this.note = make("div", { class: "panel-problem" });
    this.images = make("div", { class: "image-grid" });
    const spacer = make("span", { class: "panel-spacer" });
    const head = make("div", { class: "panel-row" }, this.by, this.direction, spacer, this.range, this.back, this.next);
    this.element = make("div", {}, head, this.note, this.images);
  }

  firstPage() {
    this.start = 0;
    this.load();
  }

  /** @param {number} by images */
  turnPage(by) {
    this.start = Math.max(0, this.start + by);
    this.load();
  }

  async load() {
    const { panels, start } = this;
    const { run, classifier } = panels.current();
    const { selector } = panels;
    const selection = selector.steps.length ? selector.selection : EVERYTHING;
    const about = { by: this.by.value, falling: this.falling, start, size: PAGE, snapshot: selector.snapshot };
    /** @type {Page | null} */
    const page = await this.request.send((signal) =>
      post("/api/selection/grid", { run, classifier, selection, ...about }, signal),
    );
    if (!page) return this.images.replaceChildren();
    if (start && start >= page.total) return this.firstPage(); // the selection has become smaller
    this.draw(page);
  }

  /** @param {Page} page */
  draw({ rows, values, indices, total, by }) {
    const { player } = this.panels;
    this.range.textContent = total
      ? `${count(this.start + 1)}–${count(this.start + rows.length)} of ${count(total)}`
      : "";
    this.back.disabled = this.start === 0;
    this.next.disabled = this.start + rows.length >= total;
    const { classNames: names, T } = player.data.frames;
    /** @param {number | null} value */
    const format = (value) => {
      if (value === null) return "not known";
      if (by === "label" || by === "decision") return names[value];
      return by === "first_right" && value >= T ? "never" : by === "index" ? `${value}` : short(value);
    };
    this.images.replaceChildren(
      ...rows.map((row, i) => {
        const about = player.describe(row);
        const decision = about.right === false ? `, taken for ${about.predictionName}` : "";
        const title = `image ${indices[i]}, ${about.labelName}${decision}; ${ORDERS[by]} ${format(values[i])}`;
        const properties = { class: about.right === false ? "image-button is-wrong" : "image-button", "aria-label": title };
        const element = button("", title, () => this.panels.openImage(row), properties);
        element.append(thumbnail(player, row, SIDE), number(values[i], format));
        return element;
      }),
    );
  }
}
