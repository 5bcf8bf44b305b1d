/* What is selected: a list of steps, as explorer.explore.selection has it, evaluated by the server at the moment shown.
 *
 *   const selector = new Selector(player, () => ({ run, classifier, view: { method: "pca" } }));
 *   selector.on("numbers", ({ n, total, confusion, curves, all, ... }) => ...);
 *   selector.then("add", { kind: "wrong", classifier: "euc" });
 *   selector.undo();
 *
 * A lasso of the player becomes a step of its own. The server's mask is what the player then shows, and what every
 * panel's numbers are of; an answer that is overtaken by a newer question is dropped.
 */

import { isShown } from "../../player/colours.mjs";
import { Newest, post } from "../http.mjs";

const EVENTS = ["steps", "mode", "numbers", "problem"];
const REST = 120; // milliseconds that the time has to stand still before the numbers of a new snapshot are asked for
const DIGITS = 5; // of a corner's place, to the width of the whole picture

/**
 * @typedef {object} Asked
 * @property {string} run
 * @property {string | null} classifier
 * @property {{method: string, classes?: number[], at?: number, first?: number}} view
 */

export class Selector {
  /** @param {import("../../player/main.mjs").Player} player @param {() => Asked} asked what the page shows now */
  constructor(player, asked) {
    this.player = player;
    this.asked = asked;
    this.steps = [];
    this.past = []; // the steps before each change
    this.mode = "replace"; // what the next shape does: replace, add, subtract, keep
    this.isWatched = false; // numbers are asked for even while nothing is selected
    this.latest = null; // the numbers told last, and the steps that they are of
    this.listeners = Object.fromEntries(EVENTS.map((name) => [name, new Set()]));
    this.snapshot = -1; // that numbers were asked for last
    this.newest = new Newest((problem) => this.told(problem));
    this.stops = [player.on("select", (drawn) => this.drawn(drawn)), player.on("time", () => this.timeChanged())];
  }

  remove() {
    this.newest.stop();
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

  /** The snapshot shown, the nearer of two. */
  get now() {
    return Math.round(this.player.state.time);
  }

  // What is done

  /** @param {"replace" | "add" | "subtract" | "keep"} mode */
  setMode(mode) {
    this.mode = mode;
    this.emit("mode", mode);
  }

  /** @param {"replace" | "add" | "subtract" | "keep"} how @param {object} shape */
  then(how, shape) {
    return this.become([...(how === "replace" ? [] : this.steps), { do: how, shape }]);
  }

  invert() {
    return this.become([...this.steps, { do: "invert" }]);
  }

  undo() {
    const before = this.past.pop() ?? this.steps.slice(0, -1); // a selection from the address has no past but its steps
    return this.become(before, false);
  }

  clear() {
    return this.steps.length ? this.become([]) : this.refresh();
  }

  /** @param {object[]} steps those of a saved selection, of the address, or of another run's selector */
  become(steps, remembered = true) {
    if (remembered) this.past.push(this.steps);
    this.steps = steps;
    this.emit("steps", steps);
    return this.refresh();
  }

  /** Another run: what was done to the one before means nothing here. @param {object[]} steps */
  begin(steps) {
    this.past = [];
    this.forget();
    this.steps = steps;
    this.player.set("selection", null);
    this.emit("steps", steps);
    if (steps.length || this.isWatched) this.refresh();
  }

  /** The numbers hold no longer: others decide, or the run has grown. */
  forget() {
    this.latest = null;
    this.snapshot = -1;
  }

  /** A lasso or a rectangle at the time shown. Null: it was empty, or the background was clicked, or Escape. */
  drawn(drawn) {
    if (!drawn) return this.mode === "replace" ? this.clear() : this.refresh();
    const { stage, state, data } = this.player;
    const shape = {
      kind: "polygon",
      view: this.asked().view,
      snapshot: stage.time,
      points: this.corners(drawn.polygon),
    };
    const hidden = data.frames.classNames.map((_, k) => k).filter((k) => !isShown(state, k));
    const leave = hidden.length && ["replace", "add"].includes(this.mode); // what is hidden is not in a lasso
    const without = { do: "subtract", shape: { kind: "class", classes: hidden } };
    const before = this.mode === "replace" ? [] : this.steps;
    return this.become([...before, { do: this.mode, shape }, ...(leave ? [without] : [])]);
  }

  /** The corners of an outline, as exact as the picture is: they are in the address. */
  corners({ x, y }) {
    const [left, , right] = this.player.data.frames.box;
    const decimals = Math.max(0, Math.min(20, DIGITS - Math.floor(Math.log10(right - left))));
    return x.map((value, i) => [Number(value.toFixed(decimals)), Number(y[i].toFixed(decimals))]);
  }

  // What it selects

  timeChanged() {
    if ((!this.steps.length && !this.isWatched) || this.now === this.snapshot) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now !== this.snapshot && this.refresh(), REST);
  }

  /** Ask for the mask and the numbers of it; without steps the numbers are of nothing, beside those of all. */
  async refresh() {
    const { run, classifier } = this.asked();
    const snapshot = (this.snapshot = this.now);
    const { steps } = this;
    const body = { run, classifier, snapshot, selection: this.selection };
    const answer = await this.newest.ask((signal) => post("/api/selection", body, signal));
    if (!answer) return;
    const rows = [];
    answer.arrays.mask.forEach((is, row) => is && rows.push(row));
    this.player.set("selection", steps.length ? rows : null);
    this.latest = { ...answer.meta, rows, steps, isAll: !steps.length };
    this.emit("numbers", this.latest);
  }

  told(problem) {
    if (problem) this.snapshot = -1; // to be asked for again
    this.emit("problem", problem);
  }

  emit(event, value) {
    for (const listener of this.listeners[event]) listener(value);
  }
}
