/* The panel of one image: what it is, what was made of it over time, how far every target is, and who is near. */

import { Chart } from "./chart.mjs";
import { button, make, section, short, thumbnail } from "../dom.mjs";
import { Distances, decisions } from "./image_history.mjs";
import { Links } from "./links.mjs";
import { Neighbours } from "./neighbours.mjs";
import { Newest, get } from "../http.mjs";

const SIDE = 96; // pixels of the image
const NONE = "Click an image in the picture, or one of the small images in the other panels, to see its life.";

export class ImagePanel {
  /** @param {HTMLElement} element @param {import("./panels.mjs").Finding} finding */
  constructor(element, finding) {
    this.finding = finding;
    const { player, selector } = finding;
    this.row = null;
    this.newest = new Newest((sentence) => this.say(sentence));
    this.note = make("div", "find-sentence");
    this.head = make("div", "life-head");
    this.life = make("div", "");
    this.distances = new Distances();
    this.far = make("h3", "find-title");
    this.margin = new Chart("Margin", finding.go);
    this.apart = new Chart("Distance", finding.go);
    this.neighbours = new Neighbours(finding, () => this.load());
    this.links = new Links(player);
    this.select = button("find-small", "", "", () => {
      const how = this.isSelected ? "subtract" : "add";
      selector.then(how, { kind: "images", indices: [this.image.index] });
    });
    selector.on("numbers", () => this.drawSelect());
    this.body = make(
      "div",
      "",
      { hidden: true },
      this.head,
      section("Decisions", this.life),
      make("section", "find-section", {}, this.far, this.distances.element),
      section("Over the epochs", this.margin.element, this.apart.element),
      section("Nearest neighbours", this.neighbours.element),
    );
    element.replaceChildren(this.note, this.body);
    this.say(NONE);
  }

  /** @param {number | null} row of the image; null: none */
  open(row) {
    this.row = row;
    this.loaded = null;
    if (row !== null) return;
    this.newest.stop();
    this.links.show(null);
    this.body.hidden = true;
    this.say(NONE);
  }

  show() {
    const key = JSON.stringify([this.row, this.finding.moment]);
    if (this.row !== null && this.loaded !== key) this.load(key);
    else if (this.row !== null) this.links.show(this.marks);
  }

  hide() {
    this.links.show(null);
  }

  remove() {
    this.newest.stop();
    this.links.remove();
  }

  async load(key = this.loaded) {
    this.loaded = key;
    const { run, view } = this.finding.asked();
    const { method, classes, at, first } = view;
    const about = { view: method, classes: classes?.join(","), at, first, snapshot: this.finding.selector.now };
    const near = { k: this.neighbours.k.value, metric: this.neighbours.metric.value };
    const { row } = this;
    const image = await this.newest.ask((signal) => get("/api/image", { run, row, ...about, ...near }, signal));
    if (image) this.draw(image);
  }

  /** A sentence instead of an image; what was shown of another is not left standing. */
  say(sentence) {
    this.note.textContent = sentence;
    if (!sentence) return;
    this.body.hidden = true;
    this.marks = null;
    this.links.show(null);
  }

  draw(image) {
    this.image = image;
    const { player } = this.finding;
    const { row, index, label, epochs, snapshot: at, neighbours, class_names: names } = image;
    const { classifier } = this.finding.asked();
    const colours = player.legend().classes;
    const name = classifier in image.decisions ? classifier : Object.keys(image.decisions)[0];
    const decided = image.decisions[name]?.[at];
    const right = image.decisions[name]?.filter((k) => k === label).length ?? 0;
    const verdict = decided === label ? "decided right" : `taken for ${names[decided]}`;
    this.body.hidden = false;
    this.head.replaceChildren(
      thumbnail(player, row, SIDE),
      make(
        "div",
        "",
        {},
        make("div", "life-name", { textContent: names[label] }),
        make("div", "find-dim", { textContent: `image ${index} · epoch ${short(epochs[at])}` }),
        make("div", decided === label ? "life-says" : "life-says is-wrong", { textContent: `${verdict} (${name})` }),
        make("div", "find-dim", { textContent: `right at ${right} of ${epochs.length} snapshots` }),
        this.select,
      ),
    );
    this.drawSelect();
    this.life.replaceChildren(...decisions(image, colours, this.finding.go));
    this.far.textContent = image.to === "target" ? "Distance to every target" : "Distance to every class centre";
    this.distances.draw(image, colours);
    this.margin.draw(epochs, [{ name, kind: "chosen", values: image.margins[name] ?? [] }], at);
    const own = { name: "own target", kind: "chosen", values: image.target_distance };
    const centre = { name: "own centre", kind: "all", values: image.centre_distance };
    this.apart.draw(epochs, image.target_distance ? [own, centre] : [centre], at);
    this.neighbours.draw(image);
    this.marks = {
      row,
      trail: image.trail,
      kept: neighbours.kept,
      missing: neighbours.missing,
      false: neighbours.false,
    };
    this.links.show(this.marks);
  }

  get isSelected() {
    return this.finding.player.state.selection?.includes(this.row) ?? false;
  }

  drawSelect() {
    this.select.textContent = this.isSelected ? "take it off the selection" : "add it to the selection";
  }
}
