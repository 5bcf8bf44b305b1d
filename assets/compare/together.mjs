/* What all pictures share: the classes that are shown, the selected images, the image that is pointed at.
 *
 * Images are the same where two runs know them by the same number and call every shared one the same; then a selection
 * is carried over image by image. Elsewhere the classes of the selected images stand out, by their names.
 */

import { Legend } from "../explore/legend.mjs";
import { button, make } from "../common/dom.mjs";

const SETS = ["hidden", "focus"];

export class Together {
  /** @param {HTMLElement} element for the legend @param {() => import("./pane.mjs").Pane[]} panes @param {() => void} changed */
  constructor(element, panes, changed) {
    Object.assign(this, { panes, changed });
    this.names = []; // of the classes of all runs
    this.state = { hidden: new Set(), focus: new Set(), solo: null }; // of these, as a player has it of its own
    this.chosen = null; // {pane, run, rows, what}: the selected images, as rows of one of the runs
    this.known = new Map(); // rows by pairs of runs
    const place = make("div");
    this.said = make("span");
    this.clear = button("Clear", "Select nothing (Esc)", () => this.select(null), { class: "compare-button" });
    this.line = make("div", { class: "compare-chosen" }, this.said, this.clear);
    this.legend = new Legend(place, this);
    element.replaceChildren(this.line, place);
  }

  /** Listen to a new pane. */
  join(pane) {
    pane.player.on("select", (drawn) => this.select(drawn && { pane, rows: drawn.indices, what: "in the outline" }));
    pane.player.on("hover", (hovered) => this.hover(pane, hovered));
    pane.player.on("legend", () => this.show());
  }

  /** The runs are others now. */
  update() {
    const before = this.names;
    this.names = [...new Set(this.ready.flatMap(({ picture }) => picture.frames.classNames))];
    if (before.length) {
      const now = (k) => this.names.indexOf(before[k]);
      for (const name of SETS) this.state[name] = new Set([...this.state[name]].map(now).filter((k) => k >= 0));
      if (this.state.solo !== null) this.state.solo = now(this.state.solo) < 0 ? null : now(this.state.solo);
    }
    if (this.chosen && !(this.ready.includes(this.chosen.pane) && this.chosen.pane.run === this.chosen.run)) this.chosen = null;
    this.known.clear();
    this.apply();
    this.select(this.chosen);
  }

  get ready() {
    return this.panes().filter((pane) => pane.ready);
  }

  // Classes

  /** As a player's, for the legend. */
  set(name, value) {
    this.state[name] = value;
    this.apply();
    this.changed();
  }

  apply() {
    const { hidden, focus, solo } = this.state;
    for (const { player, picture } of this.ready) {
      const own = picture.frames.classNames.map((name) => this.names.indexOf(name)); // (C,) places among all
      const mine = (all) => own.flatMap((k, i) => (all.has(k) ? [i] : []));
      player.set("hidden", mine(hidden));
      player.set("focus", mine(focus));
      player.set("solo", solo === null ? null : own.indexOf(solo)); // -1, none of its own: nothing is shown
    }
    this.show();
  }

  show() {
    const { hidden, focus, solo } = this.state;
    const legends = this.ready.map(({ player }) => player.legend());
    if (!legends.length) return;
    const known = new Map(legends.toReversed().flatMap((legend) => legend.classes.map((one) => [one.name, one])));
    const classes = this.names.map((name, index) => ({
      index,
      name,
      colour: known.get(name)?.colour,
      unseen: known.get(name)?.unseen ?? false,
      shown: solo === null ? !hidden.has(index) : solo === index,
      dimmed: focus.size > 0 && !focus.has(index),
    }));
    this.legend.show({ ...legends[0], classes });
  }

  // Images

  /** The rows (N,) in run b of the images of run a, -1 for one that is not there; null if these are other images. */
  rowsIn(a, b) {
    const key = `${a.run}\n${b.run}`;
    if (!this.known.has(key)) this.known.set(key, matched(a.picture, b.picture));
    return this.known.get(key);
  }

  /** @param {{pane: object, rows: number[], what: string} | null} chosen */
  select(chosen) {
    this.chosen = chosen && { ...chosen, run: chosen.pane.run };
    const others = [];
    for (const pane of this.ready) {
      const { rows, isSame } = chosen ? this.carried(chosen, pane) : { rows: null, isSame: true };
      pane.player.set("selection", rows);
      if (!isSame) others.push(pane.letter.textContent);
    }
    this.clear.hidden = !chosen;
    const n = chosen?.rows.length ?? 0;
    const elsewhere = others.length ? `; ${others.join(", ")} has other images: there all of the same classes` : "";
    const selected = chosen && `${n.toLocaleString("en")} image${n === 1 ? "" : "s"}, ${chosen.what}${elsewhere}`;
    this.said.textContent = selected ?? "Draw an outline in any picture to select images in all";
  }

  /** A selection in another pane. */
  carried({ pane, rows }, to) {
    if (pane === to) return { rows, isSame: true };
    const there = this.rowsIn(pane, to);
    if (there) return { rows: rows.map((row) => there[row]).filter((row) => row >= 0), isSame: true };
    const { frames, attributes } = pane.picture;
    const names = new Set([...rows].map((row) => frames.classNames[attributes.labels[row]]));
    const found = [];
    to.picture.attributes.labels.forEach((label, row) => names.has(to.picture.frames.classNames[label]) && found.push(row));
    return { rows: found, isSame: false };
  }

  /** An image is pointed at: the same one is ringed in the other pictures. */
  hover(from, hovered) {
    for (const pane of this.ready) {
      if (pane === from) {
        pane.ring.hidden = true;
        continue;
      }
      const row = hovered ? (this.rowsIn(from, pane)?.[hovered.index] ?? -1) : -1;
      pane.pointAt(row < 0 ? null : row);
    }
  }
}

/** As `explorer.compare.comparison.matched`. */
function matched(a, b) {
  const [one, other] = [a.attributes, b.attributes];
  if (a.run === b.run) return Int32Array.from(one.labels, (_, row) => row);
  if (!one.indices || !other.indices) return null;
  const known = new Map();
  other.indices.forEach((index, row) => known.set(index, row));
  const rows = Int32Array.from(one.indices, (index) => known.get(index) ?? -1);
  let shared = 0;
  for (const [row, there] of rows.entries()) {
    if (there < 0) continue;
    if (a.frames.classNames[one.labels[row]] !== b.frames.classNames[other.labels[there]]) return null;
    shared++;
  }
  return shared < 2 ? null : rows;
}
