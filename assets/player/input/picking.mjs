/* The image nearest to the pointer, by a grid over the positions at one time.
 *
 * The grid is a counting sort into arrays that are made once a run, so a query at a new time costs one pass over the
 * points and a query at the same time looks at a few cells. Positions are in the codes' own unit (0..1 over the box).
 */

import { ABSENT } from "../data.mjs";

const CELLS = 96; // a side

/** @typedef {import("../axes.mjs").Polygon} Polygon */

export class Picker {
  /** @param {import("../data.mjs").Frames} frames */
  constructor(frames) {
    const { N } = frames;
    this.frames = frames;
    this.x = new Float32Array(N); // at the time of the grid
    this.y = new Float32Array(N);
    this.first = new Int32Array(CELLS * CELLS + 1); // of each cell, in `members`
    this.members = new Int32Array(N);
    this.cell = new Int32Array(N);
    this.before = -1;
    this.blend = -1;
  }

  /** Sort the points at a time into cells. @param {number} before @param {number} blend */
  _update(before, blend) {
    if (before === this.before && blend === this.blend) return;
    this.before = before;
    this.blend = blend;
    const { x, y, first, members, cell } = this;
    const { points, N } = this.frames;
    const a = before * N * 2;
    const b = blend > 0 ? a + N * 2 : a;
    first.fill(0);
    for (let i = 0; i < N; i++) {
      const fromX = points[a + 2 * i];
      const toX = points[b + 2 * i];
      if (fromX === ABSENT || toX === ABSENT) {
        cell[i] = -1;
        continue;
      }
      const fromY = points[a + 2 * i + 1];
      x[i] = (fromX + blend * (toX - fromX)) / ABSENT;
      y[i] = (fromY + blend * (points[b + 2 * i + 1] - fromY)) / ABSENT;
      cell[i] = (x[i] * (CELLS - 1e-3)) | 0;
      cell[i] += CELLS * ((y[i] * (CELLS - 1e-3)) | 0);
      first[cell[i]]++;
    }
    for (let k = 1; k <= CELLS * CELLS; k++) first[k] += first[k - 1]; // now where each cell ends
    for (let i = N - 1; i >= 0; i--) if (cell[i] >= 0) members[--first[cell[i]]] = i; // and now where it begins
  }

  /**
   * The nearest point within a radius, -1 if there is none; of two equally near the one drawn later.
   * @param {number} before snapshot
   * @param {number} blend
   * @param {number} u position of the pointer, 0..1 over the box
   * @param {number} v
   * @param {number} radiusU the radius in each direction's own unit
   * @param {number} radiusV
   * @param {(index: number) => boolean} isVisible
   */
  nearest(before, blend, u, v, radiusU, radiusV, isVisible) {
    this._update(before, blend);
    const { x, y, first, members } = this;
    /** @param {number} value */
    const clamp = (value) => Math.max(0, Math.min(CELLS - 1, Math.floor(value * (CELLS - 1e-3))));
    let best = 1;
    let nearest = -1;
    for (let row = clamp(v - radiusV); row <= clamp(v + radiusV); row++) {
      for (let column = clamp(u - radiusU); column <= clamp(u + radiusU); column++) {
        const k = row * CELLS + column;
        for (let m = first[k]; m < first[k + 1]; m++) {
          const i = members[m];
          const distance = ((x[i] - u) / radiusU) ** 2 + ((y[i] - v) / radiusV) ** 2;
          if ((distance < best || (distance === best && i > nearest)) && isVisible(i)) {
            best = distance;
            nearest = i;
          }
        }
      }
    }
    return nearest;
  }

  /**
   * The points within a polygon.
   * @param {number} before
   * @param {number} blend
   * @param {Polygon} polygon in 0..1 over the box
   * @param {(index: number) => boolean} isVisible
   */
  within(before, blend, polygon, isVisible) {
    this._update(before, blend);
    const indices = [];
    for (let i = 0; i < this.frames.N; i++) {
      if (this.cell[i] >= 0 && contains(polygon, this.x[i], this.y[i]) && isVisible(i)) indices.push(i);
    }
    return indices;
  }
}

/** Whether a polygon (even-odd rule) has a point inside. @param {Polygon} polygon @param {number} px @param {number} py */
function contains({ x, y }, px, py) {
  let inside = false;
  for (let i = 0, j = x.length - 1; i < x.length; j = i++) {
    if (y[i] > py !== y[j] > py && px < ((x[j] - x[i]) * (py - y[i])) / (y[j] - y[i]) + x[i]) inside = !inside;
  }
  return inside;
}
