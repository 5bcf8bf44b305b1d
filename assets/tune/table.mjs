/* The table of trials, best first; a heading sorts by its column. A trial can be opened while it runs. */

import { button, make, replaceAll, svg } from "../common/dom.mjs";
import { exact, label, value } from "./numbers.mjs";

const STATES = { training: "training", queued: "waiting", stopped: "stopped early" };

/** @typedef {import("./answers.d.ts").Trial} Trial */
/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {(trial: Trial) => string | number} [sortBy]
 * @property {(trial: Trial) => string | Node} cell
 * @property {boolean} [number] whether numbers stand in it
 */

export class Table {
  /** @param {(number: number | null) => void} onPoint called with the trial under the pointer */
  constructor(onPoint) {
    this.onPoint = onPoint;
    this.order = { key: "best", down: true };
    /** @type {Map<number, HTMLTableRowElement>} by the number of the trial */
    this.rows = new Map();
    this.brushed = null; // numbers of the trials that pass all brushes, null without a brush
    this.element = make("div", { class: "tune-scroll", tabIndex: 0 });
  }

  /** @param {import("./answers.d.ts").Search} search */
  show(search) {
    this.search = search;
    const columns = this.columns();
    /** @type {[number, HTMLTableRowElement][]} */
    const rows = [...search.trials].sort((a, b) => this.compare(columns, a, b)).map((trial) => [trial.number, this.row(trial, columns)]);
    const head = make("tr", {}, ...columns.map((column) => this.heading(column)));
    this.rows = new Map(rows);
    const body = make("tbody", {}, ...this.rows.values());
    replaceAll(this.element, make("table", { class: "tune-table" }, make("thead", {}, head), body));
    this.filter(this.brushed);
  }

  /** @returns {Column[]} */
  columns() {
    const params = this.search.space.map(([name]) => ({ key: name, title: label(name), sortBy: ({ params: p }) => p[name], cell: ({ params: p }) => value(p[name]), number: true }));
    return [
      { key: "best", title: "accuracy", sortBy: ({ best }) => best ?? -1, cell: ({ best }) => exact(best), number: true },
      { key: "run", title: "trial", sortBy: ({ number }) => number, cell: link },
      { key: "state", title: "state", sortBy: ({ state }) => state, cell: state },
      { key: "epoch", title: "epochs", sortBy: ({ epoch }) => epoch, cell: ({ epoch }) => `${Number(epoch.toFixed(1))} / ${this.search.epochs}`, number: true },
      { key: "curve", title: "accuracy by epoch", cell: ({ accuracies }) => spark(accuracies, this.search.epochs) },
      ...params,
    ]; // prettier-ignore
  }

  /** @param {Column[]} columns @param {Trial} a @param {Trial} b */
  compare(columns, a, b) {
    const { sortBy } = columns.find(({ key }) => key === this.order.key) ?? columns[0];
    const [one, other] = [sortBy(a), sortBy(b)];
    const sign = one < other ? -1 : one > other ? 1 : 0;
    return (this.order.down ? -sign : sign) || a.number - b.number;
  }

  /** @param {Column} column */
  heading({ key, title, sortBy, number }) {
    if (!sortBy) return make("th", { textContent: title });
    const sorted = this.order.key === key;
    const sort = () => {
      this.order = { key, down: sorted ? !this.order.down : key === "best" };
      this.show(this.search);
    };
    const sorter = button(title, "Sort by this", sort, { class: "tune-sort", data: { key: `sort-${key}` } });
    return make("th", { class: number ? "is-number" : "", "aria-sort": sorted ? (this.order.down ? "descending" : "ascending") : "none" }, sorter);
  }

  /** @param {Trial} trial @param {Column[]} columns */
  row(trial, columns) {
    const cells = columns.map(({ cell, number }) => {
      const content = cell(trial);
      return make("td", { class: number ? "is-number" : "" }, content);
    });
    const on = { pointerenter: () => this.onPoint(trial.number), pointerleave: () => this.onPoint(null) };
    return make("tr", { data: { number: String(trial.number) }, on }, ...cells);
  }

  /** Highlight one trial. @param {number | null} number */
  point(number) {
    for (const [trial, row] of this.rows) row.classList.toggle("is-pointed", trial === number);
  }

  /** Hide all other trials. @param {Set<number> | null} numbers null for none */
  filter(numbers) {
    this.brushed = numbers;
    for (const [trial, row] of this.rows) row.hidden = numbers !== null && !numbers.has(trial);
  }
}

/** @param {Trial} trial */
function link({ run, href }) {
  if (href) return make("a", { href, textContent: run, title: "Open in Explore", data: { key: run } });
  return make("span", { class: "tune-bare", textContent: run, title: "Only its measures were kept: it was not among the best" });
}

/** @param {Trial} trial */
function state({ state: name, reason }) {
  const head = make("span", { class: `run-state ${name}`, textContent: STATES[name] ?? name });
  return make("div", {}, head, reason ? make("div", { class: "tune-reason", textContent: reason, title: reason }) : null);
}

/** Accuracy by epoch, from 0 to 1, on the width of all epochs. @param {number[]} accuracies @param {number} epochs */
function spark(accuracies, epochs) {
  const [width, height] = [96, 24];
  const points = accuracies.map((a, i) => `${(2 + ((i + 1) / epochs) * (width - 6)).toFixed(1)} ${(2 + (1 - a) * (height - 4)).toFixed(1)}`);
  const words = accuracies.length ? `accuracy from ${exact(accuracies[0])} to ${exact(accuracies.at(-1))}` : "no epoch yet";
  const element = svg("svg", { class: "tune-spark", width, height, role: "img", "aria-label": words });
  if (!points.length) return element;
  const [cx, cy] = points.at(-1).split(" ");
  element.append(svg("path", { d: `M${points.join("L")}` }), svg("circle", { cx, cy, r: 2.2 }));
  return element;
}
