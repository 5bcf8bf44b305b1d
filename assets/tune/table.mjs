/* The trials as a table, best first; a heading sorts by it. A trial can be opened while it runs. */

import { make } from "../common/dom.mjs";
import { exact, label, svg, value } from "./numbers.mjs";

const SHOWN_AS = { training: "training", queued: "waiting", stopped: "stopped early" };

export class Table {
  /** @param {(number: number | null) => void} point */
  constructor(point) {
    this.pointAt = point;
    this.order = { key: "best", down: true };
    this.kept = null;
    this.element = make("div", { class: "tune-scroll", tabIndex: 0 });
  }

  show(search) {
    this.search = search;
    const focused = document.activeElement?.closest?.(".tune-table")?.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const columns = this.columns();
    const rows = [...search.trials].sort((a, b) => this.compare(columns, a, b)).map((trial) => this.row(trial, columns));
    const head = make("tr", {}, ...columns.map((column) => this.heading(column)));
    this.element.replaceChildren(make("table", { class: "tune-table" }, make("thead", {}, head), make("tbody", {}, ...rows)));
    this.filter(this.kept);
    if (focused) this.element.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  columns() {
    const params = this.search.space.map(([name]) => ({ key: name, title: label(name), of: ({ params: p }) => p[name], cell: ({ params: p }) => value(p[name]), number: true }));
    return [
      { key: "best", title: "accuracy", of: ({ best }) => best ?? -1, cell: ({ best }) => exact(best), number: true },
      { key: "run", title: "trial", of: ({ number }) => number, cell: link },
      { key: "state", title: "state", of: ({ state }) => state, cell: state },
      { key: "epoch", title: "epochs", of: ({ epoch }) => epoch, cell: ({ epoch }) => `${Number(epoch.toFixed(1))} / ${this.search.epochs}`, number: true },
      { key: "curve", title: "accuracy by epoch", cell: ({ accuracies }) => spark(accuracies, this.search.epochs) },
      ...params,
    ]; // prettier-ignore
  }

  compare(columns, a, b) {
    const { of } = columns.find(({ key }) => key === this.order.key) ?? columns[0];
    const [one, other] = [of(a), of(b)];
    const sign = one < other ? -1 : one > other ? 1 : 0;
    return (this.order.down ? -sign : sign) || a.number - b.number;
  }

  heading({ key, title, of, number }) {
    if (!of) return make("th", { textContent: title });
    const sorted = this.order.key === key;
    const sort = () => {
      this.order = { key, down: sorted ? !this.order.down : key === "best" };
      this.show(this.search);
    };
    const button = make("button", { type: "button", class: "tune-sort", textContent: title, title: "Sort by this", data: { key: `sort-${key}` }, on: { click: sort } });
    return make("th", { class: number ? "is-number" : "", "aria-sort": sorted ? (this.order.down ? "descending" : "ascending") : "none" }, button);
  }

  row(trial, columns) {
    const cells = columns.map(({ cell, number }) => {
      const content = cell(trial);
      return make("td", { class: number ? "is-number" : "" }, content);
    });
    const on = { pointerenter: () => this.pointAt(trial.number), pointerleave: () => this.pointAt(null) };
    return make("tr", { data: { number: String(trial.number) }, on }, ...cells);
  }

  point(number) {
    for (const row of this.element.querySelectorAll("tbody tr")) row.classList.toggle("is-pointed", row.dataset.number === String(number));
  }

  filter(kept) {
    this.kept = kept;
    for (const row of this.element.querySelectorAll("tbody tr")) row.hidden = kept !== null && !kept.has(Number(row.dataset.number));
  }
}

function link({ run, href }) {
  if (href) return make("a", { href, textContent: run, title: "Open in Explore", data: { key: run } });
  return make("span", { class: "tune-bare", textContent: run, title: "Only its measures were kept: it was not among the best" });
}

function state({ state: name, reason }) {
  const head = make("span", { class: `run-state ${name}`, textContent: SHOWN_AS[name] ?? name });
  return make("div", {}, head, reason ? make("div", { class: "tune-reason", textContent: reason, title: reason }) : null);
}

/** Accuracy by epoch, from 0 to 1, on the width of all epochs. */
function spark(accuracies, epochs) {
  const [width, height] = [96, 24];
  const places = accuracies.map((a, i) => `${(2 + ((i + 1) / epochs) * (width - 6)).toFixed(1)} ${(2 + (1 - a) * (height - 4)).toFixed(1)}`);
  const words = accuracies.length ? `accuracy from ${exact(accuracies[0])} to ${exact(accuracies.at(-1))}` : "no epoch yet";
  const drawn = svg("svg", { class: "tune-spark", width, height, role: "img", "aria-label": words });
  if (!places.length) return drawn;
  const [cx, cy] = places.at(-1).split(" ");
  drawn.append(svg("path", { d: `M${places.join("L")}` }), svg("circle", { cx, cy, r: 2.2 }));
  return drawn;
}
