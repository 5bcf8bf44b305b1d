/* The same picture without a graphics card: regions and points painted by the processor into one image a frame.
 *
 * For browsers without WebGL2, and where WebGL2 is itself done by the processor (virtual machines, blocked drivers):
 * there this is several times as fast, since a point is a few pixels to change and not a primitive to set up.
 */

import { ABSENT, UNKNOWN } from "./data.mjs";
import { MODES, drawingOrder } from "./points.mjs";
import { RegionRaster, word } from "./raster.mjs";
import { Stamps } from "./stamps.mjs";

const DIM = 0.22; // opacity of what is outside focus or selection, as in points.mjs

export class CpuRenderer {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.kind = "cpu";
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    /** @type {import("./gpu.mjs").Scene} */
    this.scene = { frames: null, labels: null, codes: null, chosen: null, regions: null, palette: null, ramp: null };
    this.regions = new RegionRaster();
    this.order = null; // in which the points are drawn
    this.image = null;
    /** @type {import("./raster.mjs").Picture} */
    this.picture = { width: 0, height: 0, words: null, bytes: null };
    this.stamps = { full: null, dim: null };
    this.rgb = new Float64Array(3); // colour of the present point
  }

  /** @param {Partial<import("./gpu.mjs").Scene>} changed */
  set(changed) {
    Object.assign(this.scene, changed);
    if (changed.labels !== undefined) this.order = changed.labels && drawingOrder(changed.labels);
  }

  /** @param {import("./view.mjs").View} view */
  draw(view) {
    const { scene, picture, canvas } = this;
    if (picture.width !== canvas.width || picture.height !== canvas.height) this._resize();
    const { page } = view;
    picture.words.fill(word(Math.round(255 * page[0]), Math.round(255 * page[1]), Math.round(255 * page[2])));
    const seen = view.regionOpacity > 0 || view.halfLine > 0;
    if (scene.regions && seen) this.regions.paint(picture, scene.regions, scene.palette, view);
    if (scene.frames) {
      this._sharpen(view);
      if (view.layered) {
        this._points(view, 1);
        this._points(view, 2);
      } else this._points(view, 0);
    }
    this.context.putImageData(this.image, 0, 0);
  }

  _resize() {
    const { canvas, context, picture } = this;
    this.image = context.createImageData(canvas.width, canvas.height);
    picture.width = canvas.width;
    picture.height = canvas.height;
    picture.bytes = this.image.data;
    picture.words = new Uint32Array(this.image.data.buffer);
  }

  /** Make the stamps of the present size and opacity. */
  _sharpen({ size, opacity, rim, page }) {
    const { stamps } = this;
    const colour = page[0] + 256 * (page[1] + 256 * page[2]);
    const same = stamps.size === size && stamps.opacity === opacity && stamps.rim === rim && stamps.colour === colour;
    if (same) return;
    const [full, dim] = [1, DIM].map((share) => new Stamps(size, share * opacity, rim, page));
    this.stamps = { size, opacity, rim, colour, full, dim };
  }

  /** @param {number} layer 0: all points, 1: those in the background, 2: those in front; see points.mjs */
  _points(view, layer) {
    const { picture, order, rgb, stamps } = this;
    const { frames, labels, palette, chosen } = this.scene;
    const { N, points } = frames;
    const { blend, camera } = view;
    const a = 2 * view.before * N;
    const b = 2 * view.after * N;
    const perX = (camera[0] * picture.width) / 2 / ABSENT;
    const perY = (-camera[1] * picture.height) / 2 / ABSENT;
    const x0 = ((camera[2] + 1) * picture.width) / 2;
    const y0 = ((1 - camera[3]) * picture.height) / 2;
    for (let n = 0; n < N; n++) {
      const i = order ? order[n] : n;
      const k = labels ? labels[i] : 0;
      const shown = palette[4 * k + 3];
      const from = points[a + 2 * i];
      const to = points[b + 2 * i];
      if (shown === 0 || from === ABSENT || to === ABSENT) continue;
      const dim = shown < 255 || (chosen !== null && chosen[i] === 0);
      const wrong = this._colour(view, i, k);
      if (layer !== 0 && (layer === 2) !== (!dim && (view.mode !== MODES.right || wrong > 0.5))) continue;
      const fromY = points[a + 2 * i + 1];
      const x = x0 + perX * (from + blend * (to - from));
      const y = y0 + perY * (fromY + blend * (points[b + 2 * i + 1] - fromY));
      (dim ? stamps.dim : stamps.full).put(picture, x, y, rgb[0], rgb[1], rgb[2]);
    }
  }

  /** Put the colour of a point of class k into `rgb`; returns how wrong its decision is, 0..1. */
  _colour(view, i, k) {
    const { codes, palette, ramp, frames } = this.scene;
    const { mode, blend } = view;
    if (mode === MODES.label) return this._take(palette, k, palette, k, 0);
    const from = codes ? codes[view.before * frames.N + i] : 0;
    const to = codes ? codes[view.after * frames.N + i] : 0;
    if (mode === MODES.prediction) return this._take(palette, from, palette, to, blend);
    const { rgb } = this;
    if (mode === MODES.right) {
      const share = (from !== k ? 1 - blend : 0) + (to !== k ? blend : 0);
      for (let c = 0; c < 3; c++) rgb[c] = Math.round(255 * (view.right[c] + share * (view.wrong[c] - view.right[c])));
      return share;
    }
    if (mode === MODES.none || from === UNKNOWN || to === UNKNOWN) {
      for (let c = 0; c < 3; c++) rgb[c] = Math.round(255 * view.unknown[c]);
      return 0;
    }
    const { scale } = view;
    const share = (1 - blend) * (scale[0] + scale[1] * from) + blend * (scale[2] + scale[3] * to);
    const step = Math.round(255 * Math.max(0, Math.min(1, share)));
    return this._take(ramp, step, ramp, step, 0);
  }

  _take(first, k, second, l, share) {
    for (let c = 0; c < 3; c++) {
      this.rgb[c] = Math.round(first[4 * k + c] + share * (second[4 * l + c] - first[4 * k + c]));
    }
    return 0;
  }

  /** Premultiplied RGBA of a device pixel, y from the top. */
  readPixel(x, y) {
    const { picture } = this;
    return picture.bytes.subarray(4 * (y * picture.width + x), 4 * (y * picture.width + x) + 4);
  }

  remove() {}
}
