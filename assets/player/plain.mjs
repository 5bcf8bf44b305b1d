/* Where there is no WebGL2: the same picture on a 2D canvas, one snapshot at a time without tween. */

import { Cells } from "./cells.mjs";
import { ABSENT, UNKNOWN } from "./data.mjs";
import { Planes } from "./planes.mjs";
import { MODES } from "./points.mjs";
import { paintVotes } from "./votes.mjs";

export class PlainRenderer {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.tweens = false;
    /** @type {import("./gpu.mjs").Scene} */
    this.scene = { frames: null, labels: null, codes: null, chosen: null, regions: null, palette: null, ramp: null };
    this.planes = new Planes();
    this.cells = new Cells();
  }

  /** @param {Partial<import("./gpu.mjs").Scene>} changed */
  set(changed) {
    Object.assign(this.scene, changed);
  }

  draw(view) {
    const { context, canvas, scene } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (scene.regions?.kind === "vote") this._vote(view);
    else if (scene.regions) this._regions(view);
    if (!scene.frames) return;
    for (const dim of [true, false]) this._points(view, dim);
    context.globalAlpha = 1;
  }

  _regions(view) {
    const { context, canvas, planes, cells } = this;
    const { palette } = this.scene;
    planes.update(this.scene.regions, view.before, view.blend, view.frame, view.density);
    context.strokeStyle = rgb(view.ink.subarray(0, 3).map((share) => 255 * share));
    context.lineWidth = 2 * view.halfLine;
    for (let i = 0; i < planes.count; i++) {
      cells.cut(planes, i, canvas.width, canvas.height);
      context.beginPath();
      for (let n = 0; n < cells.corners; n++) context.lineTo(canvas.width / 2 + cells.x[n], canvas.height / 2 - cells.y[n]);
      context.closePath();
      const k = 4 * planes.values[4 * i + 3];
      context.fillStyle = rgb(palette.subarray(k, k + 3));
      context.globalAlpha = view.regionOpacity * (palette[k + 3] < 255 ? (0.35 * palette[k + 3]) / 255 : 1);
      context.fill();
      context.globalAlpha = view.ink[3] / 2; // each boundary is drawn from both sides
      if (view.halfLine) context.stroke();
    }
  }

  _vote(view) {
    const { context, scene } = this;
    const { width, height, rgba } = paintVotes(scene.regions, view.before, scene.palette, view.halfLine ? view.ink : null);
    const map = document.createElement("canvas");
    [map.width, map.height] = [width, height];
    map.getContext("2d").putImageData(new ImageData(rgba, width, height), 0, 0);
    const { ax, bx, ay, by } = view.frame;
    const [left, low, right, high] = scene.regions.box;
    context.globalAlpha = view.regionOpacity;
    context.setTransform(view.density, 0, 0, view.density, 0, 0);
    context.transform(ax * (right - left) / width, 0, 0, ay * (high - low) / height, ax * left + bx, ay * low + by);
    context.drawImage(map, 0, 0); // its first row is the lowest, as the data's
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  _points(view, dim) {
    const { context, canvas, scene } = this;
    const { frames, palette, chosen } = scene;
    const { N, points } = frames;
    const radius = view.size / 2;
    context.globalAlpha = view.opacity * (dim ? 0.22 : 1);
    const byColour = new Map();
    for (let i = 0; i < N; i++) {
      const k = scene.labels ? scene.labels[i] : 0;
      const shown = scene.labels ? palette[4 * k + 3] : 255;
      const x = points[2 * (view.before * N + i)];
      if (x === ABSENT || shown === 0 || (shown < 255 || chosen?.[i] === 0) !== dim) continue;
      const colour = this._colour(view, i, k);
      if (!byColour.has(colour)) byColour.set(colour, []);
      byColour.get(colour).push(i);
    }
    for (const [colour, members] of byColour) {
      context.fillStyle = colour;
      context.beginPath();
      for (const i of members) {
        const at = 2 * (view.before * N + i);
        const x = ((view.camera[0] * (points[at] / ABSENT) + view.camera[2] + 1) / 2) * canvas.width;
        const y = ((1 - view.camera[1] * (points[at + 1] / ABSENT) - view.camera[3]) / 2) * canvas.height;
        context.moveTo(x + radius, y);
        context.arc(x, y, radius, 0, 2 * Math.PI);
      }
      context.fill();
    }
  }

  _colour(view, i, k) {
    const { codes, palette, ramp, frames } = this.scene;
    const code = codes ? codes[view.before * frames.N + i] : 0;
    if (view.mode === MODES.none || (view.mode === MODES.margin && code === UNKNOWN)) return rgb(view.unknown.map((c) => 255 * c));
    if (view.mode === MODES.right) return rgb((code === k ? view.right : view.wrong).map((c) => 255 * c));
    if (view.mode === MODES.margin) {
      const step = Math.round(255 * Math.max(0, Math.min(1, view.scale[0] + view.scale[1] * code)));
      return rgb(ramp.subarray(4 * step, 4 * step + 3));
    }
    const shown = view.mode === MODES.prediction ? code : k;
    return rgb(palette.subarray(4 * shown, 4 * shown + 3));
  }

  /** Premultiplied RGBA of a device pixel. */
  readPixel(x, y) {
    const [red, green, blue, alpha] = this.context.getImageData(x, y, 1, 1).data;
    return [red, green, blue].map((value) => (value * alpha) / 255).concat(alpha);
  }

  remove() {}
}

function rgb([red, green, blue]) {
  return `rgb(${Math.round(red)},${Math.round(green)},${Math.round(blue)})`;
}
