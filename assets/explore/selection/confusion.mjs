/* The confusion matrix: rows are the images' classes, columns what they are taken for; a click selects a cell.
 *
 * A cell is as strong as its share of its row; as much of it as is selected is filled. The pointer and the arrow keys
 * move a mark, and what it is on is told beneath. One drawing serves ten classes and a hundred.
 */

import { button, make, percent, whole } from "../dom.mjs";

const SIDE = 328; // CSS pixels
const STRIP = 6; // pixels of the classes' colours beside rows and columns
const ROOM_FOR_NUMBERS = 26; // pixels a cell
const COMMONEST = 5; // confusions that are listed
const HELP = "Rows: the class. Columns: the decision. A click selects a cell.";
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export class Confusion {
  /** @param {import("../../player/main.mjs").Player} player @param {(label: number, decision: number) => void} choose */
  constructor(player, choose) {
    Object.assign(this, { player, choose });
    this.at = null; // [label, decision] that the mark is on
    this.canvas = make("canvas", "find-confusion", { tabIndex: 0, role: "grid", ariaLabel: "Confusion matrix" });
    this.words = make("div", "find-told", { ariaLive: "polite", textContent: HELP });
    this.list = make("div", "find-list");
    this.element = make("div", "", {}, this.canvas, this.words, this.list);
    this.canvas.addEventListener("pointermove", (event) => this.move(this.cellAt(event)));
    this.canvas.addEventListener("pointerleave", () => this.move(null));
    this.canvas.addEventListener("click", (event) => this.choose(...this.cellAt(event)));
    this.canvas.addEventListener("keydown", (event) => this.pressed(event));
  }

  /** @param {object} numbers as the server tells them */
  draw(numbers) {
    this.numbers = numbers;
    const { all_confusion: all, classifier } = numbers;
    const C = all.length;
    const pairs = all.flatMap((row, y) => row.map((n, k) => ({ y, k, n }))).filter(({ y, k, n }) => y !== k && n);
    pairs.sort((a, b) => b.n - a.n);
    this.list.replaceChildren(
      ...pairs.slice(0, COMMONEST).map(({ y, k }) => {
        return button("find-confused", this.told(y, k), "Select these", () => this.choose(y, k));
      }),
    );
    if (!pairs.length) this.list.textContent = `${classifier} takes no image for another class here.`;
    if (this.at && Math.max(...this.at) >= C) this.at = null;
    this.paint();
  }

  paint() {
    const { canvas, numbers, at } = this;
    const { all_confusion: all, confusion: chosen, isAll } = numbers;
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
        const share = isAll ? 0 : chosen[y][k] / n;
        context.globalAlpha = strength;
        context.fillRect(left, top + inside * (1 - share), inside, inside * share);
      });
    });
    context.globalAlpha = 1;
    if (cell >= ROOM_FOR_NUMBERS) this.write(context, style, cell);
    if (!at) return;
    context.strokeStyle = style.color;
    context.lineWidth = 1.5;
    context.strokeRect(at[1] * cell - 0.5, at[0] * cell - 0.5, cell, cell);
  }

  write(context, style, cell) {
    const { all_confusion: all, confusion: chosen, isAll } = this.numbers;
    context.fillStyle = style.color;
    context.font = `11px ${style.fontFamily}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    all.forEach((row, y) =>
      row.forEach((n, k) => {
        const shown = isAll ? n : chosen[y][k];
        if (shown) context.fillText(whole(shown), (k + 0.5) * cell, (y + 0.5) * cell);
      }),
    );
  }

  /** What a cell holds: "Coat taken for Shirt: 2 of 7, 14.0 %" if 2 of these 7, which are 14 % of a row, are selected. */
  told(y, k) {
    const { all_confusion: all, confusion: chosen, class_names: names, isAll } = this.numbers;
    const n = all[y][k];
    const sum = all[y].reduce((total, one) => total + one, 0);
    const what = y === k ? `${names[y]} decided right` : `${names[y]} taken for ${names[k]}`;
    return `${what}: ${isAll ? "" : `${whole(chosen[y][k])} of `}${whole(n)}${sum ? `, ${percent(n / sum)}` : ""}`;
  }

  move(cell) {
    if (!this.numbers || String(cell) === String(this.at)) return;
    this.at = cell;
    this.words.textContent = cell ? this.told(...cell) : HELP;
    this.paint();
  }

  cellAt({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const C = this.numbers.all_confusion.length;
    const place = (share) => Math.max(0, Math.min(C - 1, Math.floor(((share * SIDE - STRIP) / (SIDE - STRIP)) * C)));
    return [place((clientY - top) / height), place((clientX - left) / width)];
  }

  pressed(event) {
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
