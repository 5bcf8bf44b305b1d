/* The number of selected images of each class, as bars; a click on a class applies it in the mode of the bar. */

import { button, make, number, whole } from "../dom.mjs";

const SHOWN = 10; // classes, unless all are opened

export class Counts {
  /** @param {(k: number) => void} choose @param {import("../../player/main.mjs").Player} player */
  constructor(player, choose) {
    Object.assign(this, { player, choose });
    this.isWhole = false;
    this.element = make("div", "class-counts");
  }

  /** @param {object} numbers as the server answers them */
  draw(numbers) {
    const { labels, label_totals: totals, class_names: names, isAll } = numbers;
    const colours = this.player.legend().classes;
    const counts = isAll ? totals : labels;
    const order = names.map((_, k) => k);
    if (names.length > SHOWN) order.sort((a, b) => counts[b] - counts[a] || a - b);
    const rows = (this.isWhole ? order : order.slice(0, SHOWN)).map((k) => {
      const bar = make("span", "class-bar");
      bar.style.setProperty("--share", totals[k] ? counts[k] / Math.max(...totals) : 0);
      bar.style.setProperty("--of", totals[k] / Math.max(1, ...totals));
      bar.style.setProperty("--colour", colours[k]?.colour ?? "currentColor");
      const name = button("class-name", names[k], `Select ${names[k]}, as the bar over the picture says`, () =>
        this.choose(k),
      );
      const count = make("span", "class-number", {}, number(counts[k], whole), ` / ${whole(totals[k])}`);
      return make("div", "class-row", {}, name, bar, count);
    });
    const more = button(
      "panel-more",
      this.isWhole ? `the first ${SHOWN}` : `all ${names.length} classes`,
      "Show more or fewer",
      () => {
        this.isWhole = !this.isWhole;
        this.draw(numbers);
      },
    );
    this.element.replaceChildren(...rows, ...(names.length > SHOWN ? [more] : []));
  }
}
