/* The panel of one image: its class, its decisions over time, its distance to every target, its neighbours. */

import { Chart } from "./chart.mjs";
import { button, make } from "../../common/dom.mjs";
import { sentence, short } from "../../common/numbers.mjs";
import { thumbnail } from "../thumbnail.mjs";
import { section } from "./section.mjs";
import { Distances, drawDecisions } from "./image_history.mjs";
import { Links } from "./links.mjs";
import { Neighbours } from "./neighbours.mjs";
import { NewestRequest, get } from "../../common/http.mjs";

const SIDE = 96; // pixels of the image
const NONE = "Click an image in the picture, or one of the small images in the other panels, to see its life.";

/**
 * @typedef {object} ImageHistory of `/api/image`
 * @property {number} row
 * @property {number} index in the data set
 * @property {number} label
 * @property {number} snapshot
 * @property {number[]} epochs
 * @property {string[]} class_names
 * @property {Record<string, number[]>} decisions by classifier (T,)
 * @property {Record<string, (number | null)[]>} margins by classifier (T,)
 * @property {"target" | "centre"} to what the distances of the snapshot are measured to
 * @property {(number | null)[]} distances (C,)
 * @property {number[]} nearest_first (C,)
 * @property {(number | null)[] | null} target_distance (T,) to its own target; null without targets
 * @property {(number | null)[]} centre_distance (T,)
 * @property {Near} neighbours in all dimensions
 * @property {number[][]} [trail] (T, 2) its places in the picture
 */
/**
 * @typedef {object} Near
 * @property {number[]} rows
 * @property {number[]} distances
 * @property {number[]} indices
 * @property {number[]} labels
 * @property {number[]} [kept] rows that are near in the picture too
 * @property {number[]} [missing] that are not
 * @property {number[]} [false] that are near in the picture only
 */

export class ImagePanel {
  static title = "Image";
  static help = "One image: its decisions, its distances, its neighbours";

  /** @param {HTMLElement} element @param {import("./panels.mjs").Panels} panels */
  constructor(element, panels) {
    this.panels = panels;
    const { player, selector } = panels;
    this.row = null;
    this.request = new NewestRequest((problem) => this.setNote(sentence(problem)));
    this.note = make("div", { class: "panel-problem" });
    this.head = make("div", { class: "image-head" });
    this.decisions = make("div");
    this.distances = new Distances();
    this.distancesTitle = make("h3", { class: "panel-title" });
    this.marginChart = new Chart("Margin", panels.go);
    this.distanceChart = new Chart("Distance", panels.go);
    this.neighbours = new Neighbours(panels, () => this.load());
    this.links = new Links(player);
    this.select = button("", "", () => {
      const mode = this.isSelected ? "subtract" : "add";
      selector.apply(mode, { kind: "images", indices: [this.image.index] });
    }, { class: "panel-button" });
    selector.on("numbers", () => this.drawSelect());
    this.body = make("div", { hidden: true },
      this.head,
      section("Decisions", this.decisions),
      make("section", { class: "panel-section" }, this.distancesTitle, this.distances.element),
      section("Over the epochs", this.marginChart.element, this.distanceChart.element),
      section("Nearest neighbours", this.neighbours.element));
    element.replaceChildren(this.note, this.body);
    this.setNote(NONE);
  }

  /** @param {Record<string, string>} query of the address */
  begin({ image = "" }) {
    this.choose(/^\d+$/.test(image) ? Number(image) : null);
  }

  get address() {
    return this.row === null ? {} : { image: String(this.row) };
  }

  /** @param {number | null} row of the image; null: none */
  choose(row) {
    this.row = row;
    this.loaded = null;
    if (row !== null) return;
    this.request.stop();
    this.links.show(null);
    this.body.hidden = true;
    this.setNote(NONE);
  }

  show() {
    const key = JSON.stringify([this.row, this.panels.contentKey]);
    if (this.row !== null && this.loaded !== key) this.load(key);
    else if (this.row !== null) this.links.show(this.marks);
  }

  hide() {
    this.links.show(null);
  }

  remove() {
    this.request.stop();
    this.links.remove();
  }

  async load(key = this.loaded) {
    this.loaded = key;
    const { run, view } = this.panels.current();
    const { method, classes, at, first } = view;
    const picture = { view: method, classes: classes?.join(","), at, first, snapshot: this.panels.selector.snapshot };
    const near = { k: this.neighbours.k.value, metric: this.neighbours.metric.value };
    const { row } = this;
    /** @type {ImageHistory | null} */
    const image = await this.request.send((signal) => get("/api/image", { run, row, ...picture, ...near }, signal));
    if (image) this.draw(image);
  }

  /** Show a sentence instead of an image. */
  setNote(sentence) {
    this.note.textContent = sentence;
    if (!sentence) return;
    this.body.hidden = true;
    this.marks = null;
    this.links.show(null);
  }

  /** @param {ImageHistory} image */
  draw(image) {
    this.image = image;
    const { player } = this.panels;
    const { row, epochs, snapshot: at, neighbours } = image;
    const { classifier } = this.panels.current();
    const colours = player.legend().classes;
    const name = classifier in image.decisions ? classifier : Object.keys(image.decisions)[0];
    this.body.hidden = false;
    this.drawHead(image, name);
    this.drawSelect();
    this.decisions.replaceChildren(...drawDecisions(image, colours, this.panels.go));
    this.distancesTitle.textContent = image.to === "target" ? "Distance to every target" : "Distance to every class centre";
    this.distances.draw(image, colours);
    this.marginChart.draw(epochs, [{ name, kind: "main", values: image.margins[name] ?? [] }], at);
    const own = { name: "own target", kind: "main", values: image.target_distance };
    const centre = { name: "own centre", kind: "reference", values: image.centre_distance };
    this.distanceChart.draw(epochs, image.target_distance ? [own, centre] : [centre], at);
    this.neighbours.draw(image);
    const { kept, missing, false: invented } = neighbours;
    this.marks = { row, trail: image.trail, kept, missing, false: invented };
    this.links.show(this.marks);
  }

  /** What it is and how it is decided. @param {ImageHistory} image @param {string} classifier */
  drawHead({ row, index, label, epochs, snapshot, decisions, class_names: names }, classifier) {
    const decided = decisions[classifier]?.[snapshot];
    const right = decisions[classifier]?.filter((k) => k === label).length ?? 0;
    const verdict = decided === label ? "decided right" : `taken for ${names[decided]}`;
    const kind = decided === label ? "image-decision" : "image-decision is-wrong";
    const about = make("div", {},
      make("div", { class: "image-name", textContent: names[label] }),
      make("div", { class: "panel-detail", textContent: `image ${index} · epoch ${short(epochs[snapshot])}` }),
      make("div", { class: kind, textContent: `${verdict} (${classifier})` }),
      make("div", { class: "panel-detail", textContent: `right at ${right} of ${epochs.length} snapshots` }),
      this.select);
    this.head.replaceChildren(thumbnail(this.panels.player, row, SIDE), about);
  }

  get isSelected() {
    return this.panels.player.state.selection?.includes(this.row) ?? false;
  }

  drawSelect() {
    this.select.textContent = this.isSelected ? "take it off the selection" : "add it to the selection";
  }
}
