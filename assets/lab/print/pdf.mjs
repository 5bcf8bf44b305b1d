/* A paper that writes PDF 1.4: one page, two of the fonts that every reader has, images compressed by the browser. */

import { Paper, colourOf, short } from "./vector_context.mjs";

const ROUND = 0.5523; // length of the handles of a quarter circle

export class PdfPaper extends Paper {
  constructor(width, height) {
    super(width, height);
    this.lines = [`1 0 0 -1 0 ${height} cm 1 j 1 J`]; // y downwards from here on, round joins and ends
    this.images = [];
    this.alphas = new Map(); // opacity -> name of its graphics state
  }

  _opened() {
    this.lines.push("q");
  }

  _closed() {
    this.lines.push("Q");
  }

  clip() {
    this.lines.push(`${this._d()} W n`);
  }

  fill() {
    this.lines.push(`${this._colour("rg", this.fillStyle)} ${this._d()} f`);
  }

  stroke() {
    if (this.path.length) this.lines.push(`${this._pen()} ${this._d()} S`);
  }

  fillText(words, x, y) {
    this._text(words, x, y, `${this._colour("rg", this.fillStyle)} BT 0 Tr`);
  }

  strokeText(words, x, y) {
    this._text(words, x, y, `${this._pen()} BT 1 Tr`);
  }

  drawImage(image, x, y, width, height) {
    const [left, top] = this._at(x, y);
    this.images.push(image);
    this.lines.push(`q ${this._alpha(1)} ${short(width)} 0 0 ${short(-height)} ${short(left)} ${short(top + height)} cm /I${this.images.length} Do Q`);
  }

  async blob() {
    const objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", null, await stream("", latin(this.lines.join("\n")))];
    const fonts = ["Helvetica", "Helvetica-Bold"].map((name) => objects.push(`<</Type/Font/Subtype/Type1/BaseFont/${name}/Encoding/WinAnsiEncoding>>`));
    const states = [...this.alphas].map(([alpha, name]) => `/${name} ${objects.push(`<</ca ${alpha}/CA ${alpha}>>`)} 0 R`);
    const images = [];
    for (const image of this.images) {
      const { width, height } = image;
      const rgba = image.getContext("2d").getImageData(0, 0, width, height).data;
      const rgb = new Uint8Array(3 * width * height).map((_, i) => rgba[4 * Math.floor(i / 3) + (i % 3)]);
      const about = `/Type/XObject/Subtype/Image/Width ${width}/Height ${height}/ColorSpace/DeviceRGB/BitsPerComponent 8/Interpolate true`;
      images.push(`/I${images.length + 1} ${objects.push(await stream(about, rgb))} 0 R`);
    }
    const resources = `/Font<</F1 ${fonts[0]} 0 R/F2 ${fonts[1]} 0 R>>/ExtGState<<${states.join("")}>>/XObject<<${images.join("")}>>`;
    objects[2] = `<</Type/Page/Parent 2 0 R/MediaBox[0 0 ${this.width} ${this.height}]/Contents 4 0 R/Resources<<${resources}>>>>`;
    return assembled(objects);
  }

  /** Text stands upright in a page whose y points down: its own matrix turns it over again. */
  _text(words, x, y, before) {
    const [left, top] = this._baseline(words, x, y);
    const { size, bold } = this.type;
    const escaped = words.replace(/[\\()]/g, "\\$&");
    this.lines.push(`${before} /F${bold ? 2 : 1} ${size} Tf 1 0 0 -1 ${short(left)} ${short(top)} Tm (${escaped}) Tj ET`);
  }

  _pen() {
    return `${this._colour("RG", this.strokeStyle)} ${this.lineWidth} w [${this.dash.join(" ")}] 0 d`;
  }

  _colour(operator, style) {
    const [red, green, blue, alpha] = colourOf(style);
    return `${this._alpha(alpha * this.globalAlpha)} ${[red, green, blue].map((share) => short(share)).join(" ")} ${operator}`;
  }

  _alpha(alpha) {
    const key = short(alpha);
    if (!this.alphas.has(key)) this.alphas.set(key, `A${this.alphas.size}`);
    return `/${this.alphas.get(key)} gs`;
  }

  _d() {
    return this.path
      .map(([kind, x, y, a, b]) => {
        if (kind === "R") return `${short(x)} ${short(y)} ${short(a)} ${short(b)} re`;
        if (kind === "A") return circle(x, y, a);
        return `${short(x)} ${short(y)} ${kind === "M" ? "m" : "l"}`;
      })
      .join(" ");
  }
}

function circle(x, y, r) {
  const quarter = ([a, b], [c, d]) => {
    const [ax, ay, cx, cy] = [x + r * a, y + r * b, x + r * c, y + r * d];
    return [ax + ROUND * r * c, ay + ROUND * r * d, cx + ROUND * r * a, cy + ROUND * r * b, cx, cy].map(short).join(" ") + " c";
  };
  const corners = [[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]];
  return `${short(x + r)} ${short(y)} m ${corners.slice(1).map((to, i) => quarter(corners[i], to)).join(" ")} h`;
}

/** A stream object, compressed. @param {Uint8Array} bytes */
async function stream(about, bytes) {
  const packed = new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"))).arrayBuffer());
  return [latin(`<<${about}/Filter/FlateDecode/Length ${packed.length}>>stream\n`), packed, latin("\nendstream")];
}

/** The file: header, numbered objects, the table of where each begins. */
function assembled(objects) {
  const parts = [latin("%PDF-1.4\n")];
  const starts = [];
  let at = parts[0].length;
  const add = (bytes) => {
    parts.push(bytes);
    at += bytes.length;
  };
  objects.forEach((object, i) => {
    starts.push(at);
    add(latin(`${i + 1} 0 obj\n`));
    for (const piece of Array.isArray(object) ? object : [latin(object)]) add(piece);
    add(latin("\nendobj\n"));
  });
  const table = starts.map((start) => `${String(start).padStart(10, "0")} 00000 n \n`).join("");
  add(latin(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${at}\n%%EOF\n`));
  return new Blob(parts, { type: "application/pdf" });
}

/** Text as bytes of WinAnsi; what it lacks becomes a question mark, except the few signs that pictures use. */
function latin(text) {
  const winAnsi = { "−": 0x2d, "–": 0x96, "’": 0x92, "…": 0x85 };
  return Uint8Array.from(text, (sign) => winAnsi[sign] ?? (sign.charCodeAt(0) < 256 ? sign.charCodeAt(0) : 0x3f));
}
