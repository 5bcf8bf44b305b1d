/* The history of one image: the decisions of every classifier over time, and its distance to every target. */

import { button, make, number } from "../../common/dom.mjs";
import { short } from "../../common/numbers.mjs";
import { classRow, moreButton } from "../class_row.mjs";

const SHOWN = 10; // targets, unless all are opened

/** @typedef {import("./image_panel.mjs").ImageHistory} ImageHistory */
/** @typedef {{colour: string}[]} Colours of the classes */

/**
 * A strip of decisions for every classifier, in the classes' colours; a click goes to its snapshot.
 * @param {ImageHistory} image @param {Colours} colours @param {(epoch: number) => void} go
 */
export function drawDecisions(image, colours, go) {
  const { decisions: each, epochs, snapshot, label, class_names: names } = image;
  return Object.entries(each).map(([classifier, decided]) => {
    const cells = decided.map((k, t) => {
      const title = `epoch ${short(epochs[t])}: ${names[k]}${k === label ? "" : " (wrong)"}`;
      const name = k === label ? "decision-cell" : "decision-cell is-wrong";
      const style = { "--colour": colours[k]?.colour ?? "currentColor" };
      const cell = button("", title, () => go(epochs[t]), { class: name, "aria-label": title, style });
      if (t === snapshot) cell.ariaCurrent = "true";
      return cell;
    });
    const current = decided[snapshot];
    const name = make("span", { class: current === label ? "image-decision" : "image-decision is-wrong", textContent: names[current] });
    return make("div", { class: "decision-row" },
      make("span", { class: "panel-name", textContent: classifier }),
      make("span", { class: "decision-strip" }, ...cells),
      name);
  });
}

/** Bars of the distances to all targets (or class centres), the nearest first. */
export class Distances {
  constructor() {
    this.isWhole = false;
    this.element = make("div");
  }

  /** @param {ImageHistory} image @param {Colours} colours */
  draw(image, colours) {
    const { distances, nearest_first: order, label, class_names: names } = image;
    const measured = order.filter((k) => distances[k] !== null);
    const most = Math.max(...measured.map((k) => distances[k]));
    const own = measured.indexOf(label);
    const first = measured.slice(0, SHOWN);
    const listed = this.isWhole ? measured : own >= SHOWN ? [...first, label] : first; // with its own class at any rate
    const rows = listed.map((k) => {
      const bar = { "--share": most ? distances[k] / most : 0, "--of": 0, "--colour": colours[k]?.colour ?? "currentColor" };
      const name = make("span", { class: k === label ? "class-name is-own" : "class-name", textContent: names[k] });
      if (k === label) name.title = "Its own class";
      return classRow(name, bar, number(distances[k], short));
    });
    const more = moreButton(this.isWhole ? `the nearest ${SHOWN}` : `all ${measured.length}`, () => {
      this.isWhole = !this.isWhole;
      this.draw(image, colours);
    });
    this.element.replaceChildren(...rows, ...(measured.length > SHOWN ? [more] : []));
  }
}
