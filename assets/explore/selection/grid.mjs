/* The selected images, a page at a time, in the order of a measure; a click shows one of them. */

import { choice, button, make, number, short, thumbnail, whole } from "../dom.mjs";
import { NewestRequest, post } from "../http.mjs";

const SIDE = 40; // pixels of a thumbnail
const PAGE = 32;
const EVERYTHING = { steps: [{ do: "invert" }] };
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

export class Grid {
  /** @param {import("../panels/panels.mjs").Panels} panels */
  constructor(panels) {
    this.panels = panels;
    this.start = 0;
    this.falling = false;
    this.request = new NewestRequest((sentence) => (this.note.textContent = sentence));
    this.by = choice("Sorted by", Object.entries(ORDERS), () => this.firstPage());
    this.direction = button("panel-button", "least first", "The other way round", () => {
      this.falling = !this.falling;
      this.direction.textContent = this.falling ? "most first" : "least first";
      this.firstPage();
    });
    this.back = button("panel-button", "‹", "The page before", () => this.turnPage(-PAGE));
    this.next = button("panel-button", "›", "The next page", () => this.turnPage(PAGE));
    this.range = make("span", "panel-detail");
    this.note = make("div", "panel-problem");
    this.images = make("div", "image-grid");
    const head = make(
      "div",
      "panel-row",
      {},
      this.by,
      this.direction,
      make("span", "panel-spacer"),
      this.range,
      this.back,
      this.next,
    );
    this.element = make("div", "", {}, head, this.note, this.images);
  }

  firstPage() {
    this.start = 0;
    this.load();
  }

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
    const page = await this.request.send((signal) =>
      post("/api/selection/grid", { run, classifier, selection, ...about }, signal),
    );
    if (!page) return this.images.replaceChildren();
    if (start && start >= page.total) return this.firstPage(); // the selection has become smaller
    this.draw(page);
  }

  draw({ rows, values, indices, total, by }) {
    const { player } = this.panels;
    this.range.textContent = total
      ? `${whole(this.start + 1)}–${whole(this.start + rows.length)} of ${whole(total)}`
      : "";
    this.back.disabled = this.start === 0;
    this.next.disabled = this.start + rows.length >= total;
    const { classNames: names, T } = player.data.frames;
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
        const element = button(about.right === false ? "image-button is-wrong" : "image-button", "", title, () =>
          this.panels.openImage(row),
        );
        element.ariaLabel = title;
        element.append(thumbnail(player, row, SIDE), number(values[i], format));
        return element;
      }),
    );
  }
}
