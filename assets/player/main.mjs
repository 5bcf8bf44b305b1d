/* The player: an embedding space that moves, drawn under Plotly's axes.
 *
 *   const player = mount(element, { colour: "prediction" });
 *   await player.load({ frames: "/api/frames?...", attributes: "/api/attributes?...", sprite: "/api/sprite?..." });
 *   player.on("time", (time) => ...);
 *   player.play();
 *
 * The whole state is `player.state` (options, time) and `player.data` (the run that is drawn). A frame is drawn only
 * when something has changed.
 */

import { DataError } from "../common/binary.mjs";
import { fetchArrays } from "../common/http.mjs";
import * as colours from "./colours.mjs";
import { checkFit, readAttributes, readFrames, readRegions } from "./data.mjs";
import { Emitter } from "./events.mjs";
import { describeImage } from "./image_description.mjs";
import { checkOption, newState } from "./options.mjs";
import { listenToKeys } from "./input/keys.mjs";
import { Pointer } from "./input/pointer.mjs";
import { Stage } from "./stage.mjs";
import { Timeline } from "./timeline.mjs";

const RECOLOUR = ["colour", "classifier", "hidden", "solo", "focus", "theme", "ramp"]; // options that change colours

/** @typedef {import("./geometry/view.mjs").Place} Place */
/** @typedef {import("./events.mjs").Events} Events */
/** @typedef {import("../common/binary.mjs").Decoded} Decoded */
/** @typedef {import("./data.mjs").Frames} Frames */
/** @typedef {import("./data.mjs").Attributes} Attributes */
/** @typedef {import("./data.mjs").Regions} Regions */
/** @typedef {Partial<import("./options.mjs").Options> & {plotly?: import("./axes.mjs").PlotlyLike}} MountOptions */

export class Player {
  /**
   * @param {HTMLElement} element
   * @param {MountOptions} [options] `plotly` is the library if it is not the page's
   */
  constructor(element, { plotly, ...options } = {}) {
    this.element = element;
    this.state = newState();
    /** @type {import("./data.mjs").RunData} */
    this.data = { frames: null, attributes: null, regions: null, sprite: null };
    this.events = new Emitter(this.state);
    this.pending = 0; // id of the requested animation frame, 0: none
    this.stale = true; // something has changed since the last drawing
    this.removed = false;
    /** @type {AbortController | null} */
    this.loading = null; // of the newest `load`
    /** @param {number} now milliseconds */
    this.tick = (now) => this._tick(now);
    for (const [name, value] of Object.entries(options)) this.state[name] = checkOption(name, value);

    const changed = () => this.invalidate();
    this.timeline = new Timeline(this.state, (what) => this._timeChanged(what));
    this.stage = new Stage(element, this.state, this.data, this.events, {
      changed,
      legend: () => this.events.emit("legend", this.legend()),
      selected: (polygon) => this._selected(polygon),
    });
    this.pointer = new Pointer(this.stage, this.events, { changed, moved: () => this._requestFrame() });
    this.stopKeys = listenToKeys(this.root, this.state, {
      ...this.timeline.keys,
      Escape: () => this.state.selection !== null && this._selected(null),
    });
    this.ready = this.stage.start(plotly); // fulfilled when the axes are drawn
  }

  /** The element that the player fills and that takes the keyboard's focus. */
  get root() {
    return this.stage.root;
  }

  // The run

  /**
   * Show a run. Raises DataError if the parts do not fit together.
   * @param {object} run as fetchArrays gives it, or read already
   * @param {Decoded | Frames} run.frames
   * @param {Decoded | Attributes | null} [run.attributes]
   * @param {string | null} [run.sprite] URL of the sheet of thumbnails
   */
  setRun({ frames, attributes = null, sprite = null }) {
    const run = this._try("data", () => {
      const parts = {
        frames: "arrays" in frames ? readFrames(frames) : frames,
        attributes: !attributes ? null : "arrays" in attributes ? readAttributes(attributes) : attributes,
      };
      if (parts.attributes) checkFit(parts.frames, parts.attributes);
      return parts;
    });
    const { data, state } = this;
    if (data.frames && (data.frames.N !== run.frames.N || data.frames.C !== run.frames.C)) {
      Object.assign(state, { selection: null, solo: null, hidden: new Set(), focus: new Set() });
    }
    Object.assign(data, run, { sprite, regions: null });
    this.timeline.setEpochs(run.frames.epochs);
    this.pointer.setRun(run.frames);
    this.stage.setRun();
    this.events.emit("state", state);
    this.events.emit("time", state.time);
  }

  /**
   * Show regions, or none. Raises DataError if they do not fit the run.
   * @param {Decoded | Regions | null} source
   */
  setRegions(source) {
    this.data.regions = this._try("regions", () => {
      if (!source) return null;
      const regions = "arrays" in source ? readRegions(source) : source;
      const { frames } = this.data;
      if (frames && regions.T !== frames.T) {
        throw new DataError(`the regions have ${regions.T} snapshots, the points ${frames.T}; reload the page`);
      }
      if (frames && regions.affine && regions.C !== frames.C) {
        throw new DataError(`the regions have ${regions.C} classes, the run ${frames.C}; reload the page`);
      }
      return regions;
    });
    this.stage.setRegions();
  }

  /**
   * Fetch a run and show it; a later call takes over.
   * @param {{frames: string, attributes?: string, sprite?: string}} urls
   */
  async load({ frames, attributes, sprite = null }) {
    this.loading?.abort();
    const { signal } = (this.loading = new AbortController());
    const fetched = Promise.all([
      fetchArrays(frames, "the frames", signal),
      attributes ? fetchArrays(attributes, "the labels and decisions", signal) : null,
    ]);
    const [result] = await Promise.allSettled([fetched]);
    if (signal.aborted) return; // a later call or the end of the player
    const responses = this._try("data", () => {
      if (result.status === "rejected") throw result.reason;
      return result.value;
    });
    this.setRun({ frames: responses[0], attributes: responses[1], sprite });
  }

  /** Change an option; options.mjs lists them. @param {string} name @param {any} value null for the default */
  set(name, value) {
    const { state, stage } = this;
    state[name] = checkOption(name, value);
    if (name === "selection") stage.setSelection();
    if (name === "camera") stage.frame();
    if (name === "theme") stage.retheme();
    if (name === "renderer") stage.chooseRenderer();
    if (RECOLOUR.includes(name)) stage.recolour();
    this.pointer.stale = this.pointer.inside;
    this.invalidate();
    this.events.emit("state", state);
  }

  // Time

  play() {
    this.timeline.play();
  }

  pause() {
    this.timeline.pause();
  }

  /** @param {number} time in snapshots; 3.5 is half-way from snapshot 3 to 4 */
  seek(time) {
    this.timeline.seek(time);
  }

  /** @param {number} by whole snapshots on (+1) or back (-1) */
  step(by) {
    this.timeline.step(by);
  }

  /** The epoch that is shown. */
  get epoch() {
    return this.timeline.epochAt(this.stage.time);
  }

  /** By how much the space has grown since the first snapshot. */
  get scale() {
    return this.stage.follower ? this.stage.follower.growth(this.stage.time) : 1;
  }

  /** @param {"time" | "state"} what */
  _timeChanged(what) {
    this.pointer.stale = this.pointer.inside; // another point may now lie under it
    this.invalidate();
    if (what === "time") this.events.emit("time", this.state.time);
    else this.events.emit("state", this.state);
  }

  // Events

  /**
   * @template {keyof Events} Name
   * @param {Name} event
   * @param {(value: Events[Name]) => void} listener
   * @returns {() => void} stop listening
   */
  on(event, listener) {
    return this.events.on(event, listener);
  }

  /**
   * Run an action; a DataError becomes a notice of this kind and is raised again.
   * @template Result
   * @param {string} kind
   * @param {() => Result} action
   * @returns {Result}
   */
  _try(kind, action) {
    try {
      const result = action();
      this.events.clearNotice(kind);
      return result;
    } catch (error) {
      if (error instanceof DataError) this.events.notice(kind, error.message);
      throw error;
    }
  }

  // Drawing

  /** Draw at the browser's next frame. */
  invalidate() {
    this.stale = true;
    this._requestFrame();
  }

  _requestFrame() {
    if (!this.pending && !this.removed) this.pending = requestAnimationFrame(this.tick);
  }

  /** @param {number} now milliseconds */
  _tick(now) {
    this.pending = 0;
    this.timeline.tick(now);
    if (this.pointer.stale) this.pointer.update();
    if (this.stale) this.draw();
    if (this.timeline.moving) this._requestFrame();
  }

  /** Draw now. */
  draw() {
    this.stale = false;
    this.stage.draw(this.pointer.hovered);
  }

  // Selection

  /**
   * Select the images within a polygon of the axes; without any, or without a polygon, the selection ends.
   * @param {import("./axes.mjs").Polygon | null} polygon
   */
  _selected(polygon) {
    const { stage, pointer } = this;
    if (polygon && this.data.frames) {
      stage.look();
      const outline = stage.view.fromAxes(stage.axes.read(), polygon);
      const indices = pointer.within(outline);
      if (indices.length) {
        this.set("selection", indices);
        this.events.emit("select", { indices, polygon: outline });
        return;
      }
    }
    this.set("selection", null);
    this.events.emit("select", null);
  }

  // For pages and tests

  /** @returns {colours.LegendContent} */
  legend() {
    const { frames, attributes } = this.data;
    const { key } = colours.chooseCodes(this.state, attributes);
    const { time } = this.stage;
    const hasRamp = key && attributes.meta.scales[key];
    const range = hasRamp ? colours.rampRange(this.state, attributes, key, Math.floor(time), time % 1) : null;
    return colours.describeLegend(this.state, frames, attributes, this.stage.colours, range);
  }

  /** Names, decision, distances and colour of an image at the current snapshot, and where its thumbnail is. @param {number} index */
  describe(index) {
    const { state, data, stage } = this;
    return { ...describeImage(data, state, Math.round(stage.time), index), colour: stage.colourOf(index) };
  }

  /**
   * Where a point (by index) or a position of the data is on the element.
   * @param {number | {x: number, y: number}} what
   * @returns {Place}
   */
  screenOf(what) {
    const { stage } = this;
    stage.look();
    const { view } = stage;
    if (typeof what !== "number") return view.fromData(what);
    const { x, y } = view.place(this.data.frames, { index: what, x: 0, y: 0 });
    return { x: x + view.left, y: y + view.top };
  }

  /** The position of the data at a place on the element: the inverse of `screenOf`. @param {Place} place */
  dataAt(place) {
    this.stage.look();
    return this.stage.view.toData(place);
  }

  /** The image at a place on the element, -1 if there is none within a few pixels. @param {Place} place */
  pick(place) {
    this.stage.look();
    return this.pointer.pick(place);
  }

  /** The colour [red, green, blue] at a place on the element. @param {number} x @param {number} y */
  readPixel(x, y) {
    this.draw();
    return this.stage.readPixel(x, y);
  }

  /** Draw the picture, without axes, onto another canvas. @param {CanvasRenderingContext2D} context */
  paint(context) {
    this.draw();
    this.stage.paint(context);
  }

  /** Take the player off the page and give back its graphics context and listeners. */
  remove() {
    this.removed = true;
    cancelAnimationFrame(this.pending);
    this.loading?.abort();
    this.stopKeys();
    this.pointer.remove();
    this.stage.remove();
    if (this.element.player === this) delete this.element.player;
  }
}

/**
 * Make a player in an element (the player fills it). An element that has one gets a new one.
 * @param {HTMLElement} element
 * @param {MountOptions} [options]
 * @returns {Player} which is also `element.player`
 */
export function mount(element, options = {}) {
  element.player?.remove();
  element.player = new Player(element, options);
  return element.player;
}
