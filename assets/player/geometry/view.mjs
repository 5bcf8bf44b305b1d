/* The inputs of drawing one frame: the time, where data lies on the screen, sizes, how codes become colours. */

import { MODES, rampRange } from "../colours.mjs";
import { ABSENT, LEVELS } from "../data.mjs";

const RIM_FROM = 4.5; // CSS pixels from which on a point has a rim
const RIM = 0.65; // its strength
const LINE = 1.25; // width of a boundary, CSS pixels
const MOST_DENSE = 2; // device pixels a CSS pixel; finer costs time and looks the same

/** @typedef {{x: number, y: number}} Place CSS pixels from the element's upper left corner */
/**
 * Size of the picture in CSS pixels, and where the data lies on it: pixel = a * data + b.
 * @typedef {{width: number, height: number, ax: number, bx: number, ay: number, by: number}} Mapping
 */

/** One object for all frames, with new values for each. */
export class View {
  constructor() {
    this.before = 0; // snapshot
    this.after = 0; // the next one; the same at a whole snapshot
    this.blend = 0; // between the two
    /** @type {Mapping} */
    this.frame = { width: 0, height: 0, ax: 1, bx: 0, ay: -1, by: 0 };
    /** @type {WeakMap<HTMLCanvasElement, {left: number, top: number, density: number}>} */
    this.fitted = new WeakMap(); // where each canvas was put last: reading styles back is slow
    this.left = 0; // of the canvas on the element, CSS pixels
    this.top = 0;
    this.density = 1; // device pixels a CSS pixel
    this.camera = new Float32Array(4); // clip space = camera.xy * code + camera.zw, codes 0..1 over the box
    this.css = 0; // diameter of a point in CSS pixels
    this.size = 0; // and in device pixels
    this.opacity = 1; // of the points
    this.mode = MODES.none;
    /** @type {string | null} */
    this.key = null; // of the codes on the ramp; null: not coloured by a number
    this.scale = new Float32Array(4); // share of the ramp = scale.x + scale.y * code before, scale.zw after
    this.right = new Float32Array(3);
    this.wrong = new Float32Array(3);
    this.unknown = new Float32Array(3);
    this.page = new Float32Array(3); // the page's colour
    this.rim = 0; // how much of it the outermost pixel of a point has
    this.ink = new Float32Array(4); // of boundaries
    this.layered = false; // some points are drawn after the others
    this.regionOpacity = 0;
    this.halfLine = 0; // half a boundary's width in device pixels, 0: none
    this.caption = "";
  }

  /** Take over the axes' place on the element and their ranges. @param {import("../axes.mjs").AxisWindow} axes */
  lookThrough(axes) {
    const { frame } = this;
    const density = Math.min(devicePixelRatio || 1, MOST_DENSE);
    this.density = density;
    this.left = Math.round(axes.left * density) / density; // on whole device pixels, or the browser would blur it
    this.top = Math.round(axes.top * density) / density;
    frame.width = Math.max(1, Math.round(axes.width * density)) / density;
    frame.height = Math.max(1, Math.round(axes.height * density)) / density;
    frame.ax = axes.width / (axes.x[1] - axes.x[0]);
    frame.bx = axes.left - this.left - axes.x[0] * frame.ax;
    frame.ay = -axes.height / (axes.y[1] - axes.y[0]);
    frame.by = axes.top - this.top + axes.height - axes.y[0] * frame.ay;
  }

  /** Put a canvas over the picture, its pixels on the screen's. @param {HTMLCanvasElement} canvas */
  fit(canvas) {
    const { left, top, density, frame, fitted } = this;
    const columns = Math.round(frame.width * density);
    const rows = Math.round(frame.height * density);
    const resized = canvas.width !== columns || canvas.height !== rows;
    if (resized) [canvas.width, canvas.height] = [columns, rows];
    const at = fitted.get(canvas);
    if (!resized && at && at.left === left && at.top === top && at.density === density) return;
    fitted.set(canvas, { left, top, density });
    const [width, height] = [`${frame.width}px`, `${frame.height}px`];
    Object.assign(canvas.style, { left: `${left}px`, top: `${top}px`, width, height });
  }

  /**
   * @param {number} time in snapshots
   * @param {import("../options.mjs").State} state of the player
   * @param {import("../data.mjs").RunData} data
   * @param {import("./camera.mjs").Follower | null} follower if the camera follows
   * @param {import("../colours.mjs").Theme} theme
   */
  update(time, state, { frames, attributes }, follower, theme) {
    this.before = Math.min(Math.floor(time), frames.T - 1);
    this.blend = time - this.before;
    this.after = this.blend > 0 ? this.before + 1 : this.before;
    this.caption = "";
    if (follower) this._follow(follower, time);
    this._lookAtCodes(frames.box);
    const fitting = Math.max(1.5, Math.min(7, 6.5 * (1500 / frames.N) ** 0.25));
    this.css = (state.pointSize ?? fitting) * state.pointScale;
    this.size = this.css * this.density;
    this.opacity = state.pointOpacity;
    this.rim = this.css >= RIM_FROM ? RIM : 0;
    this.regionOpacity = state.regionOpacity;
    this.halfLine = state.boundaries ? (LINE * this.density) / 2 : 0;
    this.ink.set(theme.ink);
    this.layered = state.focus.size > 0 || state.selection !== null || this.mode === MODES.right;
    if (this.key) this._lookUpRamp(state, attributes);
  }

  /** The axes show radii of the cloud around its centre. @param {import("./camera.mjs").Follower} follower @param {number} time */
  _follow(follower, time) {
    const { frame } = this;
    const { x, y, radius } = follower.at(this.before, this.blend);
    frame.ax /= radius;
    frame.ay /= radius;
    frame.bx -= frame.ax * x;
    frame.by -= frame.ay * y;
    this.caption = `scale × ${follower.growth(time).toPrecision(3)} since snapshot 0`;
  }

  /** @param {number[]} box of the codes */
  _lookAtCodes(box) {
    const { frame, camera } = this;
    camera[0] = (2 * frame.ax * (box[2] - box[0])) / frame.width;
    camera[1] = (-2 * frame.ay * (box[3] - box[1])) / frame.height;
    camera[2] = (2 * (frame.ax * box[0] + frame.bx)) / frame.width - 1;
    camera[3] = 1 - (2 * (frame.ay * box[1] + frame.by)) / frame.height;
  }

  /** @param {import("../options.mjs").State} state @param {import("../data.mjs").Attributes} attributes */
  _lookUpRamp(state, attributes) {
    const [low, high] = rampRange(state, attributes, this.key, this.before, this.blend);
    const scales = attributes.meta.scales[this.key];
    for (let i = 0; i < 2; i++) {
      const [from, to] = scales[i ? this.after : this.before];
      this.scale[2 * i] = (from - low) / (high - low || 1);
      this.scale[2 * i + 1] = (to - from) / LEVELS / (high - low || 1);
    }
  }

  /**
   * Write where a point is now into it, in CSS pixels of the canvas; NaN if it has no position.
   * @template {{index: number, x: number, y: number}} Point
   * @param {import("../data.mjs").Frames} frames
   * @param {Point} point
   * @returns {Point}
   */
  place({ points, N, box }, point) {
    const { frame, blend } = this;
    const a = 2 * (this.before * N + point.index);
    const b = 2 * (this.after * N + point.index);
    const isPresent = points[a] !== ABSENT && points[b] !== ABSENT;
    const u = isPresent ? (points[a] + blend * (points[b] - points[a])) / ABSENT : NaN;
    const v = (points[a + 1] + blend * (points[b + 1] - points[a + 1])) / ABSENT;
    point.x = frame.ax * (box[0] + u * (box[2] - box[0])) + frame.bx;
    point.y = frame.ay * (box[1] + v * (box[3] - box[1])) + frame.by;
    return point;
  }

  /** A place on the element -> the data. @param {Place} place @returns {{x: number, y: number}} */
  toData({ x, y }) {
    const { frame } = this;
    return { x: (x - this.left - frame.bx) / frame.ax, y: (y - this.top - frame.by) / frame.ay };
  }

  /** The data -> a place on the element. @param {{x: number, y: number}} position @returns {Place} */
  fromData({ x, y }) {
    const { frame } = this;
    return { x: frame.ax * x + frame.bx + this.left, y: frame.ay * y + frame.by + this.top };
  }

  /** A polygon in the axes' own numbers -> the data. @param {import("../axes.mjs").AxisWindow} axes @param {import("../axes.mjs").Polygon} polygon */
  fromAxes(axes, { x, y }) {
    const corners = x.map((value, i) =>
      this.toData({
        x: axes.left + (axes.width * (value - axes.x[0])) / (axes.x[1] - axes.x[0]),
        y: axes.top + axes.height - (axes.height * (y[i] - axes.y[0])) / (axes.y[1] - axes.y[0]),
      }),
    );
    return { x: corners.map((corner) => corner.x), y: corners.map((corner) => corner.y) };
  }
}
