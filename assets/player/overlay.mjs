/* On top of the points, on a 2D canvas: targets, class centres, their trails, the gaps between them, names. */

import { isDimmed, isShown } from "./colours.mjs";

const TARGET = 7; // radius of a target's disc, CSS pixels
const CENTRE = 5; // half a centre's cross
const TARGET_TRAIL = { width: 2.2, strength: 1 };
const CENTRE_TRAIL = { width: 1.2, strength: 0.7 };
const BANDS = 6; // steps in which a trail fades
const DIMMED = 0.35; // strength of what is outside the focus
const LABEL = 12; // font size
const FONT = `600 ${LABEL}px Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;
const DASH = [3, 3];
const SOLID = [];
const PLACES = 4; // of a name: right, left, above, below its mark
const FEW = 10; // classes that all have their names drawn

export class Overlay {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.frames = null;
    this.style = null;
    this.past = new Past();
    this.sprites = { targets: [], centres: [], labels: [] };
    this.at = { targets: new Float64Array(0), centres: new Float64Array(0) }; // (C, 2) CSS pixels now, NaN: not drawn
    this.place = new Int8Array(0); // where each name stood in the last frame
    this.rects = new Float64Array(0); // (2 C, 4) what the names must not cover: left, top, right, bottom
    this.rectCount = 0;
  }

  /** @param {import("./data.mjs").Frames} frames */
  setFrames(frames) {
    this.frames = frames;
    const { C } = frames;
    this.at = { targets: new Float64Array(2 * C), centres: new Float64Array(2 * C) };
    this.place = new Int8Array(C);
    this.rects = new Float64Array(4 * 2 * C);
    this.style = null;
  }

  /** Draw every mark and name once, to be copied into each frame. @param {object} style colours, theme, density */
  setStyle(style) {
    this.style = style;
    const { colours, theme, density } = style;
    const names = this.frames?.classNames ?? [];
    const marks = (side, draw) => colours.map((colour) => sprite(side, side, density, (c) => draw(c, colour, theme)));
    this.sprites.targets = marks(2 * TARGET + 8, drawTarget);
    this.sprites.centres = marks(2 * CENTRE + 6, drawCentre);
    this.context.font = FONT;
    this.sprites.labels = names.map((name) => {
      const width = Math.ceil(this.context.measureText(name).width) + 6;
      return sprite(width, LABEL + 8, density, (c) => drawName(c, name, theme));
    });
  }

  /** The sprites are still of these. */
  fits(colours, theme, density) {
    const { style } = this;
    return style !== null && style.colours === colours && style.theme === theme && style.density === density;
  }

  /**
   * Draw, after `locate`.
   * @param {object} state of the player
   * @param {{before: number, blend: number, frame: import("./planes.mjs").Camera, density: number}} view
   * @param {import("./stage.mjs").Hovered | null} hovered
   */
  draw(state, view, hovered) {
    const { context, frames } = this;
    const { frame, density } = view;
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, frame.width, frame.height);
    if (!frames) return;
    if (state.trails) this._trails(state, view);
    if (state.gaps) this._gaps(state, view);
    if (hovered) this._hovered(hovered, state);
    this._marks(this.sprites.centres, this.at.centres, state);
    this._marks(this.sprites.targets, this.at.targets, state);
    if (state.labels) this._names(state, frame);
    if (view.caption) this._caption(view.caption, frame);
  }

  /** A line in the lower left corner. */
  _caption(text, frame) {
    const { context } = this;
    context.font = FONT;
    context.fillStyle = this.style.theme.quiet;
    context.textBaseline = "bottom";
    context.fillText(text, 10, frame.height - 8);
  }

  /** Work out where every class's marks are now. */
  locate(state, view) {
    if (!this.frames) return;
    this._locate("targets", this.frames.targets, state.targets, state, view);
    this._locate("centres", this.frames.centres, state.centres, state, view);
  }

  _locate(name, array, wanted, state, { before, blend, frame }) {
    const at = this.at[name];
    const { C } = this.frames;
    const a = before * C * 2;
    const b = blend > 0 ? a + C * 2 : a;
    for (let k = 0; k < C; k++) {
      const known = wanted && isShown(state, k);
      const x = mix(array, a + 2 * k, b + 2 * k, blend);
      const y = mix(array, a + 2 * k + 1, b + 2 * k + 1, blend);
      at[2 * k] = known ? frame.ax * x + frame.bx : NaN;
      at[2 * k + 1] = known ? frame.ay * y + frame.by : NaN;
    }
  }

  /** The ways here from the first snapshot: what is past is drawn once a snapshot, each frame adds the last bit. */
  _trails(state, view) {
    const { context, canvas, past } = this;
    const { frame } = view;
    if (past.isNew(canvas, this.style, state, view)) {
      if (state.centres) this._past(this.frames.centres, this.at.centres, CENTRE_TRAIL, state, view);
      if (state.targets) this._past(this.frames.targets, this.at.targets, TARGET_TRAIL, state, view);
    }
    context.drawImage(past.canvas, 0, 0, frame.width, frame.height);
    if (view.blend === 0) return;
    if (state.centres) this._recent(this.frames.centres, this.at.centres, CENTRE_TRAIL, state, view);
    if (state.targets) this._recent(this.frames.targets, this.at.targets, TARGET_TRAIL, state, view);
  }

  /** Up to the snapshot before, the older the fainter. */
  _past(array, at, { width, strength }, state, { before, frame }) {
    const { context } = this.past;
    const { C } = this.frames;
    context.lineJoin = "round";
    for (let k = 0; k < C; k++) {
      if (Number.isNaN(at[2 * k])) continue;
      context.strokeStyle = this.style.colours[k];
      for (let band = 0; band < BANDS; band++) {
        const first = Math.round((before * band) / BANDS);
        const last = Math.round((before * (band + 1)) / BANDS);
        if (first === last) continue;
        const age = (band + 1) / BANDS; // 1 is now
        context.globalAlpha = strength * (isDimmed(state, k) ? DIMMED : 1) * (0.25 + 0.75 * age * age);
        context.lineWidth = width * (0.6 + 0.4 * age);
        context.beginPath();
        let pen = false;
        for (let s = first; s <= last; s++) {
          const x = frame.ax * array[2 * (s * C + k)] + frame.bx;
          const y = frame.ay * array[2 * (s * C + k) + 1] + frame.by;
          const known = x === x && y === y;
          if (known && pen) context.lineTo(x, y);
          else if (known) context.moveTo(x, y);
          pen = known;
        }
        context.stroke();
      }
    }
  }

  /** From the snapshot before to now. */
  _recent(array, at, { width, strength }, state, { before, frame }) {
    const { context } = this;
    const { C } = this.frames;
    context.lineWidth = width;
    for (let k = 0; k < C; k++) {
      const i = 2 * (before * C + k);
      if (Number.isNaN(at[2 * k]) || Number.isNaN(array[i])) continue;
      context.strokeStyle = this.style.colours[k];
      context.globalAlpha = strength * (isDimmed(state, k) ? DIMMED : 1);
      context.beginPath();
      context.moveTo(frame.ax * array[i] + frame.bx, frame.ay * array[i + 1] + frame.by);
      context.lineTo(at[2 * k], at[2 * k + 1]);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  /** A line from each target to its class centre. */
  _gaps(state, { before, blend, frame }) {
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

  _marks(sprites, at, state) {
    const { context } = this;
    for (let k = 0; k < this.frames.C; k++) {
      if (Number.isNaN(at[2 * k]) || Number.isNaN(at[2 * k + 1])) continue;
      const { image, width, height } = sprites[k];
      context.globalAlpha = isDimmed(state, k) ? DIMMED : 1;
      context.drawImage(image, at[2 * k] - width / 2, at[2 * k + 1] - height / 2, width, height);
    }
    context.globalAlpha = 1;
  }

  /**
   * Names beside their marks, none over another or over a mark: each keeps its side as long as that is free, else takes
   * the next one that is. Where none is, it is drawn all the same if there are few classes or if it is in focus.
   */
  _names(state, frame) {
    const { C } = this.frames;
    const { targets, centres } = this.at;
    const few = C <= FEW;
    this.rectCount = 0;
    for (let k = 0; k < C; k++) {
      if (few || !isDimmed(state, k)) this._occupy(targets[2 * k], targets[2 * k + 1], TARGET + 2);
    }
    for (let turn = 0; turn < (few ? 2 : 1); turn++) {
      for (let k = 0; k < C; k++) {
        if (isDimmed(state, k) !== (turn === 1)) continue;
        const at = targets[2 * k] === targets[2 * k] ? targets : centres;
        this.context.globalAlpha = turn === 1 ? DIMMED : 1;
        this._name(k, at[2 * k], at[2 * k + 1], at === targets ? TARGET : CENTRE, few || state.focus.size > 0, frame);
      }
    }
    this.context.globalAlpha = 1;
  }

  _name(k, x, y, radius, always, frame) {
    const { image, width, height } = this.sprites.labels[k];
    const near = x > -width && y > -height && x < frame.width + width && y < frame.height + height;
    if (!near) return; // or not drawn at all: NaN
    const attempts = always ? PLACES + 1 : PLACES; // the last at the place it had, free or not
    for (let attempt = 0; attempt < attempts; attempt++) {
      const place = (this.place[k] + attempt) % PLACES;
      const left = place === 0 ? x + radius + 3 : place === 1 ? x - radius - 3 - width : x - width / 2;
      const top = place === 2 ? y - radius - 1 - height : place === 3 ? y + radius + 1 : y - height / 2;
      const inside = left >= 0 && left + width <= frame.width && top >= 0 && top + height <= frame.height;
      if (attempt < PLACES && (!inside || this._taken(left, top, left + width, top + height))) continue;
      this.place[k] = place;
      this._add(left, top + 3, left + width, top + height - 3);
      this.context.drawImage(image, left, top, width, height);
      return;
    }
  }

  _taken(left, top, right, bottom) {
    const { rects } = this;
    for (let i = 0; i < 4 * this.rectCount; i += 4) {
      if (left < rects[i + 2] && right > rects[i] && top + 3 < rects[i + 3] && bottom - 3 > rects[i + 1]) return true;
    }
    return false;
  }

  _occupy(x, y, radius) {
    if (x === x) this._add(x - radius, y - radius, x + radius, y + radius);
  }

  _add(left, top, right, bottom) {
    const i = 4 * this.rectCount++;
    this.rects[i] = left;
    this.rects[i + 1] = top;
    this.rects[i + 2] = right;
    this.rects[i + 3] = bottom;
  }

  /** The point under the pointer, on top of all others. */
  _hovered({ x, y, colour, radius }) {
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

/** A canvas with the trails up to the last snapshot, and what they were drawn for. */
class Past {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d");
    this.drawnFor = new Array(15).fill(undefined);
  }

  /** Whether they have to be drawn again; then the canvas is clear and of the right size. */
  isNew(canvas, style, state, { before, frame, density }) {
    const known = this.drawnFor;
    let n = 0;
    let isNew = false;
    const note = (value) => {
      if (known[n] !== value) isNew = true;
      known[n++] = value;
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

/** A small picture drawn once. */
function sprite(width, height, density, draw) {
  const image = document.createElement("canvas");
  image.width = Math.ceil(width * density);
  image.height = Math.ceil(height * density);
  const context = image.getContext("2d");
  context.scale(density, density);
  context.translate(width / 2, height / 2);
  draw(context);
  return { image, width: image.width / density, height: image.height / density };
}

/** A disc, a gap in the page's colour, a ring: a target. */
function drawTarget(context, colour, theme) {
  const disc = (radius, fill) => {
    context.beginPath();
    context.arc(0, 0, radius, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.fill();
  };
  disc(TARGET + 3, theme.page);
  disc(TARGET + 1.5, colour);
  disc(TARGET - 1, theme.page);
  disc(TARGET - 3, colour);
}

/** A cross with a thin edge in the page's colour. */
function drawCentre(context, colour, theme) {
  context.lineCap = "round";
  for (const [width, stroke] of [
    [5, theme.page],
    [2.25, colour],
  ]) {
    context.lineWidth = width;
    context.strokeStyle = stroke;
    context.beginPath();
    for (const sign of [1, -1]) {
      context.moveTo(-0.7 * CENTRE, -0.7 * CENTRE * sign);
      context.lineTo(0.7 * CENTRE, 0.7 * CENTRE * sign);
    }
    context.stroke();
  }
}

function drawName(context, name, theme) {
  context.font = FONT;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3.5;
  context.strokeStyle = theme.page;
  context.globalAlpha = 0.85;
  context.strokeText(name, 0, 0.5);
  context.globalAlpha = 1;
  context.fillStyle = theme.text;
  context.fillText(name, 0, 0.5);
}
