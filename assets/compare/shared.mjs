/* State shared by all pictures: the visible classes, the selected images, the image under the pointer.
 *
 * Two runs have the same images if images of the same number have the same class in both; a selection is then carried
 * over image by image. Otherwise all images of the selected classes are selected, by the names of the classes.
 */

import { button, make } from "../common/dom.mjs";
import { counted } from "../common/numbers.mjs";
import { Legend } from "../player/controls/legend.mjs";

const SETS = ["hidden", "focus"];

/** @typedef {{pane: Pane, rows: number[], what: string}} Selection of images, as rows of a pane's run */
/** @typedef {import("./pane.mjs").Pane} Pane */

export class SharedState {
  /** @param {HTMLElement} element for the legend @param {() => Pane[]} panes @param {() => void} onChange */
  constructor(element, panes, onChange) {
    this.panes = panes;
    this.onChange = onChange;
    /** @type {string[]} */
    this.names = []; // of the classes of all runs
    /** @type {import("../player/controls/legend.mjs").ClassState} */
    this.state = { hidden: new Set(), focus: new Set(), solo: null }; // of these classes, in the form of a player's state
    /** @type {(Selection & {run: string}) | null} the selected images, as rows of one of the runs */
    this.selection = null;
    /** @type {Map<string, Int32Array | null>} rows of the same images of a pair of runs */
    this.matches = new Map();
    const place = make("div");
    this.text = make("span");
    this.clear = button("Clear", "Select nothing (Esc)", () => this.select(null), { class: "compare-button" });
    this.line = make("div", { class: "compare-selection" }, this.text, this.clear);
    this.legend = new Legend(place, this);
    element.replaceChildren(this.line, place);
  }

  /** Listen to a new pane. @param {Pane} pane */
  join(pane) {
    pane.player.on("select", (outline) => this.select(outline && { pane, rows: outline.indices, what: "in the outline" }));
    pane.player.on("hover", (hovered) => this.hover(pane, hovered));
    pane.player.on("legend", () => this.show());
  }

  /** Other runs are on the page. */
  update() {
    const oldNames = this.names;
    this.names = [...new Set(this.ready.flatMap(({ picture }) => picture.frames.classNames))];
    if (oldNames.length) {
      const newIndex = (k) => this.names.indexOf(oldNames[k]);
      for (const name of SETS) this.state[name] = new Set([...this.state[name]].map(newIndex).filter((k) => k >= 0));
      if (this.state.solo !== null) this.state.solo = newIndex(this.state.solo) < 0 ? null : newIndex(this.state.solo);
    }
    const { selection } = this;
    if (selection && !(this.ready.includes(selection.pane) && selection.pane.run === selection.run)) this.selection = null;
    this.matches.clear();
    this.apply();
    this.select(this.selection);
  }

  get ready() {
    return this.panes().filter((pane) => pane.ready);
  }

  // Classes

  /** The legend calls this, as it does with a player. @type {import("../player/controls/legend.mjs").Player["set"]} */
  set(name, value) {
    Object.assign(this.state, { [name]: value });
    this.apply();
    this.onChange();
  }

  /** Pass the state on to every player, in the numbers of its own classes. */
  apply() {
    const { hidden, focus, solo } = this.state;
    for (const { player, picture } of this.ready) {
      const own = picture.frames.classNames.map((name) => this.names.indexOf(name)); // (C,) indices among the classes of all runs
      /** @param {Set<number>} classes */
      const ownClasses = (classes) => own.flatMap((k, i) => (classes.has(k) ? [i] : []));
      player.set("hidden", ownClasses(hidden));
      player.set("focus", ownClasses(focus));
      player.set("solo", solo === null ? null : own.indexOf(solo)); // -1 if it has no such class: nothing is shown
    }
    this.show();
  }

  /** Draw the legend: the classes of all runs. */
  show() {
    const { hidden, focus, solo } = this.state;
    const legends = this.ready.map(({ player }) => player.legend());
    if (!legends.length) return;
    const entries = new Map(legends.toReversed().flatMap((legend) => legend.classes.map((entry) => [entry.name, entry])));
    const classes = this.names.map((name, index) => ({
      index,
      name,
      colour: entries.get(name)?.colour,
      unseen: entries.get(name)?.unseen ?? false,
      shown: solo === null ? !hidden.has(index) : solo === index,
      dimmed: focus.size > 0 && !focus.has(index),
    }));
    this.legend.show({ ...legends[0], classes });
  }

  // Images

  /**
   * Rows (N,) in run b of the images of run a, -1 for an image that b lacks; null if the runs have different images.
   * @param {Pane} a @param {Pane} b
   */
  rowsIn(a, b) {
    const key = `${a.run}\n${b.run}`;
    if (!this.matches.has(key)) this.matches.set(key, matchImages(a.picture, b.picture));
    return this.matches.get(key);
  }

  /** @param {Selection | null} selection */
  select(selection) {
    this.selection = selection && { ...selection, run: selection.pane.run };
    const others = [];
    for (const pane of this.ready) {
      const { rows, isSame } = selection ? this.carry(selection, pane) : { rows: null, isSame: true };
      pane.player.set("selection", rows);
      if (!isSame) others.push(pane.letter.textContent);
    }
    this.clear.hidden = !selection;
    const n = selection?.rows.length ?? 0;
    const elsewhere = others.length ? `; ${others.join(", ")} has other images: there all of the same classes` : "";
    const text = selection && `${counted(n, "image")}, ${selection.what}${elsewhere}`;
    this.text.textContent = text ?? "Draw an outline in any picture to select images in all";
  }

  /**
   * The rows of a selection in another pane; `isSame` is false if they are only of the same classes.
   * @param {Selection} selection @param {Pane} to
   */
  carry({ pane, rows }, to) {
    if (pane === to) return { rows, isSame: true };
    const match = this.rowsIn(pane, to);
    if (match) return { rows: rows.map((row) => match[row]).filter((row) => row >= 0), isSame: true };
    const { frames, attributes } = pane.picture;
    const names = new Set([...rows].map((row) => frames.classNames[attributes.labels[row]]));
    /** @type {number[]} */
    const rowsOfClasses = [];
    to.picture.attributes.labels.forEach((label, row) => names.has(to.picture.frames.classNames[label]) && rowsOfClasses.push(row));
    return { rows: rowsOfClasses, isSame: false };
  }

  /** Ring the image under the pointer in the other pictures too. @param {Pane} from @param {{index: number} | null} hovered */
  hover(from, hovered) {
    for (const pane of this.ready) {
      if (pane === from) {
        pane.ring.hidden = true;
        continue;
      }
      const row = hovered ? (this.rowsIn(from, pane)?.[hovered.index] ?? -1) : -1;
      pane.ringImage(row < 0 ? null : row);
    }
  }
}

/** As `explorer.compare.comparison.match_images`. @param {Pane["picture"]} a @param {Pane["picture"]} b */
function matchImages(a, b) {
  const [one, other] = [a.attributes, b.attributes];
  if (a.run === b.run) return Int32Array.from(one.labels, (_, row) => row);
  if (!one.indices || !other.indices) return null;
  /** @type {Map<number, number>} */
  const rowOf = new Map();
  other.indices.forEach((index, row) => rowOf.set(index, row));
  const rows = Int32Array.from(one.indices, (index) => rowOf.get(index) ?? -1);
  let shared = 0;
  for (const [row, otherRow] of rows.entries()) {
    if (otherRow < 0) continue;
    if (a.frames.classNames[one.labels[row]] !== b.frames.classNames[other.labels[otherRow]]) return null;
    shared++;
  }
  return shared < 2 ? null : rows;
}
