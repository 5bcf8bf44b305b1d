/* On top of the points, on a 2D canvas: targets, class centres, their trails, the gaps between them, names. */

import { make } from "../../common/dom.mjs";
import { isDimmed, isShown, mixColours } from "../colours.mjs";
import { CENTRE, DIMMED, FONT, TARGET, drawCentre, drawTarget, sprite } from "./marks.mjs";
import { Names } from "./names.mjs";

const TARGET_TRAIL = { width: 2.2, strength: 1 };
const CENTRE_TRAIL = { width: 1.2, strength: 0.7 };
const BANDS = 6; // steps in which a trail fades
const DASH = [3, 3];
const SOLID = [];

export class Overlay {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.frames = null;
    this.style = null;
    this.pastTrails = new PastTrails();
    this.names = new Names();
    this.sprites = { targets: [], centres: [] };
    this.at = { targets: new Float64Array(0), centres: new Float64Array(0) }; // (C, 2) CSS pixels now, NaN: not drawn
  }

  /** @param {import("../data.mjs").Frames} frames */
  setFrames(frames) {
    this.frames = frames;
    const { C } = frames;
    this.at = { targets: new Float64Array(2 * C), centres: new Float64Array(2 * C) };
    this.style = null;
  }

  /** Draw every mark and name once, to be copied into each frame. @param {object} style colours, theme, density */
  setStyle(style) {
    const { colours, theme, density } = style;
    this.style = { ...style, trails: colours.map((colour) => mixColours(colour, theme.text, theme.lift)) };
    const marks = (side, draw) => colours.map((colour) => sprite(side, side, density, (c) => draw(c, colour, theme)));
    this.sprites.targets = marks(2 * TARGET + 8, drawTarget);
    this.sprites.centres = marks(2 * CENTRE + 6, drawCentre);
    this.names.setStyle(this.frames?.classNames ?? [], theme, density);
  }

  /** Whether the sprites were drawn with these. */
  fits(colours, theme, density) {
    const { style } = this;
    return style !== null && style.colours === colours && style.theme === theme && style.density === density;
  }

  /**
   * Draw, after `locate`.
   * @param {object} state of the player
   * @param {{before: number, blend: number, frame: import("../geometry/planes.mjs").Camera, density: number}} view
   * @param {import("../stage.mjs").Hovered | null} hovered
   */
  draw(state, view, hovered) {
    const { context, frames } = this;
    const { frame, density } = view;
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, frame.width, frame.height);
    if (!frames) return;
    if (state.trails) this._drawTrails(state, view);
    if (state.gaps) this._drawGaps(state, view);
    if (hovered) this._drawHovered(hovered, state);
    this._drawMarks(this.sprites.centres, this.at.centres, state);
    this._drawMarks(this.sprites.targets, this.at.targets, state);
    if (state.labels) this.names.draw(context, state, this.at, frame);
    if (view.caption) this._drawCaption(view.caption, frame);
  }

  /** A line in the lower left corner. */
  _drawCaption(text, frame) {
    const { context } = this;
    context.font = FONT;
    context.fillStyle = this.style.theme.quiet;
    context.textBaseline = "bottom";
    context.fillText(text, 10, frame.height - 8);
  }

  /** Compute where the marks of every class are, which `draw` and `markAt` use. */
  locate(state, view) {
    if (!this.frames) return;
    this._locate("targets", this.frames.targets, state.targets, state, view);
    this._locate("centres", this.frames.centres, state.centres, state, view);
  }

  _locate(name, array, isOn, state, { before, blend, frame }) {
    const at = this.at[name];
    const { C } = this.frames;
    const a = before * C * 2;
    const b = blend > 0 ? a + C * 2 : a;
    for (let k = 0; k < C; k++) {
      const isDrawn = isOn && isShown(state, k);
      const x = mix(array, a + 2 * k, b + 2 * k, blend);
      const y = mix(array, a + 2 * k + 1, b + 2 * k + 1, blend);
      at[2 * k] = isDrawn ? frame.ax * x + frame.bx : NaN;
      at[2 * k + 1] = isDrawn ? frame.ay * y + frame.by : NaN;
    }
  }

  /** The paths since the first snapshot: up to the snapshot before on a canvas of their own, the rest in every frame. */
  _drawTrails(state, view) {
    const { context, canvas, pastTrails } = this;
    const { frame } = view;
    if (pastTrails.isNew(canvas, this.style, state, view)) {
      if (state.centres) this._drawPast(this.frames.centres, this.at.centres, CENTRE_TRAIL, state, view);
      if (state.targets) this._drawPast(this.frames.targets, this.at.targets, TARGET_TRAIL, state, view);
    }
    context.drawImage(pastTrails.canvas, 0, 0, frame.width, frame.height);
    if (view.blend === 0) return;
    if (state.centres) this._drawRecent(this.frames.centres, this.at.centres, CENTRE_TRAIL, state, view);
    if (state.targets) this._drawRecent(this.frames.targets, this.at.targets, TARGET_TRAIL, state, view);
  }

  /** Up to the snapshot before, the older the fainter. */
  _drawPast(array, at, { width, strength }, state, { before, frame }) {
    const { context } = this.pastTrails;
    const { C } = this.frames;
    context.lineJoin = "round";
    for (let k = 0; k < C; k++) {
      if (Number.isNaN(at[2 * k])) continue;
      context.strokeStyle = this.style.trails[k];
      for (let band = 0; band < BANDS; band++) {
        const first = Math.round((before * band) / BANDS);
        const last = Math.round((before * (band + 1)) / BANDS);
        if (first === last) continue;
        const age = (band + 1) / BANDS; // 1 is now
        context.globalAlpha = strength * (isDimmed(state, k) ? DIMMED : 1) * (0.25 + 0.75 * age * age);
        context.lineWidth = width * (0.6 + 0.4 * age);
        context.beginPath();
        let pen = false; // whether it is down
        for (let s = first; s <= last; s++) {
          const x = frame.ax * array[2 * (s * C + k)] + frame.bx;
          const y = frame.ay * array[2 * (s * C + k) + 1] + frame.by;
          const isDefined = x === x && y === y;
          if (isDefined && pen) context.lineTo(x, y);
          else if (isDefined) context.moveTo(x, y);
          pen = isDefined;
        }
        context.stroke();
      }
    }
  }

  /** From the snapshot before to now. */
  _drawRecent(array, at, { width, strength }, state, { before, frame }) {
    const { context } = this;
    const { C } = this.frames;
    context.lineWidth = width;
    for (let k = 0; k < C; k++) {
      const i = 2 * (before * C + k);
      if (Number.isNaN(at[2 * k]) || Number.isNaN(array[i])) continue;
      context.strokeStyle = this.style.trails[k];
      context.globalAlpha = strength * (isDimmed(state, k) ? DIMMED : 1);
      context.beginPath();
      context.moveTo(frame.ax * array[i] + frame.bx, frame.ay * array[i + 1] + frame.by);
      context.lineTo(at[2 * k], at[2 * k + 1]);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  /** A line from each target to its class centre. */
  _drawGaps(state, { before, blend, frame }) {
    const { context, frames } = this;
    const { C, targets, centres } = frames;
    context.setLineDash(DASH);
    context.lineWidth = 1.25;
    const a = 2 * before * C;
    const b = blend > 0 ? a + 2 * C : a;
    for (let k = 0; k < C; k++) {
      if (!isShown(state, k)) continue;
      const x = frame.ax * mix(targets, a + 2 * k, b + 2 * k, blend) + frame.bx;
      const y = frame.ay * mix(targets, a + 2 * k + 1, b + 2 * k + 1, blend) + frame.by;
      const toX = frame.ax * mix(centres, a + 2 * k, b + 2 * k, blend) + frame.bx;
      const toY = frame.ay * mix(centres, a + 2 * k + 1, b + 2 * k + 1, blend) + frame.by;
      if (Number.isNaN(x + y + toX + toY)) continue;
      context.globalAlpha = isDimmed(state, k) ? 0.9 * DIMMED : 0.9;
      context.strokeStyle = this.style.colours[k];
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(toX, toY);
      context.stroke();
    }
    context.globalAlpha = 1;
    context.setLineDash(SOLID);
  }

  _drawMarks(sprites, at, state) {
    const { context } = this;
    for (let k = 0; k < this.frames.C; k++) {
      if (Number.isNaN(at[2 * k]) || Number.isNaN(at[2 * k + 1])) continue;
      const { image, width, height } = sprites[k];
      context.globalAlpha = isDimmed(state, k) ? DIMMED : 1;
      context.drawImage(image, at[2 * k] - width / 2, at[2 * k + 1] - height / 2, width, height);
    }
    context.globalAlpha = 1;
  }

  /** The point under the pointer, on top of all others. */
  _drawHovered({ x, y, colour, radius }) {
    const { context } = this;
    const { theme } = this.style;
    context.beginPath();
    context.arc(x, y, radius + 3.5, 0, 2 * Math.PI);
    context.fillStyle = theme.page;
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = theme.text;
    context.stroke();
    context.beginPath();
    context.arc(x, y, radius + 0.5, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
  }

  /**
   * The target or centre within a few pixels of a place, or null.
   * @returns {{kind: "target" | "centre", class: number, x: number, y: number} | null}
   */
  markAt(x, y) {
    for (const [kind, at, radius] of [
      ["target", this.at.targets, TARGET + 3],
      ["centre", this.at.centres, CENTRE + 2],
    ]) {
      for (let k = at.length / 2 - 1; k >= 0; k--) {
        const away = Math.hypot(at[2 * k] - x, at[2 * k + 1] - y);
        if (away <= radius) return { kind, class: k, x: at[2 * k], y: at[2 * k + 1] };
      }
    }
    return null;
  }
}

/** A canvas with the trails up to the snapshot before, and the inputs that they depend on. */
class PastTrails {
  constructor() {
    this.canvas = make("canvas");
    this.context = this.canvas.getContext("2d");
    this.inputs = new Array(15).fill(undefined);
  }

  /** Whether an input has changed and they must be drawn again; then the canvas is cleared and has the right size. */
  isNew(canvas, style, state, { before, frame, density }) {
    const { inputs } = this;
    let n = 0;
    let isNew = false;
    const note = (value) => {
      if (inputs[n] !== value) isNew = true;
      inputs[n++] = value;
    };
    (note(before), note(frame.ax), note(frame.bx), note(frame.ay), note(frame.by), note(density));
    (note(canvas.width), note(canvas.height), note(style));
    (note(state.hidden), note(state.solo), note(state.focus), note(state.targets), note(state.centres));
    if (!isNew) return false;
    [this.canvas.width, this.canvas.height] = [canvas.width, canvas.height]; // clears it
    this.context.setTransform(density, 0, 0, density, 0, 0);
    return true;
  }
}

/** Between two numbers of an array. */
function mix(array, from, to, share) {
  return array[from] + share * (array[to] - array[from]);
}
