/* The number of selected images of each class, as bars; a click on a class applies it in the mode of the bar. */

import { button, make, number } from "../../common/dom.mjs";
import { count } from "../../common/numbers.mjs";
import { classRow, moreButton } from "../class_row.mjs";

const SHOWN = 10; // classes, unless all are opened

export class Counts {
  /** @param {(k: number) => void} choose @param {import("../../player/main.mjs").Player} player */
  constructor(player, choose) {
    this.player = player;
    this.choose = choose;
    this.isWhole = false;
    this.element = make("div", { class: "class-counts" });
  }

  /** @param {import("./selector.mjs").Numbers} numbers */
  draw(numbers) {
    const { labels, label_totals: totals, class_names: names, isAll } = numbers;
    const colours = this.player.legend().classes;
    const counts = isAll ? totals : labels;
    const most = Math.max(1, ...totals);
    const order = names.map((_, k) => k);
    if (names.length > SHOWN) order.sort((a, b) => counts[b] - counts[a] || a - b);
    const rows = (this.isWhole ? order : order.slice(0, SHOWN)).map((k) => {
      const help = `Select ${names[k]}, as the bar over the picture says`;
      const name = button(names[k], help, () => this.choose(k), { class: "class-name" });
      const bar = { "--share": counts[k] / most, "--of": totals[k] / most, "--colour": colours[k]?.colour ?? "currentColor" };
      return classRow(name, bar, number(counts[k], count), ` / ${count(totals[k])}`);
    });
    const more = moreButton(this.isWhole ? `the first ${SHOWN}` : `all ${names.length} classes`, () => {
      this.isWhole = !this.isWhole;
      this.draw(numbers);
    });
    this.element.replaceChildren(...rows, ...(names.length > SHOWN ? [more] : []));
  }
}
