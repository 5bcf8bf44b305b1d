/* A paper that writes SVG: the heat map is an image, everything else stays lines and letters. */

import { Paper, colourOf, short } from "./vector_context.mjs";

export class SvgPaper extends Paper {
  constructor(width, height) {
    super(width, height);
    this.parts = [];
    this.clips = 0;
    this.open = [0]; // groups that a clip opened, by saved state
  }

  _opened() {
    this.open.push(0);
  }

  _closed() {
    for (let i = this.open.pop(); i > 0; i--) this.parts.push("</g>");
  }

  clip() {
    const id = `clip${++this.clips}`;
    this.parts.push(`<clipPath id="${id}"><path d="${this._d()}"/></clipPath><g clip-path="url(#${id})">`);
    this.open[this.open.length - 1]++;
  }

  fill() {
    this.parts.push(`<path d="${this._d()}" ${this._paint("fill", this.fillStyle)}/>`);
  }

  stroke() {
    if (this.path.length) this.parts.push(`<path d="${this._d()}" fill="none" ${this._pen()}/>`);
  }

  fillText(words, x, y) {
    this._text(words, x, y, this._paint("fill", this.fillStyle));
  }

  strokeText(words, x, y) {
    this._text(words, x, y, `fill="none" ${this._pen()}`);
  }

  drawImage(image, x, y, width, height) {
    const [left, top] = this._at(x, y);
    const size = `x="${short(left)}" y="${short(top)}" width="${short(width)}" height="${short(height)}"`;
    this.parts.push(`<image ${size} preserveAspectRatio="none" href="${image.toDataURL("image/png")}"/>`);
  }

  blob() {
    const size = `width="${this.width}" height="${this.height}" viewBox="0 0 ${this.width} ${this.height}"`;
    const head = `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="Helvetica, Arial, sans-serif">`;
    return new Blob([head, ...this.parts, "</svg>"], { type: "image/svg+xml" });
  }

  _text(words, x, y, paint) {
    const [left, top] = this._baseline(words, x, y);
    const { size, bold } = this.type;
    const weight = bold ? ' font-weight="600"' : "";
    this.parts.push(`<text x="${short(left)}" y="${short(top)}" font-size="${size}"${weight} ${paint}>${escaped(words)}</text>`);
  }

  _pen() {
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash}"` : "";
    return `${this._paint("stroke", this.strokeStyle)} stroke-width="${this.lineWidth}" stroke-linecap="round" stroke-linejoin="round"${dash}`;
  }

  _paint(kind, style) {
    const [red, green, blue, alpha] = colourOf(style);
    const opacity = alpha * this.globalAlpha;
    const solid = `${kind}="rgb(${[red, green, blue].map((share) => Math.round(255 * share))})"`;
    return opacity < 1 ? `${solid} ${kind}-opacity="${short(opacity)}"` : solid;
  }

  _d() {
    return this.path
      .map(([kind, x, y, a, b]) => {
        if (kind === "A") return `M${short(x - a)} ${short(y)}a${short(a)} ${short(a)} 0 1 0 ${short(2 * a)} 0a${short(a)} ${short(a)} 0 1 0 ${short(-2 * a)} 0`;
        if (kind === "R") return `M${short(x)} ${short(y)}h${short(a)}v${short(b)}h${short(-a)}z`;
        return `${kind}${short(x)} ${short(y)}`;
      })
      .join("");
  }
}

function escaped(words) {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
