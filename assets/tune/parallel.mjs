/* Parallel coordinates: an axis for every hyperparameter and one for accuracy, a line for every trial; axes can be brushed. */

import { make } from "../common/dom.mjs";
import { colour, exact, label, span, svg, value } from "./numbers.mjs";

const [SIDE, TOP, BOTTOM] = [64, 40, 24];
const CLICK = 4; // pixels: less than that was no drag

export class Parallel {
  /** @param {(number: number | null) => void} point @param {(kept: Set<number> | null) => void} filter */
  constructor(point, filter) {
    this.pointAt = point;
    this.tellKept = filter;
    this.search = null;
    this.brushes = {}; // name of an axis -> [from, to], as shares of its height from the top
    this.element = make("div", { class: "tune-plot is-tall" });
    new ResizeObserver(() => this.search && this.draw()).observe(this.element);
  }

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
    const lines = ranked.map((trial) => this.line(trial, range));
    const label = `parallel coordinates of ${lines.length} trials: ${this.axes.map((axis) => axis.label).join(", ")}`;
    this.drawing = svg("svg", { width, height, role: "img", "aria-label": label }, svg("g", {}, ...lines), ...this.axes.map((axis) => this.drawAxis(axis)));
    this.element.replaceChildren(this.drawing);
    this.applyBrushes();
  }

  y(share) {
    return TOP + share * (this.height - TOP - BOTTOM);
  }

  line(trial, range) {
    const places = this.axes.map((axis) => [axis.x, axis.at(trial)]).filter(([, at]) => at !== null).map(([x, at]) => `${x.toFixed(1)} ${this.y(at).toFixed(1)}`);
    const line = svg("path", { class: `tune-line is-${trial.state}`, d: `M${places.join("L")}`, stroke: colour(trial.best, range), "data-number": trial.number });
    line.append(svg("title", {}, `${trial.run}: ${trial.best === null ? trial.state : exact(trial.best)}`));
    line.addEventListener("pointerenter", () => this.pointAt(trial.number));
    line.addEventListener("pointerleave", () => this.pointAt(null));
    return line;
  }

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
      axis.brush.setAttribute("y", this.y(from));
      axis.brush.setAttribute("height", this.y(to) - this.y(from));
    }
    const brushed = this.axes.filter((axis) => this.brushes[axis.name]);
    const passes = (trial, axis) => {
      const [at, [from, to]] = [axis.at(trial), this.brushes[axis.name]];
      return at !== null && at >= from && at <= to;
    };
    const kept = brushed.length ? new Set(this.search.trials.filter((trial) => brushed.every((axis) => passes(trial, axis))).map(({ number }) => number)) : null;
    for (const line of this.lines()) line.classList.toggle("is-out", kept !== null && !kept.has(Number(line.dataset.number)));
    this.tellKept(kept);
  }

  lines() {
    return this.element.querySelectorAll(".tune-line");
  }

  point(number) {
    this.element.classList.toggle("is-pointing", number !== null);
    for (const line of this.lines()) line.classList.toggle("is-pointed", line.dataset.number === String(number));
  }
}

/** The axes of a search: where a trial passes each (0 is the top), and the ticks. */
function axes(search) {
  const found = search.space.map(([name, kind]) => (kind.values ? choice(name, kind.values) : numbers(name, kind)));
  const [low, high] = span(search.trials);
  const at = ({ best }) => (best === null ? null : Math.min(1, Math.max(0, 1 - (best - low) / (high - low))));
  const ticks = [[0, exact(high)], [0.5, exact((low + high) / 2)], [1, low > 0 ? `≤ ${exact(low)}` : exact(low)]]; // prettier-ignore
  return [...found, { name: "accuracy", label: "accuracy", at, ticks }];
}

function numbers(name, { low, high, log }) {
  const on = log ? Math.log : (v) => v;
  const share = (v) => Math.min(1, Math.max(0, 1 - (on(v) - on(low)) / (on(high) - on(low))));
  const middle = log ? Math.sqrt(low * high) : (low + high) / 2;
  return { name, label: label(name), at: ({ params }) => share(params[name]), ticks: [high, middle, low].map((v) => [share(v), value(v)]) };
}

function choice(name, values) {
  const share = (v) => (values.length > 1 ? 1 - values.indexOf(v) / (values.length - 1) : 0.5);
  return { name, label: label(name), at: ({ params }) => share(params[name]), ticks: values.map((v) => [share(v), value(v)]) };
}
