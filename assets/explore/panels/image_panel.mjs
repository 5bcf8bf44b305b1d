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

export class ImagePanel {
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

  /** @param {number | null} row of the image; null: none */
  open(row) {
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

  draw(image) {
    this.image = image;
    const { player } = this.panels;
    const { row, index, label, epochs, snapshot: at, neighbours, class_names: names } = image;
    const { classifier } = this.panels.current();
    const colours = player.legend().classes;
    const name = classifier in image.decisions ? classifier : Object.keys(image.decisions)[0];
    const decided = image.decisions[name]?.[at];
    const right = image.decisions[name]?.filter((k) => k === label).length ?? 0;
    const verdict = decided === label ? "decided right" : `taken for ${names[decided]}`;
    this.body.hidden = false;
    this.head.replaceChildren(
      thumbnail(player, row, SIDE),
      make("div", {},
        make("div", { class: "image-name", textContent: names[label] }),
        make("div", { class: "panel-detail", textContent: `image ${index} · epoch ${short(epochs[at])}` }),
        make("div", { class: decided === label ? "image-decision" : "image-decision is-wrong", textContent: `${verdict} (${name})` }),
        make("div", { class: "panel-detail", textContent: `right at ${right} of ${epochs.length} snapshots` }),
        this.select),
    );
    this.drawSelect();
    this.decisions.replaceChildren(...drawDecisions(image, colours, this.panels.go));
    this.distancesTitle.textContent = image.to === "target" ? "Distance to every target" : "Distance to every class centre";
    this.distances.draw(image, colours);
    this.marginChart.draw(epochs, [{ name, kind: "main", values: image.margins[name] ?? [] }], at);
    const own = { name: "own target", kind: "main", values: image.target_distance };
    const centre = { name: "own centre", kind: "reference", values: image.centre_distance };
    this.distanceChart.draw(epochs, image.target_distance ? [own, centre] : [centre], at);
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
    return this.panels.player.state.selection?.includes(this.row) ?? false;
  }

  drawSelect() {
    this.select.textContent = this.isSelected ? "take it off the selection" : "add it to the selection";
  }
}
