/* One frame of a film: the player's picture with title, epoch, legend and a time line, on one canvas. */

import { canvasOf } from "./axes.mjs";
import { make } from "../common/dom.mjs";
import { THEMES } from "../player/colours.mjs";

const FONT = 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const EDGE = 24; // CSS pixels around everything
const HEAD = 64; // of the title
const FOOT = 56; // of the time line
const LEGEND = 184; // width of the legend
const WIDE = 860; // CSS pixels from which there is one
const ROW = 22;

export class Sheet {
  /** @param {Record<string, any>} page title, subtitle, size and options of the film @param {HTMLElement} stage */
  constructor(page, stage) {
    const { width, height, density } = page;
    this.page = page;
    this.density = density;
    this.width = width / density; // CSS pixels, as all that follows
    this.height = height / density;
    this.theme = THEMES[page.options.theme];
    this.hasLegend = this.width >= WIDE;
    const right = this.hasLegend ? LEGEND + EDGE : EDGE - 12;
    this.stage = { left: EDGE - 12, top: HEAD - 20, width: 0, height: 0 }; // the axes have margins of their own
    this.stage.width = this.width - this.stage.left - right;
    this.stage.height = this.height - this.stage.top - FOOT;
    for (const [name, value] of Object.entries(this.stage)) stage.style[name] = `${value}px`;
    stage.style.color = this.theme.text;
    this.canvas = make("canvas", { width, height });
    this.context = this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  }

  /** @param {import("../player/main.mjs").Player} player with its axes already drawn */
  begin(player) {
    this.player = player;
    player.draw();
    this.still = this._still();
  }

  /** The frame that the player shows now. @returns {Uint8ClampedArray} RGBA, row by row */
  draw() {
    const { context, canvas, player } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.still, 0, 0);
    this._layer(context, player.stage.canvas);
    this._layer(context, player.stage.overlay.canvas);
    context.scale(this.density, this.density);
    this._time(context);
    if (this.hasLegend) this._legend(context);
    return context.getImageData(0, 0, canvas.width, canvas.height).data;
  }

  /** One of the player's canvases, pixel on pixel. @param {CanvasRenderingContext2D} context @param {HTMLCanvasElement} layer */
  _layer(context, layer) {
    const { left, top } = this.player.stage.view;
    const x = Math.round((this.stage.left + left) * this.density);
    const y = Math.round((this.stage.top + top) * this.density);
    context.drawImage(layer, x, y);
  }

  /** The parts that are the same in every frame. */
  _still() {
    const { width, height, density, page, theme, player } = this;
    const still = make("canvas", this._size());
    const context = still.getContext("2d", { alpha: false });
    context.fillStyle = theme.page;
    context.fillRect(0, 0, still.width, still.height);
    const axesCanvas = canvasOf(player.stage.plot);
    context.drawImage(axesCanvas, Math.round(this.stage.left * density), Math.round(this.stage.top * density));
    context.scale(density, density);
    const room = width - 2 * EDGE - 130;
    text(context, page.title, EDGE, 30, `650 20px ${FONT}`, theme.text, room);
    text(context, page.subtitle, EDGE, 52, `13px ${FONT}`, theme.quiet, room);
    this.line = { left: EDGE + 32, right: width - EDGE, y: height - 30 };
    const { line } = this;
    context.strokeStyle = theme.frame;
    context.lineWidth = 3;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(line.left, line.y);
    context.lineTo(line.right, line.y);
    context.stroke();
    context.textAlign = "center";
    const { epochs } = player.data.frames;
    let last = -Infinity;
    epochs.forEach((epoch, t) => {
      const x = this._along(t);
      if (!Number.isInteger(epoch) || x - last < 28) return;
      last = x;
      text(context, `${epoch}`, x, line.y + 20, `11px ${FONT}`, theme.quiet);
    });
    context.textAlign = "left";
    text(context, "epoch", EDGE - 8, line.y + 4, `11px ${FONT}`, theme.quiet);
    return still;
  }

  _size() {
    return { width: this.canvas.width, height: this.canvas.height };
  }

  /** @param {number} time in snapshots */
  _along(time) {
    const { left, right } = this.line;
    const { last } = this.player.timeline;
    return left + (last ? time / last : 1) * (right - left);
  }

  /** @param {CanvasRenderingContext2D} context */
  _time(context) {
    const { line, theme, player, width } = this;
    const at = this._along(player.state.time);
    context.strokeStyle = context.fillStyle = theme.text;
    context.lineWidth = 3;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(line.left, line.y);
    context.lineTo(at, line.y);
    context.stroke();
    context.beginPath();
    context.arc(at, line.y, 6, 0, 2 * Math.PI);
    context.fill();
    context.textAlign = "right";
    text(context, `epoch ${player.epoch.toFixed(2)}`, width - EDGE, 32, `650 20px ${FONT}`, theme.text);
    context.textAlign = "left";
  }

  /** @param {CanvasRenderingContext2D} context */
  _legend(context) {
    const { player, theme, height } = this;
    const legend = player.legend();
    const left = this.width - LEGEND - EDGE + 16;
    const room = LEGEND - 16;
    let y = HEAD + 24;
    text(context, legend.title, left, y, `12px ${FONT}`, theme.quiet, room);
    y += ROW;
    if (legend.ramp) {
      this._ramp(context, legend, left, y - 10, room);
      return;
    }
    const entries = legend.entries ?? legend.classes;
    const most = Math.floor((height - FOOT - 40 - y) / ROW);
    for (const { name, colour } of entries.slice(0, entries.length > most ? most - 1 : most)) {
      dot(context, left + 5, y - 4, colour);
      text(context, name, left + 18, y, `13px ${FONT}`, theme.text, room - 18);
      y += ROW;
    }
    if (entries.length > most) text(context, `and ${entries.length - most + 1} more`, left + 18, y, `13px ${FONT}`, theme.quiet);
  }

  /**
   * @param {CanvasRenderingContext2D} context @param {import("../player/colours.mjs").LegendContent} legend
   * @param {number} left @param {number} top @param {number} width
   */
  _ramp(context, { ramp, low, high }, left, top, width) {
    const gradient = context.createLinearGradient(left, 0, left + width, 0);
    ramp.forEach((colour, i) => gradient.addColorStop(i / (ramp.length - 1), colour));
    context.fillStyle = gradient;
    context.fillRect(left, top, width, 8);
    text(context, low.toPrecision(3), left, top + 24, `12px ${FONT}`, this.theme.text);
    context.textAlign = "right";
    text(context, high.toPrecision(3), left + width, top + 24, `12px ${FONT}`, this.theme.text);
    context.textAlign = "left";
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {string} colour */
function dot(context, x, y, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, 5, 0, 2 * Math.PI);
  context.fill();
}

/**
 * A line of text, cut off where there is no more room.
 * @param {CanvasRenderingContext2D} context @param {string} words @param {number} x @param {number} y
 * @param {string} font @param {string} colour @param {number} [room] pixels
 */
function text(context, words, x, y, font, colour, room = Infinity) {
  context.font = font;
  context.fillStyle = colour;
  let line = words;
  while (line.length > 1 && context.measureText(line).width > room) line = `${line.slice(0, -2).trimEnd()}…`;
  context.fillText(line, x, y);
}
