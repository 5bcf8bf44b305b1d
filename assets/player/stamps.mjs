/* Points painted by the processor: a disc is worked out once for each place within a pixel, then stamped. */

const PHASES = 4; // places within a pixel, each way
const ONE = 256; // strengths are integers of it

/** Discs of one size with a soft edge and a rim, ready to be stamped at any place. */
export class Stamps {
  /**
   * @param {number} size diameter in pixels
   * @param {number} opacity
   * @param {number} rim strength of the page's colour in the outermost pixel
   * @param {ArrayLike<number>} page that colour, shares of 1
   */
  constructor(size, opacity, rim, page) {
    this.reach = Math.ceil(size / 2 + 0.5); // pixels to either side of the one that the middle lies in
    this.side = 2 * this.reach + 1;
    const length = this.side * this.side;
    this.keep = []; // of what was there
    this.own = []; // of the point's colour
    this.rim = []; // what the rim adds to red, green, blue
    for (let phase = 0; phase < PHASES * PHASES; phase++) {
      const [keep, own, added] = [new Uint16Array(length), new Uint16Array(length), new Uint16Array(3 * length)];
      const [dx, dy] = [(phase % PHASES) + 0.5, Math.floor(phase / PHASES) + 0.5].map((value) => value / PHASES);
      for (let i = 0; i < length; i++) {
        const x = (i % this.side) - this.reach + 0.5 - dx;
        const y = Math.floor(i / this.side) - this.reach + 0.5 - dy;
        const away = Math.hypot(x, y); // the same disc as in points.mjs
        const alpha = opacity * Math.max(0, Math.min(1, size / 2 + 0.5 - away));
        const edge = Math.max(0, Math.min(1, away - size / 2 + 1.5)) * rim;
        keep[i] = Math.round(ONE * (1 - alpha));
        own[i] = Math.round(ONE * alpha * (1 - edge));
        for (let c = 0; c < 3; c++) added[3 * i + c] = Math.round(ONE * alpha * edge * 255 * page[c]);
      }
      this.keep.push(keep);
      this.own.push(own);
      this.rim.push(added);
    }
    this.rimmed = rim > 0;
  }

  /**
   * Stamp a disc of a colour around (x, y).
   * @param {import("./raster.mjs").Picture} picture
   */
  put({ width, height, bytes, words }, x, y, red, green, blue) {
    const { reach, side, rimmed } = this;
    const column = Math.floor(x);
    const row = Math.floor(y);
    if (column < -reach || row < -reach || column >= width + reach || row >= height + reach) return;
    const phase = (((y - row) * PHASES) | 0) * PHASES + (((x - column) * PHASES) | 0);
    const keep = this.keep[phase];
    const own = this.own[phase];
    const rim = this.rim[phase];
    const left = Math.max(0, column - reach);
    const right = Math.min(width - 1, column + reach);
    const top = Math.max(0, row - reach);
    const bottom = Math.min(height - 1, row + reach);
    for (let v = top; v <= bottom; v++) {
      let i = (v - row + reach) * side + left - column + reach;
      for (let at = v * width + left, end = v * width + right; at <= end; at++, i++) {
        const old = keep[i];
        if (old === ONE) continue;
        const share = own[i];
        if (rimmed) {
          const b = 4 * at;
          bytes[b] = (bytes[b] * old + red * share + rim[3 * i]) >> 8;
          bytes[b + 1] = (bytes[b + 1] * old + green * share + rim[3 * i + 1]) >> 8;
          bytes[b + 2] = (bytes[b + 2] * old + blue * share + rim[3 * i + 2]) >> 8;
        } else {
          // red and blue in one multiplication: both stay below 2^32 as long as old + share is ONE
          const was = words[at];
          const rb = ((was & 0xff00ff) * old + (red | (blue << 16)) * share) >>> 8;
          const g = (((was >>> 8) & 0xff) * old + green * share) >>> 8;
          words[at] = 0xff000000 | ((g & 0xff) << 8) | (rb & 0xff00ff);
        }
      }
    }
  }
}
