/* The regions' C affine functions between two snapshots, in pixels of the picture, from which the regions are computed.
 *
 * They blend as the D-dimensional reference vectors do (explorer/space/regions.py): with g = (1-t) affine[s] + t affine[s+1],
 *   power   g.(x, y, 1) + t(1-t) d2[s]                        because |c|^2 is quadratic in t
 *   cosine  g.(x, y, 1) / sqrt((1-t) l2[s] + t l2[s+1] - t(1-t) d2[s]), 0 for a vector of length 0
 *   linear  g.(x, y, 1)
 * where l2 are the vectors' squared lengths and d2 those of their differences from a snapshot to the next. All of it in float64, once a frame and class. What is common to all classes is taken off and the origin is put in the
 * middle of the picture, so that little cancels at any zoom.
 */

export class AffineScores {
  constructor() {
    this.count = 0; // classes that can win: those without NaN
    this.values = new Float64Array(0); // (count, 4): px, py, p0, class; score = px X + py Y + p0 at pixel (X, Y)
  }

  /**
   * @param {import("../data.mjs").Regions} regions
   * @param {number} before snapshot
   * @param {number} blend 0..1 from there to the next
   * @param {import("./view.mjs").Mapping} mapping
   * @param {number} density device pixels a CSS pixel; X and Y are device pixels from the middle, Y upwards
   */
  update(regions, before, blend, mapping, density) {
    const { C, affine, squaredLengths, squaredSteps, kind } = regions;
    if (this.values.length < 4 * C) this.values = new Float64Array(4 * C);
    const { values } = this;
    const after = blend > 0 ? before + 1 : before;
    const a = before * C * 3;
    const b = after * C * 3;
    const middleX = (mapping.width / 2 - mapping.bx) / mapping.ax;
    const middleY = (mapping.height / 2 - mapping.by) / mapping.ay;
    let count = 0;
    let meanX = 0;
    let meanY = 0;
    let mean0 = 0;
    for (let k = 0; k < C; k++) {
      let gx = mix(affine[a + 3 * k], affine[b + 3 * k], blend);
      let gy = mix(affine[a + 3 * k + 1], affine[b + 3 * k + 1], blend);
      let g0 = mix(affine[a + 3 * k + 2], affine[b + 3 * k + 2], blend);
      const curve = blend > 0 ? blend * (1 - blend) * squaredSteps[before * C + k] : 0;
      if (kind === "power") g0 += curve;
      if (kind === "cosine") {
        const length2 = mix(squaredLengths[before * C + k], squaredLengths[after * C + k], blend) - curve;
        const over = length2 > 0 ? 1 / Math.sqrt(length2) : 0;
        gx = over && gx * over;
        gy = over && gy * over;
        g0 = over && g0 * over;
      }
      const px = gx / (mapping.ax * density);
      const py = -gy / (mapping.ay * density);
      const p0 = gx * middleX + gy * middleY + g0;
      if (!(Number.isFinite(px) && Number.isFinite(py) && Number.isFinite(p0))) continue;
      values[4 * count] = px;
      values[4 * count + 1] = py;
      values[4 * count + 2] = p0;
      values[4 * count + 3] = k;
      meanX += px;
      meanY += py;
      mean0 += p0;
      count++;
    }
    this.count = count;
    for (let i = 0; i < 4 * count; i += 4) {
      values[i] -= meanX / count;
      values[i + 1] -= meanY / count;
      values[i + 2] -= mean0 / count;
    }
  }
}

function mix(a, b, share) {
  return share === 0 ? a : (1 - share) * a + share * b;
}
