/* The confusion matrix: rows are the images' classes, columns what they are taken for; a click selects a cell.
 *
 * The strength of a cell's colour is its share of its row, the filled part of it the share that is selected. The pointer
 * and the arrow keys move a mark, and the text beneath describes the marked cell.
 */

import { button, make } from "../../common/dom.mjs";
import { count, percent } from "../../common/numbers.mjs";

const SIDE = 328; // CSS pixels
const STRIP = 6; // pixels of the classes' colours beside rows and columns
const ROOM_FOR_NUMBERS = 26; // pixels a cell
const LISTED = 5; // most frequent confusions
const HELP = "Rows: the class. Columns: the decision. A click selects a cell.";
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** @typedef {[label: number, decision: number]} Cell */

export class Confusion {
  /** @param {import("../../player/main.mjs").Player} player @param {(label: number, decision: number) => void} choose */
  constructor(player, choose) {
    this.player = player;
    this.choose = choose;
    /** @type {Cell | null} */
    this.at = null; // [label, decision] of the marked cell
    this.canvas = make("canvas", { class: "confusion-matrix", tabIndex: 0, role: "grid", ariaLabel: "Confusion matrix" });
    this.text = make("div", { class: "confusion-text", ariaLive: "polite", textContent: HELP });
    this.list = make("div", { class: "confusion-list" });
    this.element = make("div", {}, this.canvas, this.text, this.list);
    this.canvas.addEventListener("pointermove", (event) => this.move(this.cellAt(event)));
    this.canvas.addEventListener("pointerleave", () => this.move(null));
    this.canvas.addEventListener("click", (event) => this.choose(...this.cellAt(event)));
    this.canvas.addEventListener("keydown", (event) => this.keyPressed(event));
  }

  /** @param {import("./selector.mjs").Numbers} numbers */
  draw(numbers) {
    this.numbers = numbers;
    const { all_confusion: all, classifier } = numbers;
    const C = all.length;
    const isDrawn = C > 0; // the server leaves out the matrix of very many classes
    this.canvas.hidden = this.text.hidden = !isDrawn;
    if (!isDrawn) {
      this.list.replaceChildren(`A confusion matrix of ${count(numbers.class_names.length)} classes is not drawn.`);
      return;
    }
    const pairs = all.flatMap((row, y) => row.map((n, k) => ({ y, k, n }))).filter(({ y, k, n }) => y !== k && n);
    pairs.sort((a, b) => b.n - a.n);
    this.list.replaceChildren(
      ...pairs.slice(0, LISTED).map(({ y, k }) => {
        return button(this.describe(y, k), "Select these", () => this.choose(y, k), { class: "confusion-pair" });
      }),
    );
    if (!pairs.length) this.list.textContent = `${classifier} takes no image for another class here.`;
    if (this.at && Math.max(...this.at) >= C) this.at = null;
    this.paint();
  }

  paint() {
    const { canvas, numbers, at } = this;
    const { all_confusion: all, confusion: selected, isAll } = numbers;
    const C = all.length;
    const density = Math.min(2, devicePixelRatio || 1);
    [canvas.width, canvas.height] = [SIDE * density, SIDE * density];
    const context = canvas.getContext("2d");
    context.scale(density, density);
    const style = getComputedStyle(canvas);
    const cell = (SIDE - STRIP) / C;
    const gap = cell > 8 ? 1 : 0;
    const inside = cell - gap;
    this.player.legend().classes.forEach(({ colour }, k) => {
      context.fillStyle = colour;
      context.fillRect(0, STRIP + k * cell, STRIP - 2, inside);
      context.fillRect(STRIP + k * cell, 0, inside, STRIP - 2);
    });
    context.translate(STRIP, STRIP);
    all.forEach((row, y) => {
      const sum = row.reduce((total, n) => total + n, 0);
      row.forEach((n, k) => {
        const [left, top] = [k * cell, y * cell];
        context.fillStyle = style.color;
        context.globalAlpha = 0.04;
        if (gap) context.fillRect(left, top, inside, inside);
        if (!n) return;
        context.fillStyle = y === k ? style.getPropertyValue("--right") : style.getPropertyValue("--wrong");
        const strength = 0.2 + 0.8 * Math.sqrt(n / sum);
        context.globalAlpha = strength * (isAll ? 0.75 : 0.25);
        context.fillRect(left, top, inside, inside);
        const share = isAll ? 0 : selected[y][k] / n;
        context.globalAlpha = strength;
        context.fillRect(left, top + inside * (1 - share), inside, inside * share);
      });
    });
    context.globalAlpha = 1;
    if (cell >= ROOM_FOR_NUMBERS) this.writeNumbers(context, style, cell);
    if (!at) return;
    context.strokeStyle = style.color;
    context.lineWidth = 1.5;
    context.strokeRect(at[1] * cell - 0.5, at[0] * cell - 0.5, cell, cell);
  }

  writeNumbers(context, style, cell) {
    const { all_confusion: all, confusion: selected, isAll } = this.numbers;
    context.fillStyle = style.color;
    context.font = `11px ${style.fontFamily}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    all.forEach((row, y) =>
      row.forEach((n, k) => {
        const shown = isAll ? n : selected[y][k];
        if (shown) context.fillText(count(shown), (k + 0.5) * cell, (y + 0.5) * cell);
      }),
    );
  }

  /** A cell in words: "Coat taken for Shirt: 2 of 7, 14.0 %" if 2 of these 7, which are 14 % of a row, are selected. */
  describe(y, k) {
    const { all_confusion: all, confusion: selected, class_names: names, isAll } = this.numbers;
    const n = all[y][k];
    const sum = all[y].reduce((total, one) => total + one, 0);
    const what = y === k ? `${names[y]} decided right` : `${names[y]} taken for ${names[k]}`;
    return `${what}: ${isAll ? "" : `${count(selected[y][k])} of `}${count(n)}${sum ? `, ${percent(n / sum)}` : ""}`;
  }

  /** @param {Cell | null} cell */
  move(cell) {
    if (!this.numbers || String(cell) === String(this.at)) return;
    this.at = cell;
    this.text.textContent = cell ? this.describe(...cell) : HELP;
    this.paint();
  }

  /** @param {MouseEvent} event @returns {Cell} */
  cellAt({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const C = this.numbers.all_confusion.length;
    const place = (share) => Math.max(0, Math.min(C - 1, Math.floor(((share * SIDE - STRIP) / (SIDE - STRIP)) * C)));
    return [place((clientY - top) / height), place((clientX - left) / width)];
  }

  keyPressed(event) {
    const C = this.numbers?.all_confusion.length;
    if (!C) return;
    if (ARROWS[event.key]) {
      const [y, k] = this.at ?? [0, 0];
      const [down, right] = this.at ? ARROWS[event.key] : [0, 0];
      this.move([Math.max(0, Math.min(C - 1, y + down)), Math.max(0, Math.min(C - 1, k + right))]);
    } else if ((event.key === "Enter" || event.key === " ") && this.at) this.choose(...this.at);
    else return;
    event.preventDefault();
  }
}
