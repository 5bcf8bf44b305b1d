/* The nearest neighbours of one image in D dimensions as thumbnails, and which of them are near in the picture too. */

import { button, choice, make, number } from "../../common/dom.mjs";
import { counted, short } from "../../common/numbers.mjs";
import { thumbnail } from "../thumbnail.mjs";

const SIDE = 40; // pixels of a thumbnail
const KS = [5, 10, 15, 30];
const METRICS = { euclidean: "by distance", cosine: "by angle" };

export class Neighbours {
  /** @param {import("./panels.mjs").Panels} panels @param {() => void} changed k or the metric */
  constructor(panels, changed) {
    this.panels = panels;
    const list = (name, choices) => choice(name, choices, changed, { class: "panel-choice" });
    this.k = list("How many", KS.map((k) => [k, `${k} nearest`]));
    this.k.value = "15";
    this.metric = list("Distance", Object.entries(METRICS));
    this.select = button("select them", "Select the image and its neighbours", () => {
      const { selector } = panels;
      selector.apply(selector.mode, { kind: "images", indices: this.indices });
    }, { class: "panel-button" });
    this.summary = make("div", { class: "panel-detail" });
    this.near = make("div", { class: "image-grid" });
    this.falseTitle = make("div", { class: "panel-detail" });
    this.false = make("div", { class: "image-grid" });
    const head = make("div", { class: "panel-row" }, this.k, this.metric, make("span", { class: "panel-spacer" }), this.select);
    this.element = make("div", {}, head, this.summary, this.near, this.falseTitle, this.false);
  }

  /** @param {import("./image_panel.mjs").ImageHistory} image */
  draw({ index, label, neighbours, class_names: names }) {
    const { rows, distances, indices, labels, missing, false: near } = neighbours;
    this.indices = [index, ...indices];
    const same = labels.filter((other) => other === label).length;
    const far = missing?.length ? `${missing.length} are not among the nearest (dashed)` : "they are the nearest too";
    const lost = missing ? ` In the picture ${far}.` : "";
    this.summary.textContent = rows.length
      ? `Of ${counted(rows.length, "neighbour")} in all dimensions ${same} are ${names[label]}.${lost}`
      : "There is no other image to be near.";
    const one = (row, kind, value) => {
      const about = this.panels.player.describe(row);
      const away = value === null ? "" : `, ${short(value)} away`;
      const title = `image ${about.dataIndex}, ${about.labelName}${away}${kind ? `; ${kind} in the picture` : ""}`;
      const properties = { class: `image-button is-${kind || "kept"}`, "aria-label": title };
      const element = button("", title, () => this.panels.openImage(row), properties);
      element.append(thumbnail(this.panels.player, row, SIDE));
      element.append(value === null ? make("span", { textContent: about.labelName }) : number(value, short));
      return element;
    };
    this.near.replaceChildren(...rows.map((row, i) => one(row, missing?.includes(row) ? "missing" : "", distances[i])));
    this.falseTitle.textContent = near?.length ? "Near in the picture only (dotted):" : "";
    this.false.replaceChildren(...(near ?? []).map((row) => one(row, "false", null)));
  }
}
