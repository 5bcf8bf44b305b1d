/* The vote map: at every place the class that most images near it are decided to be, the fainter the fewer they are.
 *
 * A snapshot's map is painted once, four times as fine as its cells and with smooth edges, and cached; a frame between
 * two snapshots fades from one to the other.
 */

import { regionStrength } from "../colours.mjs";
import { bindTextures, makeProgram, makeTexture } from "./gl.mjs";

const FINE = 4; // painted pixels a side of a cell
const LINE = 0.8; // strength of a boundary next to the page's own ink

/** Weights of a cell and its two neighbours at each of the FINE places across it: a quadratic B-spline. */
const SPLINE = Array.from({ length: FINE }, (_, i) => {
  const f = (i + 0.5) / FINE - 0.5;
  return [0.5 * (0.5 - f) ** 2, 0.75 - f * f, 0.5 * (0.5 + f) ** 2];
});

/** @typedef {{width: number, height: number, rgba: Uint8ClampedArray}} VoteMap not premultiplied, first row lowest */

/**
 * Paint the map of a snapshot.
 * @param {import("../data.mjs").Regions} regions of kind "vote"
 * @param {number} snapshot
 * @param {Uint8Array} palette RGBA of the classes
 * @param {ArrayLike<number> | null} ink of boundaries, shares of 1 with alpha; null: none
 * @returns {VoteMap}
 */
export function paintVotes({ classes, evidence, W, H }, snapshot, palette, ink) {
  const [width, height] = [W * FINE, H * FINE];
  const rgba = new Uint8ClampedArray(4 * width * height);
  const none = classes.BYTES_PER_ELEMENT === 1 ? 255 : 65_535; // the code of no class
  const winners = none === 255 ? new Uint8Array(width * height) : new Uint16Array(width * height);
  const share = new Float64Array(none + 1); // of each class among the nine cells around
  const cells = new Int32Array(9);
  const start = snapshot * W * H;
  for (let row = 0; row < H; row++) {
    for (let column = 0; column < W; column++) {
      let isUniform = true; // one class in all nine cells
      for (let n = 0; n < 9; n++) {
        const y = Math.max(0, Math.min(H - 1, row + Math.floor(n / 3) - 1));
        const x = Math.max(0, Math.min(W - 1, column + (n % 3) - 1));
        cells[n] = start + y * W + x;
        isUniform &&= classes[cells[n]] === classes[cells[0]];
      }
      for (let place = 0; place < FINE * FINE; place++) {
        const [across, up] = [SPLINE[place % FINE], SPLINE[Math.floor(place / FINE)]];
        let proof = 0;
        for (let n = 0; n < 9; n++) {
          const weight = across[n % 3] * up[Math.floor(n / 3)];
          share[classes[cells[n]]] += weight;
          proof += weight * evidence[cells[n]];
        }
        let winner = classes[cells[4]];
        for (let n = 0; !isUniform && n < 9; n++) {
          if (share[classes[cells[n]]] > share[winner]) winner = classes[cells[n]];
        }
        for (let n = 0; n < 9; n++) share[classes[cells[n]]] = 0;
        const pixel = (row * FINE + Math.floor(place / FINE)) * width + column * FINE + (place % FINE);
        winners[pixel] = winner;
        if (winner === none) continue;
        rgba[4 * pixel] = palette[4 * winner];
        rgba[4 * pixel + 1] = palette[4 * winner + 1];
        rgba[4 * pixel + 2] = palette[4 * winner + 2];
        rgba[4 * pixel + 3] = proof * regionStrength(palette[4 * winner + 3]);
      }
    }
  }
  if (ink) drawBoundaries(rgba, winners, none, width, height, ink);
  return { width, height, rgba };
}

/**
 * @param {Uint8ClampedArray} rgba of the map
 * @param {import("../data.mjs").Codes} winners class of each pixel
 * @param {number} none
 * @param {number} width
 * @param {number} height
 * @param {ArrayLike<number>} ink
 */
function drawBoundaries(rgba, winners, none, width, height, ink) {
  for (let y = 0; y + 1 < height; y++) {
    for (let x = 0; x + 1 < width; x++) {
      const pixel = y * width + x;
      const own = winners[pixel];
      const [right, above] = [winners[pixel + 1], winners[pixel + width]];
      if (own === none || right === none || above === none || (own === right && own === above)) continue;
      for (let c = 0; c < 3; c++) {
        rgba[4 * pixel + c] += LINE * ink[3] * (255 * ink[c] - rgba[4 * pixel + c]);
      }
      rgba[4 * pixel + 3] *= 2.5; // clamped
    }
  }
}

const VERTEX = `#version 300 es
uniform vec4 span;                      // of the map in clip space: left, low, right, high
out vec2 at;
void main() {
  at = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  gl_Position = vec4(mix(span.xy, span.zw, at), 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec2 at;
uniform sampler2D from, to;             // premultiplied
uniform mediump float blend, opacity;
out vec4 pixel;
void main() { pixel = opacity * mix(texture(from, at), texture(to, at), blend); }`;

export class VoteLayer {
  /** @param {WebGL2RenderingContext} gl */
  constructor(gl) {
    this.gl = gl;
    this.program = makeProgram(gl, VERTEX, FRAGMENT);
    this.empty = gl.createVertexArray();
    this.maps = [0, 1].map(() => ({ texture: this._texture(), snapshot: -1 })); // the two last painted
    /** @type {import("../data.mjs").Regions | null} */
    this.regions = null;
    /** @type {Uint8Array | null} */
    this.palette = null;
    this.lines = false;
  }

  _texture() {
    const { gl } = this;
    const texture = makeTexture(gl, gl.TEXTURE_2D);
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.LINEAR);
    return texture;
  }

  /** @param {import("../data.mjs").Regions | null} regions of kind "vote" */
  setRegions(regions) {
    this.regions = regions;
    this._repaint();
  }

  /** @param {Uint8Array} palette RGBA of the classes */
  setColours(palette) {
    this.palette = palette;
    this._repaint();
  }

  _repaint() {
    for (const map of this.maps) map.snapshot = -1;
  }

  /** Draw, without blending. @param {import("../geometry/view.mjs").View} view */
  draw(view) {
    const { gl, regions, program } = this;
    if (!regions || !this.palette) return;
    if (this.lines !== view.halfLine > 0) this._repaint();
    this.lines = view.halfLine > 0;
    const from = this._map(view.before, view.after, view);
    const to = view.blend > 0 ? this._map(view.after, view.before, view) : from;
    const { frame } = view;
    const [left, low, right, high] = regions.box;
    program.use();
    bindTextures(gl, from.texture, to.texture);
    gl.uniform1i(program.at.from, 0);
    gl.uniform1i(program.at.to, 1);
    gl.uniform1f(program.at.blend, view.blend);
    gl.uniform1f(program.at.opacity, view.regionOpacity);
    gl.uniform4f(
      program.at.span,
      (2 * (frame.ax * left + frame.bx)) / frame.width - 1,
      1 - (2 * (frame.ay * low + frame.by)) / frame.height,
      (2 * (frame.ax * right + frame.bx)) / frame.width - 1,
      1 - (2 * (frame.ay * high + frame.by)) / frame.height,
    );
    gl.bindVertexArray(this.empty);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.bindVertexArray(null);
  }

  /**
   * The map of a snapshot; if it has to be painted, it replaces one that is not of snapshot `other`.
   * @param {number} snapshot
   * @param {number} other
   * @param {import("../geometry/view.mjs").View} view
   */
  _map(snapshot, other, view) {
    const { gl, maps } = this;
    const painted = maps.find((map) => map.snapshot === snapshot);
    if (painted) return painted;
    const map = maps.find((candidate) => candidate.snapshot !== other) ?? maps[0];
    const { width, height, rgba } = paintVotes(this.regions, snapshot, this.palette, this.lines ? view.ink : null);
    for (let i = 0; i < rgba.length; i += 4) {
      for (let c = 0; c < 3; c++) rgba[i + c] = (rgba[i + c] * rgba[i + 3]) / 255;
    }
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, map.texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(rgba.buffer));
    map.snapshot = snapshot;
    return map;
  }
}
