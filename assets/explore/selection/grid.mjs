/* The selected images, a page at a time, in the order of a measure; a click shows one of them. */

import { choice, button, make, number, short, thumbnail, whole } from "../dom.mjs";
import { Newest, post } from "../http.mjs";

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
  /** @param {import("../panels/panels.mjs").Finding} finding */
  constructor(finding) {
    this.finding = finding;
    this.start = 0;
    this.falling = false;
    this.newest = new Newest((sentence) => (this.note.textContent = sentence));
    this.by = choice("Sorted by", Object.entries(ORDERS), () => this.again());
    this.turn = button("find-small", "least first", "The other way round", () => {
      this.falling = !this.falling;
      this.turn.textContent = this.falling ? "most first" : "least first";
      this.again();
    });
    this.back = button("find-small", "‹", "The page before", () => this.leaf(-PAGE));
    this.on = button("find-small", "›", "The next page", () => this.leaf(PAGE));
    this.place = make("span", "find-dim");
    this.note = make("div", "find-sentence");
    this.images = make("div", "find-images");
    const head = make(
      "div",
      "find-row",
      {},
      this.by,
      this.turn,
      make("span", "find-space"),
      this.place,
      this.back,
      this.on,
    );
    this.element = make("div", "", {}, head, this.note, this.images);
  }

  again() {
    this.start = 0;
    this.load();
  }

  leaf(by) {
    this.start = Math.max(0, this.start + by);
    this.load();
  }

  async load() {
    const { finding, start } = this;
    const { run, classifier } = finding.asked();
    const { selector } = finding;
    const selection = selector.steps.length ? selector.selection : EVERYTHING;
    const about = { by: this.by.value, falling: this.falling, start, size: PAGE, snapshot: selector.now };
    const page = await this.newest.ask((signal) =>
      post("/api/selection/grid", { run, classifier, selection, ...about }, signal),
    );
    if (!page) return this.images.replaceChildren();
    if (start && start >= page.total) return this.again(); // the selection has become smaller
    this.draw(page);
  }

  draw({ rows, values, indices, total, by }) {
    const { player } = this.finding;
    this.place.textContent = total
      ? `${whole(this.start + 1)}–${whole(this.start + rows.length)} of ${whole(total)}`
      : "";
    this.back.disabled = this.start === 0;
    this.on.disabled = this.start + rows.length >= total;
    const { classNames: names, T } = player.data.frames;
    const told = (value) => {
      if (value === null) return "not known";
      if (by === "label" || by === "decision") return names[value];
      return by === "first_right" && value >= T ? "never" : by === "index" ? `${value}` : short(value);
    };
    this.images.replaceChildren(
      ...rows.map((row, i) => {
        const about = player.describe(row);
        const says = about.right === false ? `, taken for ${about.predictionName}` : "";
        const title = `image ${indices[i]}, ${about.labelName}${says}; ${ORDERS[by]} ${told(values[i])}`;
        const made = button(about.right === false ? "find-image is-wrong" : "find-image", "", title, () =>
          this.finding.openImage(row),
        );
        made.ariaLabel = title;
        made.append(thumbnail(player, row, SIDE), number(values[i], told));
        return made;
      }),
    );
  }
}
