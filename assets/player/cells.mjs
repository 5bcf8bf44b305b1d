/* The regions as polygons: where one affine function exceeds all others is convex, the picture's rectangle cut by a
 * half-plane for each other class. Worked out anew for every frame (a hundred classes take about a millisecond), which costs
 * a graphics card, and still more a processor that stands in for one, far less than asking C functions in every pixel. */

const MARGIN = 8; // device pixels around the picture, so that the rectangle's own edges are never seen

export class Cells {
  constructor() {
    this.corners = 0; // of the polygon last cut
    this.x = new Float64Array(0);
    this.y = new Float64Array(0);
    this.beyond = new Int32Array(0); // plane on the other side of the edge from this corner to the next, -1: the rectangle
    this.spare = { x: this.x, y: this.y, beyond: this.beyond };
    this.lead = new Float64Array(0); // of the polygon's own plane at each corner
  }

  /**
   * Cut out the region of plane i: afterwards `corners`, `x`, `y`, `beyond` describe it, counter-clockwise.
   * Of equal planes the first has the region.
   * @param {import("./planes.mjs").Planes} planes
   * @param {number} i
   * @param {number} width of the picture in device pixels; x and y are from its middle, y upwards
   * @param {number} height
   */
  cut({ values, count }, i, width, height) {
    this._reserve(count + 8);
    const [w, h] = [width / 2 + MARGIN, height / 2 + MARGIN];
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
      outside += first ? lead[n] < 0 : lead[n] <= 0;
    }
    if (outside === 0) return;
    let kept = 0;
    for (let n = 0; outside < corners && n < corners; n++) {
      const m = n + 1 < corners ? n + 1 : 0;
      const here = first ? lead[n] >= 0 : lead[n] > 0;
      const there = first ? lead[m] >= 0 : lead[m] > 0;
      if (here) {
        spare.x[kept] = x[n];
        spare.y[kept] = y[n];
        spare.beyond[kept++] = beyond[n];
      }
      if (here === there) continue;
      const share = lead[n] / (lead[n] - lead[m]);
      spare.x[kept] = x[n] + share * (x[m] - x[n]);
      spare.y[kept] = y[n] + share * (y[m] - y[n]);
      spare.beyond[kept++] = here ? j : beyond[n]; // going out, the new edge begins here; coming in, the old one goes on
    }
    this.x = spare.x;
    this.y = spare.y;
    this.beyond = spare.beyond;
    spare.x = x;
    spare.y = y;
    spare.beyond = beyond;
    this.corners = kept;
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
