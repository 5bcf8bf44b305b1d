/* The renderer without a graphics card: the processor paints regions and points into one image a frame.
 *
 * For browsers without WebGL2, and where WebGL2 is itself done by the processor (virtual machines, blocked drivers):
 * there this is several times as fast, since a point is a few pixels to change and not a primitive to set up.
 */

import { FAINT_POINT, MODES } from "../colours.mjs";
import { ABSENT, UNKNOWN } from "../data.mjs";
import { drawingOrder } from "./points.mjs";
import { RegionRaster, packWord } from "./raster.mjs";
import { emptyScene } from "./scene.mjs";
import { Stamps } from "./stamps.mjs";

/** @typedef {import("../geometry/view.mjs").View} View */

export class CpuRenderer {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.kind = "cpu";
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.scene = emptyScene();
    this.regions = new RegionRaster();
    /** @type {Uint32Array | null} */
    this.order = null; // in which the points are drawn; null: as they come
    this._resize();
    /** @type {{size: number, opacity: number, rim: number, page: number, full: Stamps, faint: Stamps} | null} */
    this.stamps = null; // and what they were made for
    // colours as words
    this.classes = new Uint32Array(1);
    this.steps = new Uint32Array(256); // of the ramp
    this.right = this.wrong = this.unknown = 0;
    this.visibility = new Uint8Array([255]); // of each class: 0 hidden, 255 fully drawn, between: dimmed
  }

  /** @param {Partial<import("./scene.mjs").Scene>} changed */
  set(changed) {
    Object.assign(this.scene, changed);
    if (changed.labels !== undefined) this.order = changed.labels && drawingOrder(changed.labels);
    if (changed.ramp) this.steps = packWords(changed.ramp);
    if (changed.palette) {
      this.classes = packWords(changed.palette);
      this.visibility = changed.palette.filter((_, i) => i % 4 === 3);
    }
  }

  /** @param {View} view */
  draw(view) {
    const { scene, canvas } = this;
    if (this.pixels.width !== canvas.width || this.pixels.height !== canvas.height) this._resize();
    const { pixels } = this;
    pixels.words.fill(packShares(view.page));
    const hasRegions = view.regionOpacity > 0 || view.halfLine > 0;
    if (scene.regions && hasRegions) this.regions.paint(pixels, scene.regions, scene.palette, view);
    if (scene.frames) {
      this._updateStamps(view);
      this.right = packShares(view.right);
      this.wrong = packShares(view.wrong);
      this.unknown = packShares(view.unknown);
      if (view.layered) {
        this._drawPoints(view, 1);
        this._drawPoints(view, 2);
      } else this._drawPoints(view, 0);
    }
    this.context.putImageData(this.image, 0, 0);
  }

  _resize() {
    const { width, height } = this.canvas;
    this.image = this.context.createImageData(width, height);
    const { data: bytes } = this.image;
    /** @type {import("./raster.mjs").Pixels} */
    this.pixels = { width, height, bytes, words: new Uint32Array(bytes.buffer) };
  }

  /** Make new stamps if size, opacity or page have changed. @param {View} view */
  _updateStamps({ size, opacity, rim, page: colour }) {
    const { stamps } = this;
    const page = packShares(colour);
    if (stamps?.size === size && stamps.opacity === opacity && stamps.rim === rim && stamps.page === page) return;
    const [full, faint] = [1, FAINT_POINT].map((share) => new Stamps(size, share * opacity, rim, colour));
    this.stamps = { size, opacity, rim, page, full, faint };
  }

  /** @param {View} view @param {number} layer 0: all points, 1: those in the background, 2: those in front; see points.mjs */
  _drawPoints(view, layer) {
    const { pixels, order, stamps, visibility } = this;
    const { frames, labels, selection } = this.scene;
    const { N, points } = frames;
    const { blend, camera } = view;
    const a = 2 * view.before * N;
    const b = 2 * view.after * N;
    const perX = (camera[0] * pixels.width) / 2 / ABSENT;
    const perY = (-camera[1] * pixels.height) / 2 / ABSENT;
    const x0 = ((camera[2] + 1) * pixels.width) / 2;
    const y0 = ((1 - camera[3]) * pixels.height) / 2;
    const isRight = view.mode === MODES.right;
    for (let n = 0; n < N; n++) {
      const i = order === null ? n : order[n];
      const k = labels === null ? 0 : labels[i];
      const from = points[a + 2 * i];
      const to = points[b + 2 * i];
      if (visibility[k] === 0 || from === ABSENT || to === ABSENT) continue;
      const isFaint = visibility[k] < 255 || (selection !== null && selection[i] === 0);
      if (layer !== 0) {
        const front = !isFaint && (!isRight || this._wrongShare(view, i, k) > 0.5);
        if ((layer === 2) !== front) continue;
      }
      const fromY = points[a + 2 * i + 1];
      const x = x0 + perX * (from + blend * (to - from));
      const y = y0 + perY * (fromY + blend * (points[b + 2 * i + 1] - fromY));
      (isFaint ? stamps.faint : stamps.full).put(pixels, x, y, this._colour(view, i, k));
    }
  }

  /**
   * How wrong the decision on image i of class k is, 0 to 1: blended between the two snapshots.
   * @param {View} view
   * @param {number} i
   * @param {number} k
   */
  _wrongShare({ before, after, blend }, i, k) {
    const { codes, frames } = this.scene;
    return (codes[before * frames.N + i] !== k ? 1 - blend : 0) + (codes[after * frames.N + i] !== k ? blend : 0);
  }

  /** The colour of point i of class k, a word. @param {View} view @param {number} i @param {number} k */
  _colour(view, i, k) {
    const { mode, blend, scale } = view;
    if (mode === MODES.label) return this.classes[k];
    if (mode === MODES.right) return mixWords(this.right, this.wrong, this._wrongShare(view, i, k));
    const { codes, frames } = this.scene;
    if (mode === MODES.none || codes === null) return this.unknown;
    const from = codes[view.before * frames.N + i];
    const to = codes[view.after * frames.N + i];
    if (mode === MODES.prediction) return mixWords(this.classes[from], this.classes[to], blend);
    if (from === UNKNOWN || to === UNKNOWN) return this.unknown;
    const share = (1 - blend) * (scale[0] + scale[1] * from) + blend * (scale[2] + scale[3] * to);
    return this.steps[Math.round(255 * Math.max(0, Math.min(1, share)))];
  }

  /** Premultiplied RGBA of a device pixel, y from the top. @param {number} x @param {number} y */
  readPixel(x, y) {
    const { width, bytes } = this.pixels;
    return bytes.subarray(4 * (y * width + x), 4 * (y * width + x) + 4);
  }

  remove() {}
}

/** RGBA bytes as words. @param {Uint8Array} rgba */
function packWords(rgba) {
  return Uint32Array.from({ length: rgba.length / 4 }, (_, k) => packWord(rgba[4 * k], rgba[4 * k + 1], rgba[4 * k + 2]));
}

/** Shares of 1 as a word. @param {ArrayLike<number>} rgb */
function packShares(rgb) {
  return packWord(Math.round(255 * rgb[0]), Math.round(255 * rgb[1]), Math.round(255 * rgb[2]));
}

/** A colour between two, as words. @param {number} from @param {number} to @param {number} share */
function mixWords(from, to, share) {
  if (from === to || share === 0) return from;
  let mixed = 0;
  for (let bits = 0; bits < 24; bits += 8) {
    const start = (from >>> bits) & 255;
    mixed |= Math.round(start + share * (((to >>> bits) & 255) - start)) << bits;
  }
  return mixed;
}
