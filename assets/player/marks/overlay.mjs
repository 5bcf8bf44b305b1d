/* On top of the points, on a 2D canvas: targets, class centres, their trails, the gaps between them, names. */

import { make } from "../../common/dom.mjs";
import { isDimmed, isShown, mixColours } from "../colours.mjs";
import { CENTRE, DIMMED, FONT, TARGET, drawCentre, drawTarget, sprite } from "./marks.mjs";
import { Names } from "./names.mjs";

/** @typedef {import("../options.mjs").State} State */
/** @typedef {import("../geometry/view.mjs").View} View */
/** @typedef {import("../geometry/view.mjs").Mapping} Mapping */
/** @typedef {import("../colours.mjs").Theme} Theme */
/** @typedef {"targets" | "centres"} Kind of a mark: the option that shows it and the frames' array of its positions */
/** @typedef {{kind: "target" | "centre", class: number, x: number, y: number}} Mark with its place on the canvas */
/** @typedef {{colours: string[], theme: Theme, density: number}} Style of the classes and the page */

/** @type {Kind[]} */
const KINDS = ["centres", "targets"]; // these lie above those
const TRAILS = { targets: { width: 2.2, strength: 1 }, centres: { width: 1.2, strength: 0.7 } };
const BANDS = 6; // steps in which a trail fades
const DASH = [3, 3];
const SOLID = [];

export class Overlay {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    /** @type {import("../data.mjs").Frames | null} */
    this.frames = null;
    /** @type {(Style & {trails: string[]}) | null} */
    this.style = null;
    this.pastTrails = new PastTrails();
    this.names = new Names();
    /** @type {Record<Kind, import("./marks.mjs").Sprite[]>} */
    this.sprites = { targets: [], centres: [] };
    this.at = { targets: new Float64Array(0), centres: new Float64Array(0) }; // (C, 2) CSS pixels now; NaN: hidden, none
  }

  /** @param {import("../data.mjs").Frames} frames */
  setFrames(frames) {
    this.frames = frames;
    const { C } = frames;
    this.at = { targets: new Float64Array(2 * C), centres: new Float64Array(2 * C) };
    this.style = null;
  }

  /** Draw every mark and name once, to be copied into each frame. @param {Style} style */
  setStyle(style) {
    const { colours, theme, density } = style;
    this.style = { ...style, trails: colours.map((colour) => mixColours(colour, theme.text, theme.lift)) };
    /** @type {(side: number, draw: typeof drawTarget) => import("./marks.mjs").Sprite[]} */
    const marks = (side, draw) => {
      const make = (colour) => sprite(side, side, density, (c) => draw(c, colour, theme));
      const byColour = new Map([...new Set(colours)].map((colour) => [colour, make(colour)])); // thousands of classes repeat them
      return colours.map((colour) => byColour.get(colour));
    };
    this.sprites.targets = marks(2 * TARGET + 8, drawTarget);
    this.sprites.centres = marks(2 * CENTRE + 6, drawCentre);
    this.names.setStyle(this.frames?.classNames ?? [], theme, density);
  }

  /** Whether the sprites were drawn with these. @param {string[]} colours @param {Theme} theme @param {number} density */
  fits(colours, theme, density) {
    const { style } = this;
    return style !== null && style.colours === colours && style.theme === theme && style.density === density;
  }

  /**
   * Draw, after `locate`.
   * @param {State} state of the player
   * @param {View} view
   * @param {import("../stage.mjs").Hovered | null} hovered
   */
  draw(state, view, hovered) {
    const { context, frames } = this;
    const { frame, density } = view;
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, frame.width, frame.height);
    if (!frames) return;
    if (state.trails) this._drawTrails(state, view);
    if (state.gaps) this._drawGaps(state);
    if (hovered) this._drawHovered(hovered);
    for (const kind of KINDS) if (state[kind]) this._drawMarks(kind, state);
    if (state.labels) this.names.draw(context, state, this.at, frame);
    if (view.caption) this._drawCaption(view.caption, frame);
  }

  /** A line in the lower left corner. @param {string} text @param {Mapping} frame */
  _drawCaption(text, frame) {
    const { context } = this;
    context.font = FONT;
    context.fillStyle = this.style.theme.quiet;
    context.textBaseline = "bottom";
    context.fillText(text, 10, frame.height - 8);
  }

  /** Compute where the marks of every class are, which `draw` and `markAt` use. @param {State} state @param {View} view */
  locate(state, view) {
    if (this.frames) for (const kind of KINDS) this._locate(kind, state, view);
  }

  /** @param {Kind} kind @param {State} state @param {View} view */
  _locate(kind, state, { before, blend, frame }) {
    const at = this.at[kind];
    const { C, [kind]: positions } = this.frames;
    const a = before * C * 2;
    const b = blend > 0 ? a + C * 2 : a;
    for (let k = 0; k < C; k++) {
      const isClassShown = isShown(state, k);
      const x = mix(positions, a + 2 * k, b + 2 * k, blend);
      const y = mix(positions, a + 2 * k + 1, b + 2 * k + 1, blend);
      at[2 * k] = isClassShown ? frame.ax * x + frame.bx : NaN;
      at[2 * k + 1] = isClassShown ? frame.ay * y + frame.by : NaN;
    }
  }

  /**
   * The paths since the first snapshot: up to the snapshot before on a canvas of their own, the rest in every frame.
   * @param {State} state
   * @param {View} view
   */
  _drawTrails(state, view) {
    const { context, canvas, pastTrails } = this;
    const { frame } = view;
    const isNew = pastTrails.isNew(canvas, this.style, state, view);
    for (const kind of KINDS) if (isNew && state[kind]) this._drawPast(kind, state, view);
    context.drawImage(pastTrails.canvas, 0, 0, frame.width, frame.height);
    for (const kind of KINDS) if (view.blend > 0 && state[kind]) this._drawRecent(kind, state, view);
  }

  /** Up to the snapshot before, the older the fainter. @param {Kind} kind @param {State} state @param {View} view */
  _drawPast(kind, state, { before, frame }) {
    const { context } = this.pastTrails;
    const { C, [kind]: positions } = this.frames;
    const { width, strength } = TRAILS[kind];
    const at = this.at[kind];
    context.lineJoin = "round";
    for (let k = 0; k < C; k++) {
      if (Number.isNaN(at[2 * k])) continue;
      context.strokeStyle = this.style.trails[k];
      for (let band = 0; band < BANDS; band++) {
        const first = Math.round((before * band) / BANDS);
        const last = Math.round((before * (band + 1)) / BANDS);
        if (first === last) continue;
        const age = (band + 1) / BANDS; // 1 is now
        context.globalAlpha = strength * strengthOf(state, k) * (0.25 + 0.75 * age * age);
        context.lineWidth = width * (0.6 + 0.4 * age);
        context.beginPath();
        let pen = false; // whether it is down
        for (let s = first; s <= last; s++) {
          const x = frame.ax * positions[2 * (s * C + k)] + frame.bx;
          const y = frame.ay * positions[2 * (s * C + k) + 1] + frame.by;
          const isDefined = x === x && y === y;
          if (isDefined && pen) context.lineTo(x, y);
          else if (isDefined) context.moveTo(x, y);
          pen = isDefined;
        }
        context.stroke();
      }
    }
  }

  /** From the snapshot before to now. @param {Kind} kind @param {State} state @param {View} view */
  _drawRecent(kind, state, { before, frame }) {
    const { C, [kind]: positions } = this.frames;
    const { width, strength } = TRAILS[kind];
    const at = this.at[kind];
    for (let k = 0; k < C; k++) {
      const i = 2 * (before * C + k);
      const x = frame.ax * positions[i] + frame.bx;
      const y = frame.ay * positions[i + 1] + frame.by;
      this._drawLine(x, y, at[2 * k], at[2 * k + 1], this.style.trails[k], width, strength * strengthOf(state, k));
    }
  }

  /** A line from each target to its class centre. @param {State} state */
  _drawGaps(state) {
    const { targets, centres } = this.at;
    this.context.setLineDash(DASH);
    for (let k = 0; k < this.frames.C; k++) {
      const [i, j] = [2 * k, 2 * k + 1];
      this._drawLine(targets[i], targets[j], centres[i], centres[j], this.style.colours[k], 1.25, 0.9 * strengthOf(state, k));
    }
    this.context.setLineDash(SOLID);
  }

  /**
   * A line, if both ends are defined.
   * @param {number} x
   * @param {number} y
   * @param {number} toX
   * @param {number} toY
   * @param {string} colour
   * @param {number} width
   * @param {number} alpha
   */
  _drawLine(x, y, toX, toY, colour, width, alpha) {
    const { context } = this;
    if (Number.isNaN(x + y + toX + toY)) return;
    context.globalAlpha = alpha;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(toX, toY);
    context.stroke();
    context.globalAlpha = 1;
  }

  /** @param {Kind} kind @param {State} state */
  _drawMarks(kind, state) {
    const { context } = this;
    const at = this.at[kind];
    for (let k = 0; k < this.frames.C; k++) {
      if (Number.isNaN(at[2 * k]) || Number.isNaN(at[2 * k + 1])) continue;
      const { image, width, height } = this.sprites[kind][k];
      context.globalAlpha = strengthOf(state, k);
      context.drawImage(image, at[2 * k] - width / 2, at[2 * k + 1] - height / 2, width, height);
    }
    context.globalAlpha = 1;
  }

  /** The point under the pointer, on top of all others. @param {import("../stage.mjs").Hovered} hovered */
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
   * @param {number} x
   * @param {number} y
   * @param {State} state
   * @returns {Mark | null}
   */
  markAt(x, y, state) {
    const { targets, centres } = this.at;
    const k = state.targets ? lastNear(targets, x, y, TARGET + 3) : -1;
    if (k >= 0) return { kind: "target", class: k, x: targets[2 * k], y: targets[2 * k + 1] };
    const j = state.centres ? lastNear(centres, x, y, CENTRE + 2) : -1;
    return j < 0 ? null : { kind: "centre", class: j, x: centres[2 * j], y: centres[2 * j + 1] };
  }
}

/**
 * The last of the places (n, 2) within a radius, -1 if there is none.
 * @param {Float64Array} places
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
function lastNear(places, x, y, radius) {
  let k = places.length / 2 - 1;
  while (k >= 0 && !(Math.hypot(places[2 * k] - x, places[2 * k + 1] - y) <= radius)) k--;
  return k;
}

/** How strongly the marks of class k are drawn. @param {State} state @param {number} k */
function strengthOf(state, k) {
  return isDimmed(state, k) ? DIMMED : 1;
}

/** A canvas with the trails up to the snapshot before, and the inputs that they depend on. */
class PastTrails {
  constructor() {
    this.canvas = make("canvas");
    this.context = this.canvas.getContext("2d");
    this.inputs = new Array(15).fill(undefined);
  }

  /**
   * Whether an input has changed and they must be drawn again; then the canvas is cleared and has the right size.
   * @param {HTMLCanvasElement} canvas of the overlay
   * @param {object} style
   * @param {State} state
   * @param {View} view
   */
  isNew(canvas, style, state, { before, frame, density }) {
    const { inputs } = this;
    let n = 0;
    let isNew = false;
    const note = (...values) => {
      for (const value of values) {
        if (inputs[n] !== value) isNew = true;
        inputs[n++] = value;
      }
    };
    note(before, frame.ax, frame.bx, frame.ay, frame.by, density, canvas.width, canvas.height, style);
    note(state.hidden, state.solo, state.focus, state.targets, state.centres);
    if (!isNew) return false;
    [this.canvas.width, this.canvas.height] = [canvas.width, canvas.height]; // clears it
    this.context.setTransform(density, 0, 0, density, 0, 0);
    return true;
  }
}

/** Between two numbers of an array. @param {Float32Array} array @param {number} from @param {number} to @param {number} share */
function mix(array, from, to, share) {
  return array[from] + share * (array[to] - array[from]);
}
