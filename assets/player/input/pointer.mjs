/* What the pointer points at: images and marks under it, clicks, images within a lasso. */

import { isShown } from "../colours.mjs";
import { Picker } from "./picking.mjs";

const REACH = 4; // CSS pixels beyond a point's edge at which it is still hovered
const STILL = 4; // CSS pixels that a click may move
const LEAST_RADIUS = 3; // of a hovered point

export class Pointer {
  /**
   * @param {import("../stage.mjs").Stage} stage
   * @param {{moved: () => void, changed: () => void, emit: (event: string, value: any) => void}} tell
   */
  constructor(stage, tell) {
    this.stage = stage;
    this.tell = tell;
    this.picker = null;
    this.at = { x: 0, y: 0 }; // on the element
    this.inside = false;
    this.stale = false; // something else may lie under it now
    this.hovered = null; // what is drawn on top: see Hovered in stage.mjs
    this.marked = null; // the target or centre under it
    this.isVisible = (index) => this._isVisible(index);
    const { root } = stage;
    this.stop = [];
    this._listen(root, "pointermove", (event) => this._moved(event));
    this._listen(root, "pointerleave", () => this._moved(null));
    this._listenToClicks(root);
  }

  _listen(target, event, listener, capture = false) {
    target.addEventListener(event, listener, capture);
    this.stop.push(() => target.removeEventListener(event, listener, capture));
  }

  setRun(frames) {
    this.picker = new Picker(frames);
    this.hovered = this.marked = null;
    this.tell.emit("hover", null);
    this.tell.emit("mark", null);
  }

  _moved(event) {
    this.inside = event !== null;
    this.stale = true;
    if (event) {
      const { left, top } = this.stage.root.getBoundingClientRect();
      this.at.x = event.clientX - left;
      this.at.y = event.clientY - top;
    }
    this.tell.moved();
  }

  /** Look what is under it now, and tell if that is something else. */
  update() {
    this.stale = false;
    const { stage, at } = this;
    if (!this.picker || !stage.axes?.ready) return;
    stage.look();
    const { view } = stage;
    const x = at.x - view.left;
    const y = at.y - view.top;
    const inside = this.inside && x >= 0 && y >= 0 && x <= view.frame.width && y <= view.frame.height;
    const mark = inside ? stage.overlay.markAt(x, y) : null;
    this._mark(mark && { ...mark, x: mark.x + view.left, y: mark.y + view.top });
    this._hover(inside && !mark ? this.pick(at) : -1);
  }

  _mark(mark) {
    const before = this.marked;
    if (before?.class === mark?.class && before?.kind === mark?.kind) return;
    this.marked = mark;
    this.tell.emit("mark", mark);
  }

  _hover(index) {
    const { stage, hovered: before } = this;
    if (index < 0) {
      if (!before) return;
      this.hovered = null;
      this.tell.changed();
      this.tell.emit("hover", null);
      return;
    }
    const { view } = stage;
    const radius = Math.max(view.css / 2, LEAST_RADIUS);
    const hovered = view.place(stage.data.frames, { index, x: 0, y: 0, colour: stage.colourOf(index), radius });
    if (before?.index === index && before.x === hovered.x && before.y === hovered.y) return;
    this.hovered = hovered;
    this.tell.changed();
    this.tell.emit("hover", { index, x: hovered.x + view.left, y: hovered.y + view.top });
  }

  /** The image at a place on the element, -1 if there is none within a few pixels. */
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

  /** The images within a polygon of the data. @param {{x: number[], y: number[]}} polygon */
  within({ x, y }) {
    const { view, data } = this.stage;
    const [left, low, right, high] = data.frames.box;
    const codes = {
      x: x.map((value) => (value - left) / (right - left)),
      y: y.map((value) => (value - low) / (high - low)),
    };
    return this.picker.within(view.before, view.blend, codes, this.isVisible);
  }

  _isVisible(index) {
    const { state, data } = this.stage;
    return !data.attributes || isShown(state, data.attributes.labels[index]);
  }

  /** A click is on what is hovered; a press takes the keyboard's focus, so that keys mean this player. */
  _listenToClicks(root) {
    let down = null; // where the button went down and on what: what is under it then lies under Plotly's cover
    const pressed = ({ clientX, clientY }) => {
      const { hovered, marked, stage } = this;
      const { left, top } = stage.view;
      const image = hovered && { index: hovered.index, x: hovered.x + left, y: hovered.y + top };
      down = { clientX, clientY, on: marked ?? image };
      if (!root.contains(document.activeElement)) root.focus({ preventScroll: true });
    };
    const released = (event) => {
      if (!down) return;
      const { on, clientX, clientY } = down;
      down = null;
      this._moved(event); // back from under the cover
      const still = Math.hypot(event.clientX - clientX, event.clientY - clientY) < STILL;
      if (on && still && !event.button) this.tell.emit("click", on);
    };
    this._listen(root, "pointerdown", pressed, true);
    this._listen(document, "pointerup", released, true);
  }

  remove() {
    for (const stop of this.stop) stop();
  }
}
