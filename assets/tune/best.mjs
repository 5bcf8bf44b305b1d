/* Best so far: the accuracy of the trials in the order in which they ended, and a line of the best until then. */

import { make, svg } from "../common/dom.mjs";
import { colour, exact, span } from "./numbers.mjs";

const [LEFT, RIGHT, TOP, BOTTOM] = [56, 16, 12, 32];

/** @typedef {import("./answers.d.ts").Search} Search */

export class BestSoFar {
  /** @param {(number: number | null) => void} onPoint called with the trial under the pointer */
  constructor(onPoint) {
    this.onPoint = onPoint;
    /** @type {Search | null} */
    this.search = null;
    /** @type {Map<number, SVGCircleElement>} by the number of the trial */
    this.dots = new Map();
    this.brushed = null; // numbers of the trials that pass all brushes, null without a brush
    this.element = make("div", { class: "tune-plot" });
    new ResizeObserver(() => this.search && this.draw()).observe(this.element);
  }

  /** @param {Search} search */
  show(search) {
    this.search = search;
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width) return;
    const { trials, wanted: total } = this.search;
    const ended = trials.filter(({ best, ended: at }) => best !== null && at !== null).sort((a, b) => a.ended - b.ended);
    const [low, high] = span(ended);
    const margin = (high - low) * 0.08;
    const x = (i) => LEFT + ((i + 1) / Math.max(total, ended.length)) * (width - LEFT - RIGHT);
    const y = (best) => TOP + (1 - (Math.max(best, low) - low) / (high + margin - low)) * (height - TOP - BOTTOM);
    /** @type {SVGElement[]} */
    const parts = [...this.axes(width, height, [low, high], y, Math.max(total, ended.length))];
    let best = -1;
    let path = "";
    ended.forEach((trial, i) => {
      if (trial.best > best) path += path ? `H${x(i).toFixed(1)}V${y(trial.best).toFixed(1)}` : `M${x(i).toFixed(1)} ${y(trial.best).toFixed(1)}`;
      best = Math.max(best, trial.best);
    });
    if (path) parts.push(svg("path", { class: "tune-leader", d: `${path}H${x(ended.length - 1).toFixed(1)}` }));
    this.dots = new Map(ended.map((trial, i) => [trial.number, this.dot(trial, x(i), y(trial.best), [low, high])]));
    const words = ended.length ? `best accuracy ${exact(best)} after ${ended.length} of ${total} trials` : "no trial has ended";
    this.element.replaceChildren(svg("svg", { width, height, role: "img", "aria-label": words }, ...parts, ...this.dots.values()));
    this.filter(this.brushed);
  }

  *axes(width, height, [low, high], y, count) {
    for (const best of [low, (low + high) / 2, high]) {
      yield svg("line", { class: "tune-grid", x1: LEFT, x2: width - RIGHT, y1: y(best), y2: y(best) });
      yield svg("text", { x: LEFT - 8, y: y(best) + 4, "text-anchor": "end" }, exact(best));
    }
    yield svg("text", { x: LEFT, y: height - 8 }, "trials ended");
    yield svg("text", { x: width - RIGHT, y: height - 8, "text-anchor": "end" }, String(count));
  }

  dot(trial, cx, cy, range) {
    const dot = svg("circle", { cx, cy, r: 4, class: "tune-dot", fill: colour(trial.best, range), "data-number": trial.number });
    dot.append(svg("title", {}, `${trial.run}: ${exact(trial.best)}`));
    dot.addEventListener("pointerenter", () => this.onPoint(trial.number));
    dot.addEventListener("pointerleave", () => this.onPoint(null));
    return dot;
  }

  /** Highlight one trial. @param {number | null} number */
  point(number) {
    for (const [trial, dot] of this.dots) dot.classList.toggle("is-pointed", trial === number);
  }

  /** Fade all other trials. @param {Set<number> | null} numbers null for none */
  filter(numbers) {
    this.brushed = numbers;
    for (const [trial, dot] of this.dots) dot.classList.toggle("is-out", numbers !== null && !numbers.has(trial));
  }
}
