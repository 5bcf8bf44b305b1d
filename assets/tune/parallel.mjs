/* Parallel coordinates: an axis for every hyperparameter and one for accuracy, a line for every trial; axes can be brushed. */

import { make, setAttributes, svg } from "../common/dom.mjs";
import { colour, exact, label, span, value } from "./numbers.mjs";

const [SIDE, TOP, BOTTOM] = [64, 40, 24];
const CLICK = 4; // pixels; a shorter drag counts as a click

/** @typedef {import("./answers.d.ts").Search} Search */
/** @typedef {import("./answers.d.ts").Trial} Trial */
/**
 * @typedef {object} Axis
 * @property {string} name
 * @property {string} label
 * @property {(trial: Trial) => number | null} at the height at which a trial passes, from 0 at the top to 1; null: it does not
 * @property {[share: number, words: string][]} ticks
 * @property {number} [x]
 * @property {SVGRectElement} [brush]
 */

export class Parallel {
  /** @param {(number: number | null) => void} onPoint @param {(numbers: Set<number> | null) => void} onBrush */
  constructor(onPoint, onBrush) {
    this.onPoint = onPoint;
    this.onBrush = onBrush;
    /** @type {Search | null} */
    this.search = null;
    this.dragging = false;
    /** @type {Axis[]} */
    this.axes = [];
    /** @type {Map<number, SVGPathElement>} by the number of the trial */
    this.lines = new Map();
    /** @type {Record<string, [from: number, to: number]>} by name of the axis, as shares of its height from the top */
    this.brushes = {};
    this.element = make("div", { class: "tune-plot is-tall" });
    new ResizeObserver(() => this.search && this.draw()).observe(this.element);
  }

  /** @param {Search} search */
  show(search) {
    this.search = search;
    if (!this.dragging) this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width) return;
    this.height = height;
    this.axes = axes(this.search);
    const gap = (width - 2 * SIDE) / Math.max(1, this.axes.length - 1);
    this.axes.forEach((axis, i) => { axis.x = SIDE + i * gap; });
    const ranked = [...this.search.trials].sort((a, b) => (a.best ?? -1) - (b.best ?? -1)); // the best on top
    const range = span(this.search.trials);
    this.lines = new Map(ranked.map((trial) => [trial.number, this.line(trial, range)]));
    const label = `parallel coordinates of ${ranked.length} trials: ${this.axes.map((axis) => axis.label).join(", ")}`;
    this.drawing = svg("svg", { width, height, role: "img", "aria-label": label }, svg("g", {}, ...this.lines.values()), ...this.axes.map((axis) => this.drawAxis(axis)));
    this.element.replaceChildren(this.drawing);
    this.applyBrushes();
  }

  /** @param {number} share */
  y(share) {
    return TOP + share * (this.height - TOP - BOTTOM);
  }

  /** @param {Trial} trial @param {[low: number, high: number]} range */
  line(trial, range) {
    const points = this.axes.map((axis) => [axis.x, axis.at(trial)]).filter(([, at]) => at !== null).map(([x, at]) => `${x.toFixed(1)} ${this.y(at).toFixed(1)}`);
    const line = svg("path", { class: `tune-line is-${trial.state}`, d: `M${points.join("L")}`, stroke: colour(trial.best, range), "data-number": trial.number });
    line.append(svg("title", {}, `${trial.run}: ${trial.best === null ? trial.state : exact(trial.best)}`));
    line.addEventListener("pointerenter", () => this.onPoint(trial.number));
    line.addEventListener("pointerleave", () => this.onPoint(null));
    return line;
  }

  /** @param {Axis} axis */
  drawAxis(axis) {
    const [top, bottom] = [this.y(0), this.y(1)];
    const brush = svg("rect", { class: "tune-brush", x: axis.x - 8, width: 16, y: top, height: 0 });
    const reach = svg("rect", { class: "tune-reach", x: axis.x - 14, width: 28, y: top - 8, height: bottom - top + 16 });
    reach.addEventListener("pointerdown", (event) => this.drag(axis, reach, event));
    const group = svg("g", { class: "tune-axis" },
      svg("line", { x1: axis.x, x2: axis.x, y1: top, y2: bottom }),
      svg("text", { class: "tune-name", x: axis.x, y: 14, "text-anchor": "middle" }, axis.label),
      ...axis.ticks.map(([share, words]) => svg("text", { x: axis.x + 8, y: this.y(share) + 4 }, words)),
      brush, reach); // prettier-ignore
    axis.brush = brush;
    return group;
  }

  /** @param {Axis} axis @param {SVGRectElement} reach @param {PointerEvent} down */
  drag(axis, reach, down) {
    const share = (event) => Math.max(0, Math.min(1, (event.clientY - this.drawing.getBoundingClientRect().top - TOP) / (this.height - TOP - BOTTOM)));
    const from = share(down);
    this.dragging = true;
    reach.setPointerCapture(down.pointerId);
    const move = (event) => {
      if (Math.abs(event.clientY - down.clientY) < CLICK) delete this.brushes[axis.name];
      else this.brushes[axis.name] = [Math.min(from, share(event)), Math.max(from, share(event))];
      this.applyBrushes();
    };
    const up = (event) => {
      move(event);
      this.dragging = false;
      reach.removeEventListener("pointermove", move);
      reach.removeEventListener("pointerup", up);
    };
    reach.addEventListener("pointermove", move);
    reach.addEventListener("pointerup", up);
  }

  applyBrushes() {
    for (const axis of this.axes) {
      const [from, to] = this.brushes[axis.name] ?? [0, 0];
      setAttributes(axis.brush, { y: this.y(from), height: this.y(to) - this.y(from) });
    }
    const brushed = this.axes.filter((axis) => this.brushes[axis.name]);
    const passes = (trial, axis) => {
      const [at, [from, to]] = [axis.at(trial), this.brushes[axis.name]];
      return at !== null && at >= from && at <= to;
    };
    const numbers = brushed.length ? new Set(this.search.trials.filter((trial) => brushed.every((axis) => passes(trial, axis))).map(({ number }) => number)) : null;
    for (const [trial, line] of this.lines) line.classList.toggle("is-out", numbers !== null && !numbers.has(trial));
    this.onBrush(numbers);
  }

  /** Highlight one trial. @param {number | null} number */
  point(number) {
    this.element.classList.toggle("is-pointing", number !== null);
    for (const [trial, line] of this.lines) line.classList.toggle("is-pointed", trial === number);
  }
}

/** @param {Search} search @returns {Axis[]} */
function axes(search) {
  const parameters = search.space.map(([name, kind]) => (kind.values ? choiceAxis(name, kind.values) : numberAxis(name, kind)));
  const [low, high] = span(search.trials);
  /** @param {Trial} trial */
  const at = ({ best }) => (best === null ? null : Math.min(1, Math.max(0, 1 - (best - low) / (high - low))));
  /** @type {Axis["ticks"]} */
  const ticks = [[0, exact(high)], [0.5, exact((low + high) / 2)], [1, low > 0 ? `≤ ${exact(low)}` : exact(low)]]; // prettier-ignore
  return [...parameters, { name: "accuracy", label: "accuracy", at, ticks }];
}

/** @param {string} name @param {import("./answers.d.ts").Kind} kind @returns {Axis} */
function numberAxis(name, { low, high, log }) {
  const scale = log ? Math.log : (v) => v;
  const share = (v) => Math.min(1, Math.max(0, 1 - (scale(v) - scale(low)) / (scale(high) - scale(low))));
  const middle = log ? Math.sqrt(low * high) : (low + high) / 2;
  return { name, label: label(name), at: ({ params }) => share(params[name]), ticks: [high, middle, low].map((v) => [share(v), value(v)]) };
}

/** @param {string} name @param {number[]} values @returns {Axis} */
function choiceAxis(name, values) {
  const share = (v) => (values.length > 1 ? 1 - values.indexOf(v) / (values.length - 1) : 0.5);
  return { name, label: label(name), at: ({ params }) => share(params[name]), ticks: values.map((v) => [share(v), value(v)]) };
}
