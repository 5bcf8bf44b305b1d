/* What SVG and PDF share: the part of a canvas context that drawing.mjs uses, collecting paths in points. */

import { make } from "../../common/dom.mjs";

const STYLES = ["fillStyle", "strokeStyle", "lineWidth", "font", "textAlign", "textBaseline", "globalAlpha", "dash", "shift"];

export class Paper {
  constructor(width, height) {
    Object.assign(this, { width, height, fillStyle: "#000000", strokeStyle: "#000000", lineWidth: 1, font: "12px sans-serif" });
    Object.assign(this, { textAlign: "left", textBaseline: "alphabetic", globalAlpha: 1, dash: [], shift: [0, 0] });
    this.stack = [];
    this.path = []; // ["M" | "L", x, y], ["A", x, y, radius] or ["R", x, y, width, height]
    this.ruler = make("canvas").getContext("2d");
  }

  save() {
    this.stack.push(Object.fromEntries(STYLES.map((name) => [name, this[name]])));
    this._opened();
  }

  restore() {
    Object.assign(this, this.stack.pop());
    this._closed();
  }

  translate(x, y) {
    this.shift = [this.shift[0] + x, this.shift[1] + y];
  }

  beginPath() {
    this.path = [];
  }

  moveTo(x, y) {
    this.path.push(["M", ...this._at(x, y)]);
  }

  lineTo(x, y) {
    this.path.push(["L", ...this._at(x, y)]);
  }

  /** A whole circle; drawing.mjs draws no other arcs. */
  arc(x, y, radius) {
    this.path.push(["A", ...this._at(x, y), radius]);
  }

  rect(x, y, width, height) {
    this.path.push(["R", ...this._at(x, y), width, height]);
  }

  fillRect(x, y, width, height) {
    this.beginPath();
    this.rect(x, y, width, height);
    this.fill();
  }

  strokeRect(x, y, width, height) {
    this.beginPath();
    this.rect(x, y, width, height);
    this.stroke();
  }

  setLineDash(dash) {
    this.dash = dash;
  }

  measureText(words) {
    this.ruler.font = this.font.replace("sans-serif", "Helvetica, Arial, sans-serif");
    return this.ruler.measureText(words);
  }

  /** Size in points, and whether it is bold. */
  get type() {
    const [, weight, size] = this.font.match(/^(?:(\d+) )?([\d.]+)px/);
    return { size: Number(size), bold: Number(weight ?? 400) >= 600 };
  }

  /** Where a text's baseline begins. */
  _baseline(words, x, y) {
    const { size } = this.type;
    const width = this.textAlign === "left" ? 0 : this.measureText(words).width;
    const down = { alphabetic: 0, middle: 0.35, top: 0.76 }[this.textBaseline] * size;
    const [left, top] = this._at(x, y);
    return [left - (this.textAlign === "center" ? width / 2 : width), top + down];
  }

  _at(x, y) {
    return [x + this.shift[0], y + this.shift[1]];
  }
}

/** "#rrggbb", "rgb(...)" or "rgba(...)" as three shares of 1 and an opacity. */
export function colourOf(style) {
  if (style.startsWith("#")) {
    const number = parseInt(style.slice(1), 16);
    return [number >> 16, (number >> 8) & 255, number & 255].map((byte) => byte / 255).concat(1);
  }
  const [red, green, blue, alpha = 1] = style.match(/[\d.]+/g).map(Number);
  return [red / 255, green / 255, blue / 255, alpha];
}

/** A length with at most two digits after the point. */
export function short(value) {
  return String(Math.round(value * 100) / 100);
}
