/* The image or mark under the pointer, clicks, and the images within a lasso. */

import { isShown } from "../colours.mjs";
import { Picker } from "./picking.mjs";

const REACH = 4; // CSS pixels beyond a point's edge that still count as on it
const CLICK_MOVE = 4; // CSS pixels that the pointer may move in a click
const LEAST_RADIUS = 3; // of a hovered point

/** @typedef {import("../geometry/view.mjs").Place} Place */

export class Pointer {
  /**
   * @param {import("../stage.mjs").Stage} stage
   * @param {import("../events.mjs").Emitter} events
   * @param {{moved: () => void, changed: () => void}} callbacks changed: something has to be drawn
   */
  constructor(stage, events, callbacks) {
    this.stage = stage;
    this.events = events;
    this.callbacks = callbacks;
    /** @type {Picker | null} */
    this.picker = null;
    this.at = { x: 0, y: 0 }; // on the element
    this.inside = false;
    this.stale = false; // whether `update` has to look again
    /** @type {import("../stage.mjs").Hovered | null} */
    this.hovered = null; // the image under it, drawn on top
    /** @type {import("../marks/overlay.mjs").Mark | null} */
    this.mark = null; // the target or centre under it
    /** @param {number} index */
    this.isVisible = (index) => this._isVisible(index);
    const { root } = stage;
    this.stop = new AbortController(); // of all listeners
    const { signal } = this.stop;
    root.addEventListener("pointermove", (event) => this._onMove(event), { signal });
    root.addEventListener("pointerleave", () => this._onMove(null), { signal });
    this._listenToClicks(root);
  }

  /** @param {import("../data.mjs").Frames} frames */
  setRun(frames) {
    this.picker = new Picker(frames);
    this.hovered = this.mark = null;
    this.events.emit("hover", null);
    this.events.emit("mark", null);
  }

  /** @param {PointerEvent | null} event null: the pointer has left */
  _onMove(event) {
    this.inside = event !== null;
    this.stale = true;
    if (event) {
      const { left, top } = this.stage.root.getBoundingClientRect();
      this.at.x = event.clientX - left;
      this.at.y = event.clientY - top;
    }
    this.callbacks.moved();
  }

  /** Look up what is under the pointer, with events if that has changed. */
  update() {
    this.stale = false;
    const { stage, at } = this;
    if (!this.picker || !stage.axes?.ready) return;
    stage.look();
    const { view } = stage;
    const x = at.x - view.left;
    const y = at.y - view.top;
    const inside = this.inside && x >= 0 && y >= 0 && x <= view.frame.width && y <= view.frame.height;
    const mark = inside ? stage.overlay.markAt(x, y, stage.state) : null;
    this._setMark(mark && { ...mark, x: mark.x + view.left, y: mark.y + view.top });
    this._setHovered(inside && !mark ? this.pick(at) : -1);
  }

  /** @param {import("../marks/overlay.mjs").Mark | null} mark */
  _setMark(mark) {
    const before = this.mark;
    if (before?.class === mark?.class && before?.kind === mark?.kind) return;
    this.mark = mark;
    this.events.emit("mark", mark);
  }

  /** @param {number} index -1 for none */
  _setHovered(index) {
    const { stage, hovered: before } = this;
    if (index < 0) {
      if (!before) return;
      this.hovered = null;
      this.callbacks.changed();
      this.events.emit("hover", null);
      return;
    }
    const { view } = stage;
    const radius = Math.max(view.css / 2, LEAST_RADIUS);
    const hovered = view.place(stage.data.frames, { index, x: 0, y: 0, colour: stage.colourOf(index), radius });
    if (before?.index === index && before.x === hovered.x && before.y === hovered.y) return;
    this.hovered = hovered;
    this.callbacks.changed();
    this.events.emit("hover", { index, x: hovered.x + view.left, y: hovered.y + view.top });
  }

  /** The image at a place on the element, -1 if there is none within a few pixels. @param {Place} place */
  pick(place) {
    const { stage, picker } = this;
    const { view } = stage;
    const { box } = stage.data.frames;
    const { x, y } = view.toData(place);
    const width = box[2] - box[0];
    const height = box[3] - box[1];
    const radius = view.css / 2 + REACH;
    return picker.nearest(
      view.before,
      view.blend,
      (x - box[0]) / width,
      (y - box[1]) / height,
      radius / Math.abs(view.frame.ax * width),
      radius / Math.abs(view.frame.ay * height),
      this.isVisible,
    );
  }

  /** The images within a polygon of the data. @param {import("../axes.mjs").Polygon} polygon */
  within({ x, y }) {
    const { view, data } = this.stage;
    const [left, low, right, high] = data.frames.box;
    const codes = {
      x: x.map((value) => (value - left) / (right - left)),
      y: y.map((value) => (value - low) / (high - low)),
    };
    return this.picker.within(view.before, view.blend, codes, this.isVisible);
  }

  /** @param {number} index */
  _isVisible(index) {
    const { state, data } = this.stage;
    return !data.attributes || isShown(state, data.attributes.labels[index]);
  }

  /**
   * A click is on the hovered image or mark; a press takes the keyboard's focus, so that keys reach this player.
   * @param {HTMLElement} root
   */
  _listenToClicks(root) {
    /** @type {{clientX: number, clientY: number, on: import("../events.mjs").Events["click"] | null} | null} */
    let press = null; // where the button went down and on what, for while it is down Plotly covers the picture
    /** @param {PointerEvent} event */
    const onPress = ({ clientX, clientY }) => {
      const { hovered, mark, stage } = this;
      const { left, top } = stage.view;
      const image = hovered && { index: hovered.index, x: hovered.x + left, y: hovered.y + top };
      press = { clientX, clientY, on: mark ?? image };
      if (!root.contains(document.activeElement)) root.focus({ preventScroll: true });
    };
    /** @param {PointerEvent} event */
    const onRelease = (event) => {
      if (!press) return;
      const { on, clientX, clientY } = press;
      press = null;
      this._onMove(event); // the cover is gone
      const still = Math.hypot(event.clientX - clientX, event.clientY - clientY) < CLICK_MOVE;
      if (on && still && !event.button) this.events.emit("click", on);
    };
    const options = { capture: true, signal: this.stop.signal };
    root.addEventListener("pointerdown", onPress, options);
    document.addEventListener("pointerup", onRelease, options);
  }

  remove() {
    this.stop.abort();
  }
}
