/* The nearest neighbours of one image in D dimensions as thumbnails, and what the picture makes of them. */

import { button, choice, counted, make, number, short, thumbnail } from "../dom.mjs";

const SIDE = 40; // pixels of a thumbnail
const KS = [5, 10, 15, 30];

export class Neighbours {
  /** @param {import("./panels.mjs").Finding} finding @param {() => void} changed k or the metric */
  constructor(finding, changed) {
    this.finding = finding;
    this.k = choice(
      "How many",
      KS.map((k) => [k, `${k} nearest`]),
      changed,
    );
    this.k.value = 15;
    this.metric = choice(
      "Distance",
      [
        ["euclidean", "by distance"],
        ["cosine", "by angle"],
      ],
      changed,
    );
    this.select = button("find-small", "select them", "Select the image and its neighbours", () => {
      const { selector } = finding;
      selector.then(selector.mode, { kind: "images", indices: this.indices });
    });
    this.words = make("div", "find-dim");
    this.near = make("div", "find-images");
    this.other = make("div", "find-dim");
    this.false = make("div", "find-images");
    const head = make("div", "find-row", {}, this.k, this.metric, make("span", "find-space"), this.select);
    this.element = make("div", "", {}, head, this.words, this.near, this.other, this.false);
  }

  /** @param {object} image as the server tells it */
  draw({ index, label, neighbours, class_names: names }) {
    const { rows, distances, indices, labels, missing, false: near } = neighbours;
    this.indices = [index, ...indices];
    const same = labels.filter((other) => other === label).length;
    const far = missing?.length ? `${missing.length} are not among the nearest (dashed)` : "they are the nearest too";
    const lost = missing ? ` In the picture ${far}.` : "";
    this.words.textContent = rows.length
      ? `Of ${counted(rows.length, "neighbour")} in all dimensions ${same} are ${names[label]}.${lost}`
      : "There is no other image to be near.";
    const one = (row, kind, value) => {
      const about = this.finding.player.describe(row);
      const away = value === null ? "" : `, ${short(value)} away`;
      const title = `image ${about.dataIndex}, ${about.labelName}${away}${kind ? `; ${kind} in the picture` : ""}`;
      const made = button(`find-image is-${kind || "kept"}`, "", title, () => this.finding.openImage(row));
      made.ariaLabel = title;
      made.append(thumbnail(this.finding.player, row, SIDE));
      made.append(value === null ? make("span", "", { textContent: about.labelName }) : number(value, short));
      return made;
    };
    this.near.replaceChildren(...rows.map((row, i) => one(row, missing?.includes(row) ? "missing" : "", distances[i])));
    this.other.textContent = near?.length ? "Near in the picture only (dotted):" : "";
    this.false.replaceChildren(...(near ?? []).map((row) => one(row, "false", null)));
  }
}
