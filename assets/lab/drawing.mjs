/* The drawing of a landscape on a canvas; `explorer.export.print.landscape` draws the same for print. */

import { make } from "../common/dom.mjs";
import { roundNumbers } from "../common/numbers.mjs";
import { rampBytes } from "../player/colours.mjs";

const DARK = "rgba(20,22,30,0.75)"; // edge of what is white

/** @typedef {import("./state.mjs").Place} Place */
/** @typedef {{left: number, top: number, side: number, width: number, height: number}} Frame of the plot in a panel, CSS pixels */
/** @typedef {{from: Place, tip: number[], ghost: boolean}} Arrow tip: pixels from its beginning, y upwards; ghost: dashed */
/**
 * What is drawn of a panel: the server's landscape, and the page's points.
 * @typedef {object} Picture
 * @property {string[]} ramp
 * @property {import("./scene.mjs").ScenePoint[]} points
 * @property {Arrow[]} arrows
 * @property {{places: number[], colour: string}[]} trails
 * @property {Float32Array[]} contours
 * @property {{at: number, label: string}[]} ticks  of the colour bar
 * @property {Set<string>} shows
 * @property {HTMLCanvasElement | null} image  null: no landscape, and nothing of what follows
 * @property {number[]} [mapBox]  of the landscape
 * @property {number} [n]  places a side
 * @property {Float64Array} [values]
 * @property {{kind: string}} [scale]
 * @property {Place | null} [equilibrium]
 * @property {{at: Float64Array, force: Float64Array} | null} [field]
 * @property {Frame} [frame]  this and what follows once it is drawn
 * @property {number[]} [box]  of the plot
 * @property {import("../player/colours.mjs").Theme} [theme]
 * @property {Place | null} [origin]
 * @property {string} [title]
 * @property {string} [subtitle]
 */
/** @typedef {CanvasRenderingContext2D} Context */

/** The frame of the plot in a panel of this size. @param {number} width @param {number} height @returns {Frame} */
export function frameOf(width, height) {
  const left = 44;
  const top = 32;
  const side = Math.floor(Math.max(40, Math.min(width - left - 76, height - top - 30)));
  const shift = Math.round(Math.max(0, (width - left - 76 - side) / 2));
  return { left: left + shift, top, side, width, height };
}

/** A position of the scene in pixels. @param {Frame} frame @param {number[]} box @param {number[]} place @returns {Place} */
export function toScreen(frame, box, [x, y]) {
  const { left, top, side } = frame;
  return [left + ((x - box[0]) / (box[2] - box[0])) * side, top + side - ((y - box[1]) / (box[3] - box[1])) * side];
}

/** Pixels as a position of the scene. @param {Frame} frame @param {number[]} box @param {number[]} pixel @returns {Place} */
export function toPlace(frame, box, [x, y]) {
  const { left, top, side } = frame;
  return [box[0] + ((x - left) / side) * (box[2] - box[0]), box[1] + ((top + side - y) / side) * (box[3] - box[1])];
}

/**
 * The heat map as an image of n x n pixels, first row on top; what is not a number is hatched.
 * @param {Float32Array} positions  (n, n), rows upwards
 * @param {number} n
 * @param {string[]} ramp
 */
export function heatMap(positions, n, ramp) {
  const colours = rampBytes(ramp);
  const pixels = new ImageData(n, n);
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++) {
      const position = positions[(n - 1 - row) * n + column];
      const at = 4 * (row * n + column);
      if (Number.isNaN(position)) {
        const grey = (row + column) % 6 < 2 ? 90 : 170;
        pixels.data.set([grey, grey, grey, 255], at);
      } else {
        const step = 4 * Math.round(255 * Math.min(1, Math.max(0, position)));
        pixels.data.set(colours.subarray(step, step + 4), at);
      }
    }
  }
  const image = make("canvas", { width: n, height: n });
  image.getContext("2d", { willReadFrequently: true }).putImageData(pixels, 0, 0);
  return image;
}

/** @param {Context} ctx @param {Picture} picture */
export function draw(ctx, picture) {
  const { frame, theme } = picture;
  ctx.fillStyle = theme.page;
  ctx.fillRect(0, 0, frame.width, frame.height);
  ctx.lineJoin = "round";
  ctx.lineCap = "round";
  drawTitle(ctx, picture);
  drawAxes(ctx, picture);
  if (!picture.image) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(frame.left, frame.top, frame.side, frame.side);
  ctx.clip();
  drawMap(ctx, picture);
  if (picture.shows.has("contours")) drawContours(ctx, picture);
  if (picture.shows.has("field")) drawField(ctx, picture);
  drawOrigin(ctx, picture);
  drawTrails(ctx, picture);
  if (picture.equilibrium) drawEquilibrium(ctx, picture);
  if (picture.shows.has("forces")) for (const arrow of picture.arrows) drawArrow(ctx, picture, arrow);
  for (const point of picture.points) drawPoint(ctx, picture, point);
  for (const point of picture.points) drawName(ctx, picture, point);
  ctx.restore();
  drawColourBar(ctx, picture);
}

/** @param {Context} ctx @param {Picture} picture */
function drawTitle(ctx, { frame, theme, title, subtitle }) {
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "left";
  ctx.fillStyle = theme.text;
  ctx.font = "600 13px sans-serif";
  ctx.fillText(title, frame.left, 20);
  const width = ctx.measureText(title).width;
  ctx.fillStyle = theme.quiet;
  ctx.font = "12px sans-serif";
  ctx.fillText(subtitle, frame.left + width + 10, 20);
}

/** @param {Context} ctx @param {Picture} picture */
function drawAxes(ctx, { frame, box, theme }) {
  const { left, top, side } = frame;
  ctx.strokeStyle = theme.frame;
  ctx.lineWidth = 1;
  ctx.strokeRect(left, top, side, side);
  ctx.fillStyle = theme.quiet;
  ctx.font = "11px sans-serif";
  for (const value of roundNumbers(box[0], box[2], Math.max(2, side / 90)).values) {
    const [x] = toScreen(frame, box, [value, 0]);
    line(ctx, x, top + side, x, top + side + 4);
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    ctx.fillText(text(value), x, top + side + 7);
  }
  for (const value of roundNumbers(box[1], box[3], Math.max(2, side / 90)).values) {
    const [, y] = toScreen(frame, box, [0, value]);
    line(ctx, left - 4, y, left, y);
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    ctx.fillText(text(value), left - 7, y);
  }
}

/** @param {Context} ctx @param {Picture} picture */
function drawMap(ctx, { frame, image, mapBox, box }) {
  const n = image.width;
  const [x, y] = toScreen(frame, box, [mapBox[0], mapBox[3]]);
  const [right, bottom] = toScreen(frame, box, [mapBox[2], mapBox[1]]);
  const [half, high] = [(right - x) / (n - 1) / 2, (bottom - y) / (n - 1) / 2]; // values are of the pixels' middles
  ctx.imageSmoothingEnabled = true;
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(image, x - half, y - high, right - x + 2 * half, bottom - y + 2 * high);
}

/** @param {Context} ctx @param {Picture} picture */
function drawContours(ctx, { frame, box, mapBox, n, contours }) {
  const [x0, y0] = toScreen(frame, box, [mapBox[0], mapBox[1]]);
  const [x1, y1] = toScreen(frame, box, [mapBox[2], mapBox[3]]);
  const [dx, dy] = [(x1 - x0) / (n - 1), (y1 - y0) / (n - 1)];
  ctx.strokeStyle = "rgba(255,255,255,0.45)";
  ctx.lineWidth = 0.8;
  for (const pairs of contours) {
    ctx.beginPath();
    for (let i = 0; i < pairs.length; i += 4) {
      ctx.moveTo(x0 + dx * pairs[i], y0 + dy * pairs[i + 1]);
      ctx.lineTo(x0 + dx * pairs[i + 2], y0 + dy * pairs[i + 3]);
    }
    ctx.stroke();
  }
}

/**
 * The force field: the force on the moved point at a grid of positions; lengths by orders of magnitude.
 * @param {Context} ctx
 * @param {Picture} picture
 */
function drawField(ctx, { frame, box, field }) {
  if (!field) return;
  const sizes = Array.from({ length: field.at.length / 2 }, (_, i) => Math.hypot(field.force[2 * i], field.force[2 * i + 1]));
  const largest = Math.max(...sizes.filter(Number.isFinite));
  const cell = frame.side / Math.sqrt(sizes.length);
  ctx.strokeStyle = "rgba(255,255,255,0.75)";
  ctx.lineWidth = 1.1;
  sizes.forEach((size, i) => {
    if (!(size > 1e-9 * largest)) return;
    const [x, y] = toScreen(frame, box, [field.at[2 * i], field.at[2 * i + 1]]);
    const length = cell * (0.25 + 0.55 * Math.max(0, 1 + Math.log10(size / largest) / 3));
    const [dx, dy] = [(field.force[2 * i] / size) * length, (-field.force[2 * i + 1] / size) * length];
    traceArrow(ctx, x - dx / 2, y - dy / 2, x + dx / 2, y + dy / 2, 3.5);
    ctx.stroke();
  });
}

/** @param {Context} ctx @param {Picture} picture */
function drawOrigin(ctx, { frame, box, origin }) {
  if (!origin) return;
  const [x, y] = toScreen(frame, box, origin);
  ctx.strokeStyle = "rgba(255,255,255,0.8)";
  ctx.lineWidth = 1;
  line(ctx, x - 6, y, x + 6, y);
  line(ctx, x, y - 6, x, y + 6);
}

/** @param {Context} ctx @param {Picture} picture */
function drawTrails(ctx, { frame, box, trails }) {
  for (const { places, colour } of trails) {
    ctx.beginPath();
    for (let i = 0; i < places.length; i += 2) {
      const [x, y] = toScreen(frame, box, [places[i], places[i + 1]]);
      if (i) ctx.lineTo(x, y);
      else ctx.moveTo(x, y);
    }
    strokeEdged(ctx, colour, 1.8, "rgba(255,255,255,0.85)", 3.4);
  }
}

/** The equilibrium of the moved point: a white cross. @param {Context} ctx @param {Picture} picture */
function drawEquilibrium(ctx, { frame, box, equilibrium }) {
  const [x, y] = toScreen(frame, box, equilibrium);
  ctx.beginPath();
  for (const down of [5, -5]) {
    ctx.moveTo(x - 5, y - down);
    ctx.lineTo(x + 5, y + down);
  }
  strokeEdged(ctx, "#ffffff", 1.8, DARK, 4);
}

/** @param {Context} ctx @param {Picture} picture @param {Arrow} arrow */
function drawArrow(ctx, { frame, box }, { from, tip, ghost }) {
  const [x, y] = toScreen(frame, box, from);
  traceArrow(ctx, x, y, x + tip[0], y - tip[1], ghost ? 6 : 8);
  if (ghost) ctx.setLineDash([4, 4]);
  if (ghost) strokeEdged(ctx, "rgba(255,255,255,0.7)", 1.2, DARK, 3);
  else strokeEdged(ctx, "#ffffff", 2.4, DARK, 5);
  ctx.setLineDash([]);
}

/** @param {Context} ctx @param {Picture} picture @param {import("./scene.mjs").ScenePoint} point */
function drawPoint(ctx, { frame, box }, { place, colour, kind, main, faint, held }) {
  const [x, y] = toScreen(frame, box, place);
  const radius = (kind === "c" ? 7 : 5.5) * (main ? 1.15 : 1) + (held ? 1.5 : 0);
  ctx.globalAlpha = faint ? 0.55 : 1;
  ctx.beginPath();
  ctx.arc(x, y, radius + 1.6, 0, 2 * Math.PI);
  ctx.fillStyle = "#ffffff";
  ctx.fill();
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.fillStyle = colour;
  ctx.fill();
  if (kind === "c") {
    ctx.beginPath();
    ctx.arc(x, y, radius * 0.5, 0, 2 * Math.PI);
    ctx.fillStyle = "#ffffff";
    ctx.fill();
  }
  ctx.globalAlpha = 1;
}

/** A name beside its point: "c_e" with a subscript. @param {Context} ctx @param {Picture} picture @param {import("./scene.mjs").ScenePoint} point */
function drawName(ctx, { frame, box }, { place, name, kind, main, faint }) {
  if (!name) return;
  let [x, y] = toScreen(frame, box, place);
  const [base, low] = /^[ce]_\w+$/.test(name) ? name.split("_") : [name, ""];
  ctx.globalAlpha = faint ? 0.75 : 1;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  const size = main ? 15 : 13;
  ctx.font = `600 ${size}px sans-serif`;
  if (kind === "e") [x, y] = [x - 24 - 9 * low.length, y + 22]; // below and left, so that it can be told from its target's
  outlined(ctx, base, x + 11, y - 8);
  if (low) {
    const after = x + 11 + ctx.measureText(base).width;
    ctx.font = `600 ${size - 4}px sans-serif`;
    outlined(ctx, low, after + 1, y - 4);
  }
  ctx.globalAlpha = 1;
}

/** @param {Context} ctx @param {string} words @param {number} x @param {number} y */
function outlined(ctx, words, x, y) {
  ctx.strokeStyle = "rgba(20,22,30,0.8)";
  ctx.lineWidth = 3;
  ctx.strokeText(words, x, y);
  ctx.fillStyle = "#ffffff";
  ctx.fillText(words, x, y);
}

/** @param {Context} ctx @param {Picture} picture */
function drawColourBar(ctx, { frame, theme, ramp, ticks, scale }) {
  const [x, top, width, height] = [frame.left + frame.side + 12, frame.top, 12, frame.side];
  const steps = 64;
  const colours = rampBytes(ramp);
  for (let i = 0; i < steps; i++) {
    const at = 4 * Math.round((255 * (i + 0.5)) / steps);
    ctx.fillStyle = `rgb(${colours[at]},${colours[at + 1]},${colours[at + 2]})`;
    ctx.fillRect(x, top + height - ((i + 1) * height) / steps, width, height / steps + 0.6);
  }
  ctx.fillStyle = theme.quiet;
  ctx.strokeStyle = theme.frame;
  ctx.lineWidth = 1;
  ctx.font = "11px sans-serif";
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  for (const { at, label } of ticks) {
    const y = top + height * (1 - at);
    line(ctx, x + width, y, x + width + 4, y);
    ctx.fillText(label, x + width + 6, y);
  }
  ctx.textBaseline = "top";
  const kind = scale.kind === "linear" ? "loss" : `loss (${scale.kind})`;
  ctx.fillText(kind, x, top + height + 7);
}

/** Begin the path of a line with an arrow's head at its end. @param {Context} ctx @param {number} x @param {number} y @param {number} endX @param {number} endY @param {number} size of the head */
function traceArrow(ctx, x, y, endX, endY, size) {
  const angle = Math.atan2(endY - y, endX - x);
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(endX, endY);
  for (const side of [-0.5, 0.5]) {
    ctx.moveTo(endX, endY);
    ctx.lineTo(endX - size * Math.cos(angle + side), endY - size * Math.sin(angle + side));
  }
}

/** Stroke the path over a wider edge, so that it is seen on any ground. @param {Context} ctx @param {string} colour @param {number} width @param {string} edge @param {number} edgeWidth */
function strokeEdged(ctx, colour, width, edge, edgeWidth) {
  ctx.strokeStyle = edge;
  ctx.lineWidth = edgeWidth;
  ctx.stroke();
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.stroke();
}

/** @param {Context} ctx @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
function line(ctx, x0, y0, x1, y1) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

/** @param {number} value */
function text(value) {
  return String(Number(value.toPrecision(6)));
}
