/* The names of the classes beside their marks, without covering one another. */

import { make } from "../../common/dom.mjs";
import { isDimmed } from "../colours.mjs";
import { CENTRE, DIMMED, FONT, FONT_SIZE, TARGET, sprite } from "./marks.mjs";

const FEW = 10; // classes that all have their names drawn
const MOST = 500; // classes, or those in focus, whose names look for a place
// where a name may stand from its mark: right, left, above, below, and the corners
const PLACES = [
  [1, 0],
  [-1, 0],
  [0, -1],
  [0, 1],
  [1, -1],
  [1, 1],
  [-1, -1],
  [-1, 1],
];
const OUTSIDE = 1e6; // square pixels: a name cut off at the edge is as bad as one that covers so much

export class Names {
  constructor() {
    /** @type {((k: number) => import("./marks.mjs").Sprite) | null} */
    this.sprite = null; // of the name of class k, made when it is first drawn
    this.count = 0; // of classes
    this.place = new Int8Array(0); // where each name stood in the last frame, of PLACES
    this.rects = new Float64Array(0); // (2 C, 4) what must not be covered: left, top, right, bottom
    this.rectCount = 0;
  }

  /** @param {string[]} names @param {import("../colours.mjs").Theme} theme @param {number} density */
  setStyle(names, theme, density) {
    const ruler = make("canvas").getContext("2d");
    ruler.font = FONT;
    /** @type {import("./marks.mjs").Sprite[]} */
    const sprites = [];
    this.sprite = (k) => {
      const width = () => Math.ceil(ruler.measureText(names[k]).width) + 6;
      return (sprites[k] ??= sprite(width(), FONT_SIZE + 8, density, (context) => drawName(context, names[k], theme)));
    };
    this.count = names.length;
    if (this.place.length === names.length) return;
    this.place = new Int8Array(names.length);
    this.rects = new Float64Array(8 * names.length);
  }

  /**
   * Names beside their marks, none over another or over a mark: each keeps its place as long as that is free, else
   * takes the next one that is. Where none is, the one that covers least, if there are few classes or it is in focus.
   * @param {CanvasRenderingContext2D} context
   * @param {import("../options.mjs").State} state of the player
   * @param {{targets: Float64Array, centres: Float64Array}} at where the marks are, (C, 2); NaN: not drawn
   * @param {import("../geometry/view.mjs").Mapping} frame
   */
  draw(context, state, { targets, centres }, frame) {
    const C = this.count;
    const few = C <= FEW;
    this.rectCount = 0;
    if ((state.focus.size || C) > MOST) return;
    for (let k = 0; k < C; k++) {
      if (state.targets && (few || !isDimmed(state, k))) this._occupy(targets[2 * k], targets[2 * k + 1], TARGET + 2);
    }
    for (let turn = 0; turn < (few ? 2 : 1); turn++) {
      for (let k = 0; k < C; k++) {
        if (isDimmed(state, k) !== (turn === 1)) continue;
        const at = state.targets && targets[2 * k] === targets[2 * k] ? targets : centres;
        if (at === centres && !state.centres) continue;
        context.globalAlpha = turn === 1 ? DIMMED : 1;
        const radius = at === targets ? TARGET : CENTRE;
        this._drawName(context, k, at[2 * k], at[2 * k + 1], radius, few || state.focus.size > 0, frame);
      }
    }
    context.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} k class
   * @param {number} x of its mark, NaN: not drawn
   * @param {number} y
   * @param {number} radius of its mark
   * @param {boolean} always also where it covers others
   * @param {import("../geometry/view.mjs").Mapping} frame
   */
  _drawName(context, k, x, y, radius, always, frame) {
    const { image, width, height } = this.sprite(k);
    const near = x > -width && y > -height && x < frame.width + width && y < frame.height + height;
    if (!near) return; // also for NaN
    let least = Infinity; // square pixels covered
    let bestPlace = this.place[k];
    let bestLeft = 0;
    let bestTop = 0;
    for (let attempt = 0; attempt < PLACES.length && least > 0; attempt++) {
      const place = (this.place[k] + attempt) % PLACES.length;
      const [right, down] = PLACES[place];
      const left = x + right * (radius + 3) + ((right - 1) / 2) * width;
      const top = y + down * radius + ((down - 1) / 2) * height;
      const inside = left >= 0 && left + width <= frame.width && top >= 0 && top + height <= frame.height;
      const covered = this._covered(left, top + 3, left + width, top + height - 3) + (inside ? 0 : OUTSIDE);
      if (covered >= least) continue;
      least = covered;
      bestPlace = place;
      bestLeft = left;
      bestTop = top;
    }
    if (least > 0 && !always) return;
    if (least === 0) this.place[k] = bestPlace;
    this._add(bestLeft, bestTop + 3, bestLeft + width, bestTop + height - 3);
    context.drawImage(image, bestLeft, bestTop, width, height);
  }

  /**
   * How much of what must not be covered a rectangle would cover, in square pixels.
   * @param {number} left
   * @param {number} top
   * @param {number} right
   * @param {number} bottom
   */
  _covered(left, top, right, bottom) {
    const { rects } = this;
    let area = 0;
    for (let i = 0; i < 4 * this.rectCount; i += 4) {
      const width = Math.min(right, rects[i + 2]) - Math.max(left, rects[i]);
      const height = Math.min(bottom, rects[i + 3]) - Math.max(top, rects[i + 1]);
      if (width > 0 && height > 0) area += width * height;
    }
    return area;
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
}

/** @param {CanvasRenderingContext2D} context @param {string} name @param {import("../colours.mjs").Theme} theme */
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
