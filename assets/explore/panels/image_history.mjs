/* The life of one image: what every classifier made of it over time, and how far it is from every target. */

import { button, make, number, short } from "../dom.mjs";

const SHOWN = 10; // targets, unless all are asked for

/** A strip of decisions for every classifier, in the classes' colours; a click goes to its snapshot. */
export function decisions(image, colours, go) {
  const { decisions: each, epochs, snapshot, label, class_names: names } = image;
  return Object.entries(each).map(([classifier, decided]) => {
    const cells = decided.map((k, t) => {
      const title = `epoch ${short(epochs[t])}: ${names[k]}${k === label ? "" : " (wrong)"}`;
      const cell = button(k === label ? "life-cell" : "life-cell is-wrong", "", title, () => go(epochs[t]));
      cell.ariaLabel = title;
      cell.style.setProperty("--colour", colours[k]?.colour ?? "currentColor");
      if (t === snapshot) cell.ariaCurrent = "true";
      return cell;
    });
    const now = decided[snapshot];
    const says = make("span", now === label ? "life-says" : "life-says is-wrong", { textContent: names[now] });
    return make(
      "div",
      "life-row",
      {},
      make("span", "find-name", { textContent: classifier }),
      make("span", "life-strip", {}, ...cells),
      says,
    );
  });
}

/** Bars of the distances to all targets (or class centres), the nearest first. */
export class Distances {
  constructor() {
    this.isWhole = false;
    this.element = make("div", "");
  }

  draw(image, colours) {
    const { distances, nearest_first: order, label, class_names: names } = image;
    const known = order.filter((k) => distances[k] !== null);
    const most = Math.max(...known.map((k) => distances[k]));
    const own = known.indexOf(label);
    const first = known.slice(0, SHOWN);
    const shown = this.isWhole ? known : own >= SHOWN ? [...first, label] : first; // its own is always among them
    const rows = shown.map((k) => {
      const bar = make("span", "find-share");
      bar.style.setProperty("--share", most ? distances[k] / most : 0);
      bar.style.setProperty("--of", 0);
      bar.style.setProperty("--colour", colours[k]?.colour ?? "currentColor");
      const name = make("span", k === label ? "find-class is-own" : "find-class", { textContent: names[k] });
      if (k === label) name.title = "Its own class";
      return make("div", "find-count-row", {}, name, bar, make("span", "find-figure", {}, number(distances[k], short)));
    });
    const more = button(
      "find-more",
      this.isWhole ? `the nearest ${SHOWN}` : `all ${known.length}`,
      "Show more or fewer",
      () => {
        this.isWhole = !this.isWhole;
        this.draw(image, colours);
      },
    );
    this.element.replaceChildren(...rows, ...(known.length > SHOWN ? [more] : []));
  }
}
