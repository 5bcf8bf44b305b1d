/* The selection: a list of steps, as explorer.explore.selection defines it, evaluated by the server at the snapshot shown.
 *
 *   const selector = new Selector(player, () => ({ run, classifier, view: { method: "pca" } }));
 *   selector.on("numbers", ({ n, total, confusion, curves, all, ... }) => ...);
 *   selector.apply("add", { kind: "wrong", classifier: "euc" });
 *   selector.undo();
 *
 * A lasso drawn in the player becomes a step. The player shows the mask that the server answers with, and all panels
 * show the numbers in the same answer; an answer that comes after a newer request was sent is dropped.
 */

import { isShown } from "../../player/colours.mjs";
import { sentence } from "../../common/numbers.mjs";
import { NewestRequest, post } from "../../common/http.mjs";

const EVENTS = ["steps", "mode", "numbers", "problem"];
const REST = 120; // milliseconds that the time has to stand still before the numbers of a new snapshot are requested
const DIGITS = 5; // of a corner's coordinates, relative to the width of the whole picture

/** @typedef {"replace" | "add" | "subtract" | "keep"} Mode what a shape does to the selection */
/** @typedef {{kind: string, [field: string]: unknown}} Shape with the fields of its kind */
/** @typedef {{do: Mode | "invert", shape?: Shape}} Step */
/** @typedef {{x: number[], y: number[]}} Outline */
/** @typedef {(number | null)[]} Curve (T,) */
/**
 * @typedef {object} Numbers of the selected images, and beside them those of all, of `/api/selection`
 * @property {number} n
 * @property {number} n_judged
 * @property {number} total
 * @property {string} classifier
 * @property {number} snapshot
 * @property {number[]} epochs
 * @property {string[]} class_names
 * @property {number[]} labels (C,) images of each class
 * @property {number[]} label_totals (C,)
 * @property {number[][]} confusion (C, C) images of a class (row) taken for a class (column)
 * @property {number[][]} all_confusion (C, C)
 * @property {Record<string, Curve>} curves
 * @property {Record<string, Curve>} all
 * @property {number[]} rows of the selected images
 * @property {Step[]} steps that these are the numbers of
 * @property {boolean} isAll whether nothing is selected
 */
/**
 * @typedef {object} Current what the page shows now
 * @property {string} run
 * @property {string | null} classifier
 * @property {{method: string, classes?: number[], at?: number, first?: number}} view
 */

export class Selector {
  /** @param {import("../../player/main.mjs").Player} player @param {() => Current} current */
  constructor(player, current) {
    this.player = player;
    this.current = current;
    /** @type {Step[]} */
    this.steps = [];
    /** @type {Step[][]} */
    this.previous = []; // the steps before each change, for undo
    /** @type {Mode} */
    this.mode = "replace"; // what the next shape does
    this.isWatched = false; // whether numbers are requested even while nothing is selected
    /** @type {Numbers | null} */
    this.numbers = null; // the newest answer of the server
    this.listeners = Object.fromEntries(EVENTS.map((name) => [name, new Set()]));
    this.requestedSnapshot = -1; // of the newest request
    this.request = new NewestRequest((problem) => this.setProblem(sentence(problem)));
    this.stops = [player.on("select", (lasso) => this.addLasso(lasso)), player.on("time", () => this.timeChanged())];
  }

  remove() {
    this.request.stop();
    clearTimeout(this.timer);
    for (const stop of this.stops) stop();
  }

  /** @param {"steps" | "mode" | "numbers" | "problem"} event @returns {() => void} stops listening */
  on(event, listener) {
    this.listeners[event].add(listener);
    return () => this.listeners[event].delete(listener);
  }

  /** The selection as JSON: for the address, for saving. */
  get selection() {
    return { steps: this.steps };
  }

  /** The snapshot shown; between two the nearer one. */
  get snapshot() {
    return Math.round(this.player.state.time);
  }

  // Steps

  /** @param {Mode} mode */
  setMode(mode) {
    this.mode = mode;
    this.emit("mode", mode);
  }

  /** Add a step. @param {Mode} mode @param {Shape} shape */
  apply(mode, shape) {
    return this.setSteps([...(mode === "replace" ? [] : this.steps), { do: mode, shape }]);
  }

  invert() {
    return this.setSteps([...this.steps, { do: "invert" }]);
  }

  undo() {
    // a selection from the address has no previous ones: its steps are undone one by one
    const before = this.previous.pop() ?? this.steps.slice(0, -1);
    return this.setSteps(before, false);
  }

  clear() {
    return this.steps.length ? this.setSteps([]) : this.refresh();
  }

  /** @param {Step[]} steps those of a saved selection, of the address, or of another run's selector */
  setSteps(steps, canUndo = true) {
    if (canUndo) this.previous.push(this.steps);
    this.steps = steps;
    this.emit("steps", steps);
    return this.refresh();
  }

  /** Another run is shown: begin with these steps and nothing to undo. @param {Step[]} steps */
  reset(steps) {
    this.previous = [];
    this.invalidate();
    this.steps = steps;
    this.player.set("selection", null);
    this.emit("steps", steps);
    if (steps.length || this.isWatched) this.refresh();
  }

  /** The numbers are out of date: another classifier decides, or the run has grown. */
  invalidate() {
    this.numbers = null;
    this.requestedSnapshot = -1;
  }

  /**
   * A lasso or a rectangle drawn at the time shown.
   * @param {{polygon: Outline} | null} lasso null: it was empty, or the background was clicked, or Escape
   */
  addLasso(lasso) {
    if (!lasso) return this.mode === "replace" ? this.clear() : this.refresh();
    const { stage, state, data } = this.player;
    const shape = {
      kind: "polygon",
      view: this.current().view,
      snapshot: stage.time,
      points: this.corners(lasso.polygon),
    };
    const hidden = data.frames.classNames.map((_, k) => k).filter((k) => !isShown(state, k));
    const excludesHidden = hidden.length && ["replace", "add"].includes(this.mode); // hidden images are not in a lasso
    /** @type {Step[]} */
    const steps = [...(this.mode === "replace" ? [] : this.steps), { do: this.mode, shape }];
    if (excludesHidden) steps.push({ do: "subtract", shape: { kind: "class", classes: hidden } });
    return this.setSteps(steps);
  }

  /** The corners of an outline, rounded to what can be seen, since they are written into the address. @param {Outline} outline */
  corners({ x, y }) {
    const [left, , right] = this.player.data.frames.box;
    const decimals = Math.max(0, Math.min(20, DIGITS - Math.floor(Math.log10(right - left))));
    return x.map((value, i) => [Number(value.toFixed(decimals)), Number(y[i].toFixed(decimals))]);
  }

  // Numbers

  timeChanged() {
    if ((!this.steps.length && !this.isWatched) || this.snapshot === this.requestedSnapshot) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.snapshot !== this.requestedSnapshot && this.refresh(), REST);
  }

  /** Request the mask and its numbers; without steps only the numbers of all images are of use. */
  async refresh() {
    const { run, classifier } = this.current();
    const snapshot = (this.requestedSnapshot = this.snapshot);
    const { steps } = this;
    const body = { run, classifier, snapshot, selection: this.selection };
    const answer = await this.request.send((signal) => post("/api/selection", body, signal));
    if (!answer) return;
    /** @type {number[]} */
    const rows = [];
    answer.arrays.mask.forEach((is, row) => is && rows.push(row));
    this.player.set("selection", steps.length ? rows : null);
    this.numbers = { ...answer.meta, rows, steps, isAll: !steps.length };
    this.emit("numbers", this.numbers);
  }

  /** Whether the numbers are those of the steps as they are now, and not of steps before. */
  hasNumbers() {
    return this.numbers?.steps === this.steps;
  }

  /** @param {number} snapshot */
  hasNumbersOf(snapshot) {
    return this.hasNumbers() && this.numbers.snapshot === snapshot;
  }

  /** @param {string} problem */
  setProblem(problem) {
    if (problem) this.requestedSnapshot = -1; // so that it is requested again
    this.emit("problem", problem);
  }

  emit(event, value) {
    for (const listener of this.listeners[event]) listener(value);
  }
}
