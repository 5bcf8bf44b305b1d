/* A small chart of lines over the epochs, with their values at the snapshot shown; a click goes to its epoch. */

import { make, number, svg } from "../../common/dom.mjs";
import { percent, short } from "../../common/numbers.mjs";

const [WIDTH, HEIGHT] = [320, 84]; // of the drawing, which is scaled to the panel
const EDGE = { left: 40, right: 6, top: 6, bottom: 16 };

/** @typedef {{name: string, kind: string, values: (number | null)[]}} Line `kind` names its style in panels.css */

export class Chart {
  /** @param {string} title @param {(epoch: number) => void} go @param {(value: number) => string} [format] */
  constructor(title, go, format = short) {
    this.format = format;
    /** @type {number[] | null} */
    this.epochs = null;
    this.values = make("span", { class: "chart-values" });
    const head = make("div", { class: "chart-head" }, make("span", { class: "panel-name", textContent: title }), this.values);
    this.drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart-drawing", role: "img", "aria-label": title });
    this.drawing.addEventListener("click", ({ clientX }) => {
      const { left, width } = this.drawing.getBoundingClientRect();
      if (this.epochs) go(this.epochOf(((clientX - left) / width) * WIDTH));
    });
    this.element = make("div", { class: "chart" }, head, this.drawing);
  }

  /** @param {number[]} epochs @param {Line[]} lines @param {number} at the snapshot shown */
  draw(epochs, lines, at) {
    const numbers = lines.flatMap(({ values }) => values).filter(Number.isFinite);
    this.epochs = epochs;
    this.values.replaceChildren(
      ...lines.map(({ name, kind, values }) =>
        make("span", { class: `is-${kind}` }, `${name} `, number(values[at] ?? null, this.format)),
      ),
    );
    this.drawing.replaceChildren();
    if (!numbers.length) return;
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    /** @param {number} value */
    const y = (value) =>
      EDGE.top + (HEIGHT - EDGE.top - EDGE.bottom) * (high > low ? (high - value) / (high - low) : 0.5);
    /** @param {number} x @param {number} at @param {string} text @param {string} anchor */
    const label = (x, at, text, anchor) => svg("text", { x, y: at, "text-anchor": anchor }, text);
    const [first, last] = [epochs[0], epochs.at(-1)];
    const bottom = HEIGHT - EDGE.bottom;
    this.drawing.append(
      svg("path", { class: "chart-axis", d: `M${EDGE.left},${EDGE.top}V${bottom}H${WIDTH - EDGE.right}` }),
      label(EDGE.left - 4, EDGE.top + 7, this.tick(high), "end"),
      ...(high > low ? [label(EDGE.left - 4, bottom, this.tick(low), "end")] : []),
      label(EDGE.left, HEIGHT - 4, short(first), "start"),
      ...(last > first ? [label(WIDTH - EDGE.right, HEIGHT - 4, `epoch ${short(last)}`, "end")] : []),
      svg("line", { class: "chart-cursor", x1: this.x(epochs[at]), x2: this.x(epochs[at]), y1: EDGE.top, y2: bottom }),
      ...lines.flatMap(({ kind, values }) => this.line(kind, values, y, at)),
    );
  }

  /** A number at the axis, with fewer digits. @param {number} value */
  tick(value) {
    return this.format === percent ? `${Math.round(100 * value)} %` : String(Number(value.toPrecision(2)));
  }

  /**
   * A line, interrupted where there are no values, and a dot at the snapshot shown.
   * @param {string} kind @param {Line["values"]} values @param {(value: number) => number} y
   * @param {number} at
   */
  line(kind, values, y, at) {
    let pen = "M";
    let d = "";
    values.forEach((value, t) => {
      const isKnown = Number.isFinite(value);
      if (isKnown) d += `${pen}${this.x(this.epochs[t]).toFixed(1)},${y(value).toFixed(1)}`;
      pen = isKnown ? "L" : "M";
    });
    const path = svg("path", { class: `chart-line is-${kind}`, d });
    if (!Number.isFinite(values[at])) return [path];
    return [
      path,
      svg("circle", { class: `chart-dot is-${kind}`, cx: this.x(this.epochs[at]), cy: y(values[at]), r: 2.5 }),
    ];
  }

  /** @param {number} epoch */
  x(epoch) {
    const [first, last] = [this.epochs[0], this.epochs.at(-1)];
    return EDGE.left + (WIDTH - EDGE.left - EDGE.right) * (last > first ? (epoch - first) / (last - first) : 0.5);
  }

  /** @param {number} x */
  epochOf(x) {
    const [first, last] = [this.epochs[0], this.epochs.at(-1)];
    const share = (x - EDGE.left) / (WIDTH - EDGE.left - EDGE.right);
    return first + Math.max(0, Math.min(1, share)) * (last - first);
  }
}
