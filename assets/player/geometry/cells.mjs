/* The regions as polygons: where one affine function exceeds all others is convex, the picture's rectangle cut by a
 * half-plane for each other class. Computed for every frame (a hundred classes take about a millisecond): that
 * and drawing them is far less work than to evaluate C functions in every pixel. */

import { AffineScores } from "./scores.mjs";

const MARGIN = 8; // device pixels around the picture, so that the rectangle's own edges lie outside it
export const EDGE = 6; // numbers an edge: its two ends, the classes to its left and right

/** The polygons of all classes at one time, and the edges between them; pixels from the picture's middle, y upwards. */
export class Diagram {
  constructor() {
    this.scores = new AffineScores();
    this.cell = new Cell();
    this.count = 0; // polygons
    this.classes = new Int32Array(0); // of each polygon
    this.first = new Int32Array(1); // its first corner; its last is before the next one's first
    this.x = new Float64Array(64); // corners
    this.y = new Float64Array(64);
    this.edgeCount = 0;
    this.edges = new Float64Array(64 * EDGE); // with the left polygon on the left
  }

  /**
   * @param {import("../data.mjs").Regions} regions
   * @param {import("./view.mjs").View} view
   * @param {number} width of the picture in device pixels
   * @param {number} height
   */
  update(regions, view, width, height) {
    const { scores, cell } = this;
    scores.update(regions, view.before, view.blend, view.frame, view.density);
    if (this.classes.length < scores.count) {
      this.classes = new Int32Array(scores.count);
      this.first = new Int32Array(scores.count + 1);
    }
    this.count = 0;
    this.edgeCount = 0;
    let corners = 0;
    for (let i = 0; i < scores.count; i++) {
      cell.cut(scores, i, width / 2 + MARGIN, height / 2 + MARGIN);
      if (cell.corners < 3) continue;
      this.classes[this.count] = scores.values[4 * i + 3];
      this._grow(corners + cell.corners);
      for (let n = 0; n < cell.corners; n++) {
        this.x[corners + n] = cell.x[n];
        this.y[corners + n] = cell.y[n];
        const j = cell.beyond[n];
        if (j > i) this._edge(n, scores.values[4 * i + 3], scores.values[4 * j + 3]);
      }
      corners += cell.corners;
      this.first[++this.count] = corners;
    }
  }

  _edge(n, left, right) {
    const { x, y, corners } = this.cell;
    const m = n + 1 < corners ? n + 1 : 0;
    if (x[n] === x[m] && y[n] === y[m]) return;
    if (this.edges.length < EDGE * (this.edgeCount + 1)) this.edges = enlarged(this.edges);
    const at = EDGE * this.edgeCount++;
    this.edges[at] = x[n];
    this.edges[at + 1] = y[n];
    this.edges[at + 2] = x[m];
    this.edges[at + 3] = y[m];
    this.edges[at + 4] = left;
    this.edges[at + 5] = right;
  }

  _grow(corners) {
    while (this.x.length < corners) {
      this.x = enlarged(this.x);
      this.y = enlarged(this.y);
    }
  }
}

/** @param {Float64Array} array */
function enlarged(array) {
  const larger = new Float64Array(2 * array.length);
  larger.set(array);
  return larger;
}

/** One polygon, cut out of the rectangle. */
class Cell {
  constructor() {
    this.corners = 0; // of the polygon last cut
    this.x = new Float64Array(0);
    this.y = new Float64Array(0);
    this.beyond = new Int32Array(0); // row of `scores` beyond the edge from this corner to the next, -1: the rectangle
    this.spare = { x: this.x, y: this.y, beyond: this.beyond };
    this.lead = new Float64Array(0); // of the polygon's own score over another at each corner
  }

  /**
   * Cut out where score i is the highest: afterwards `corners`, `x`, `y`, `beyond` describe it, counter-clockwise.
   * Of equal scores the first has the region.
   * @param {AffineScores} scores
   * @param {number} i
   * @param {number} w half the rectangle's width
   * @param {number} h and height
   */
  cut({ values, count }, i, w, h) {
    this._reserve(count + 8);
    this._start(w, h);
    for (let j = 0; j < count && this.corners > 0; j++) {
      if (j === i) continue;
      this._cutBy(
        j,
        values[4 * i] - values[4 * j],
        values[4 * i + 1] - values[4 * j + 1],
        values[4 * i + 2] - values[4 * j + 2],
        i < j,
      );
    }
  }

  _start(w, h) {
    const { x, y, beyond } = this;
    x[0] = x[3] = -w;
    x[1] = x[2] = w;
    y[0] = y[1] = -h;
    y[2] = y[3] = h;
    beyond.fill(-1, 0, 4);
    this.corners = 4;
  }

  /** Keep where dx x + dy y + d0 is positive (or 0, if `first`). */
  _cutBy(j, dx, dy, d0, first) {
    const { x, y, beyond, spare, lead, corners } = this;
    let outside = 0;
    for (let n = 0; n < corners; n++) {
      lead[n] = dx * x[n] + dy * y[n] + d0;
      if (first ? lead[n] < 0 : lead[n] <= 0) outside++;
    }
    if (outside === 0) return;
    let count = 0; // corners of the new polygon
    for (let n = 0; outside < corners && n < corners; n++) {
      const m = n + 1 < corners ? n + 1 : 0;
      const isInside = first ? lead[n] >= 0 : lead[n] > 0;
      const isNextInside = first ? lead[m] >= 0 : lead[m] > 0;
      if (isInside) {
        spare.x[count] = x[n];
        spare.y[count] = y[n];
        spare.beyond[count++] = beyond[n];
      }
      if (isInside === isNextInside) continue;
      const share = lead[n] / (lead[n] - lead[m]);
      spare.x[count] = x[n] + share * (x[m] - x[n]);
      spare.y[count] = y[n] + share * (y[m] - y[n]);
      spare.beyond[count++] = isInside ? j : beyond[n]; // going out the new edge begins, coming in the old one goes on
    }
    this.x = spare.x;
    this.y = spare.y;
    this.beyond = spare.beyond;
    spare.x = x;
    spare.y = y;
    spare.beyond = beyond;
    this.corners = count;
  }

  _reserve(size) {
    if (this.x.length >= size) return;
    for (const set of [this, this.spare]) {
      set.x = new Float64Array(size);
      set.y = new Float64Array(size);
      set.beyond = new Int32Array(size);
    }
    this.lead = new Float64Array(size);
  }
}
