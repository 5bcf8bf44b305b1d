/* Points painted by the processor: a disc is computed once for each place within a pixel, then stamped. */

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
    this.length = this.side * this.side;
    const all = PHASES * PHASES * this.length;
    this.keep = new Uint16Array(all); // strength of the pixel underneath
    this.own = new Uint16Array(all); // strength of the point's colour
    this.rim = new Uint16Array(rim > 0 ? 3 * all : 0); // what the rim adds to red, green, blue
    this.bounds = new Int16Array(4 * PHASES * PHASES); // rows, columns that are not empty, from the middle's pixel
    for (let phase = 0; phase < PHASES * PHASES; phase++) this._computePhase(phase, size, opacity, rim, page);
  }

  _computePhase(phase, size, opacity, rim, page) {
    const { reach, side, length, bounds } = this;
    const dx = ((phase % PHASES) + 0.5) / PHASES;
    const dy = (Math.floor(phase / PHASES) + 0.5) / PHASES;
    let [top, bottom, left, right] = [reach, -reach, reach, -reach];
    for (let n = 0; n < length; n++) {
      const column = (n % side) - reach;
      const row = Math.floor(n / side) - reach;
      const away = Math.hypot(column + 0.5 - dx, row + 0.5 - dy); // the same disc as in points.mjs
      const alpha = opacity * Math.max(0, Math.min(1, size / 2 + 0.5 - away));
      const edge = Math.max(0, Math.min(1, away - size / 2 + 1.5)) * rim;
      const i = phase * length + n;
      this.keep[i] = ONE - Math.round(ONE * alpha);
      this.own[i] = rim > 0 ? Math.round(ONE * alpha * (1 - edge)) : ONE - this.keep[i];
      for (let c = 0; c < 3 && rim > 0; c++) this.rim[3 * i + c] = Math.round(ONE * alpha * edge * 255 * page[c]);
      if (this.keep[i] === ONE) continue;
      top = Math.min(top, row);
      bottom = Math.max(bottom, row);
      left = Math.min(left, column);
      right = Math.max(right, column);
    }
    bounds.set([top, bottom, left, right], 4 * phase);
  }

  /**
   * Stamp a disc around (x, y).
   * @param {import("./raster.mjs").Pixels} pixels
   * @param {number} x
   * @param {number} y
   * @param {number} colour a word: 0x00bbggrr
   */
  put(pixels, x, y, colour) {
    const { width, height } = pixels;
    const { reach, side, bounds } = this;
    if (!(x > -reach && y > -reach && x < width + reach && y < height + reach)) return;
    const column = Math.floor(x) | 0;
    const row = Math.floor(y) | 0;
    const phase = (((y - row) * PHASES) | 0) * PHASES + (((x - column) * PHASES) | 0);
    const top = Math.max(0, row + bounds[4 * phase]);
    const bottom = Math.min(height - 1, row + bounds[4 * phase + 1]);
    const left = Math.max(0, column + bounds[4 * phase + 2]);
    const right = Math.min(width - 1, column + bounds[4 * phase + 3]);
    const corner = phase * this.length + (reach - row) * side + reach - column;
    if (this.rim.length) this._stampRimmed(pixels.bytes, width, top, bottom, left, right, corner, colour);
    else this._stampPlain(pixels.words, width, top, bottom, left, right, corner, colour);
  }

  /** Two channels in one multiplication: sums stay below 2^32, since what is kept and what is added make up ONE. */
  _stampPlain(words, width, top, bottom, left, right, corner, colour) {
    const { side, keep } = this;
    const redBlue = colour & 0xff00ff;
    const green = (colour >> 8) & 0xff;
    for (let v = top; v <= bottom; v++) {
      let i = corner + v * side + left;
      for (let at = v * width + left, end = v * width + right; at <= end; at++, i++) {
        const stay = keep[i];
        const under = words[at];
        const rb = ((under & 0xff00ff) * stay + redBlue * (ONE - stay)) >>> 8;
        const g = ((under >>> 8) & 0xff) * stay + green * (ONE - stay);
        words[at] = 0xff000000 | (g & 0xff00) | (rb & 0xff00ff);
      }
    }
  }

  _stampRimmed(bytes, width, top, bottom, left, right, corner, colour) {
    const { side, keep, own, rim } = this;
    const red = colour & 0xff;
    const green = (colour >> 8) & 0xff;
    const blue = (colour >> 16) & 0xff;
    for (let v = top; v <= bottom; v++) {
      let i = corner + v * side + left;
      for (let at = 4 * (v * width + left), end = 4 * (v * width + right); at <= end; at += 4, i++) {
        const stay = keep[i];
        const share = own[i];
        bytes[at] = (bytes[at] * stay + red * share + rim[3 * i]) >> 8;
        bytes[at + 1] = (bytes[at + 1] * stay + green * share + rim[3 * i + 1]) >> 8;
        bytes[at + 2] = (bytes[at + 2] * stay + blue * share + rim[3 * i + 2]) >> 8;
      }
    }
  }
}
