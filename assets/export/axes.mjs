/* Axes without Plotly: the few of its functions that player/axes.mjs calls, drawn on a canvas, with zoom and pan.
 *
 *   mount(element, { plotly: axes });
 *
 * Equal scale on both axes, as in Plotly: a box is widened until it fills the element. No lasso.
 */

import { make } from "../common/dom.mjs";
import { roundNumbers } from "../common/numbers.mjs";

const PER_WHEEL = 0.0016; // of the zoom, a pixel of the wheel
const CLOSEST = 1e-5; // share of the whole box that is shown when closest
const FARTHEST = 20; // and when farthest
const TICKS = 8; // at most about so many

/** @type {WeakMap<HTMLElement, Axes>} by the element that they are in */
const AXES = new WeakMap();

/** The canvas that the axes of an element are drawn on. @param {HTMLElement} host */
export const canvasOf = (host) => AXES.get(host).canvas;

/**
 * As Plotly.react: make the axes of an element or bring them up to date; the traces are ignored.
 * @param {HTMLElement} host @param {object[]} _traces @param {Layout} layout
 */
export function react(host, _traces, layout) {
  if (!AXES.has(host)) AXES.set(host, new Axes(host));
  AXES.get(host).show(layout);
  return Promise.resolve();
}

/** As Plotly.relayout; there are no selections to clear. */
export function relayout() {
  return Promise.resolve();
}

/** As Plotly.purge. @param {HTMLElement} host */
export function purge(host) {
  AXES.get(host)?.remove();
  AXES.delete(host);
}

export const Plots = {
  /** @param {HTMLElement} host */
  resize(host) {
    AXES.get(host)?.resize();
    return Promise.resolve();
  },
};

/** @typedef {[low: number, high: number]} Range */
/**
 * The part of Plotly's layout that is drawn.
 * @typedef {object} Layout
 * @property {string} uirevision of the box that is shown; another one shows the whole box
 * @property {{l: number, r: number, t: number, b: number}} margin
 * @property {{family: string}} font
 * @property {{range: Range}} yaxis
 * @property {{range: Range, linecolor: string, tickcolor: string, tickfont: {size: number, color: string}, showticklabels: boolean, ticklen: number}} xaxis
 */

/** The axes of one element, with zoom and pan. */
class Axes {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.host = host;
    this.canvas = make("canvas", { style: { position: "absolute", left: 0, top: 0, "pointer-events": "none" } });
    host.append(this.canvas);
    host.style.touchAction = "none";
    /** @type {Record<string, ((event?: unknown) => void)[]>} */
    this.listeners = {};
    /** @type {{x: Range, y: Range} | null} what the axes show */
    this.view = null;
    host.on = (event, listener) => (this.listeners[event] ??= []).push(listener);
    /** @type {string | null} */
    this.revision = null;
    /** @type {Map<number, {x: number, y: number}>} those that are down, by id */
    this.pointers = new Map();
    this.stop = new AbortController();
    const listen = (event, listener, options) =>
      host.addEventListener(event, listener, { signal: this.stop.signal, ...options });
    listen("pointerdown", (event) => this._down(event));
    listen("pointermove", (event) => this._move(event));
    for (const event of ["pointerup", "pointercancel"]) listen(event, (event) => this._up(event));
    listen("wheel", (event) => this._wheel(event), { passive: false });
    listen("dblclick", () => this.reset());
  }

  /** @param {Layout} layout */
  show(layout) {
    this.layout = layout;
    const isNew = layout.uirevision !== this.revision;
    this.revision = layout.uirevision;
    this._measure();
    if (isNew) this._showAll();
    this.draw();
  }

  resize() {
    const { x, y } = this.view;
    this._measure();
    this._fit(x, y);
    this.draw();
  }

  /** Back to the whole box. */
  reset() {
    this._showAll();
    this._emit("plotly_relayout");
  }

  _showAll() {
    const { xaxis, yaxis } = this.layout;
    this._fit(xaxis.range, yaxis.range);
  }

  _measure() {
    const { l, r, t, b } = this.layout.margin;
    const { clientWidth, clientHeight } = this.host;
    this.width = clientWidth;
    this.height = clientHeight;
    this.inner = { left: l, top: t, width: Math.max(1, clientWidth - l - r), height: Math.max(1, clientHeight - t - b) };
    if (this.view) this._publish();
  }

  /** Show these ranges, and more in the direction that has room. @param {Range} x @param {Range} y */
  _fit([left, right], [low, high]) {
    const { width, height } = this.inner;
    const scale = Math.max((right - left) / width, (high - low) / height);
    const [x, y] = [(left + right) / 2, (low + high) / 2];
    this._setView([x - (scale * width) / 2, x + (scale * width) / 2], [y - (scale * height) / 2, y + (scale * height) / 2]);
  }

  /** @param {Range} x @param {Range} y */
  _setView(x, y) {
    this.view = { x, y };
    this._publish();
  }

  /** Put size and ranges where player/axes.mjs reads them, as Plotly does. */
  _publish() {
    const { left, top, width, height } = this.inner;
    this.host._fullLayout = {
      width: this.width,
      height: this.height,
      dragmode: "pan",
      xaxis: { _offset: left, _length: width, range: this.view.x },
      yaxis: { _offset: top, _length: height, range: this.view.y },
    };
  }

  /** @param {string} event */
  _emit(event) {
    this.draw();
    for (const listener of this.listeners[event] ?? []) listener();
  }

  // The pointer

  /** @param {PointerEvent} event */
  _down(event) {
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.host.setPointerCapture(event.pointerId);
  }

  /** One pointer moves the picture, two move and stretch it. @param {PointerEvent} event */
  _move(event) {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) return;
    const others = [...this.pointers.values()].filter((other) => other !== pointer);
    const share = 1 / this.pointers.size;
    this._pan((event.clientX - pointer.x) * share, (event.clientY - pointer.y) * share);
    if (others.length === 1) {
      const [other] = others;
      const before = Math.hypot(pointer.x - other.x, pointer.y - other.y);
      const after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
      if (before > 0 && after > 0) this._zoom(before / after, (event.clientX + other.x) / 2, (event.clientY + other.y) / 2);
    }
    Object.assign(pointer, { x: event.clientX, y: event.clientY });
    this._emit("plotly_relayouting");
  }

  /** @param {PointerEvent} event */
  _up(event) {
    if (this.pointers.delete(event.pointerId)) this._emit("plotly_relayout");
  }

  /** @param {WheelEvent} event */
  _wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    this._zoom(Math.exp(pixels * PER_WHEEL), event.clientX, event.clientY);
    this._emit("plotly_relayout");
  }

  /** @param {number} right pixels @param {number} down */
  _pan(right, down) {
    const { x, y } = this.view;
    const perPixel = (x[1] - x[0]) / this.inner.width;
    this._setView(move(x, -right * perPixel), move(y, down * perPixel));
  }

  /** Show so many times as much, around a point of the page. @param {number} times @param {number} clientX @param {number} clientY */
  _zoom(times, clientX, clientY) {
    const { inner, view, layout } = this;
    const { left, top } = this.host.getBoundingClientRect();
    const whole = layout.xaxis.range[1] - layout.xaxis.range[0];
    const share = (view.x[1] - view.x[0]) / whole;
    const by = Math.max(CLOSEST, Math.min(FARTHEST, share * times)) / share;
    const x = view.x[0] + ((clientX - left - inner.left) / inner.width) * (view.x[1] - view.x[0]);
    const y = view.y[1] - ((clientY - top - inner.top) / inner.height) * (view.y[1] - view.y[0]);
    this._setView(stretch(view.x, by, x), stretch(view.y, by, y));
  }

  // Drawing

  draw() {
    const { canvas, inner, width, height, layout } = this;
    const density = devicePixelRatio || 1;
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    const context = canvas.getContext("2d");
    context.scale(density, density);
    const { linecolor, tickcolor, tickfont, showticklabels, ticklen } = layout.xaxis;
    const edge = { left: inner.left - 0.5, top: inner.top - 0.5, width: inner.width + 1, height: inner.height + 1 };
    context.strokeStyle = linecolor;
    context.strokeRect(edge.left, edge.top, edge.width, edge.height);
    if (!showticklabels) return;
    context.strokeStyle = tickcolor;
    context.fillStyle = tickfont.color;
    context.font = `${tickfont.size}px ${layout.font.family}`;
    this._drawTicks(context, edge, ticklen);
  }

  /**
   * The numbers under the frame and left of it.
   * @param {CanvasRenderingContext2D} context @param {{left: number, top: number, height: number}} edge
   * @param {number} length
   */
  _drawTicks(context, edge, length) {
    const { inner, view } = this;
    const foot = edge.top + edge.height;
    const { x, y } = view;
    context.beginPath();
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const { value, text } of ticks(x[0], x[1], inner.width)) {
      const at = Math.round(inner.left + ((value - x[0]) / (x[1] - x[0])) * inner.width) + 0.5;
      context.moveTo(at, foot);
      context.lineTo(at, foot + length);
      context.fillText(text, at, foot + length + 3);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { value, text } of ticks(y[0], y[1], inner.height)) {
      const at = Math.round(inner.top + ((y[1] - value) / (y[1] - y[0])) * inner.height) + 0.5;
      context.moveTo(edge.left, at);
      context.lineTo(edge.left - length, at);
      context.fillText(text, edge.left - length - 3, at);
    }
    context.stroke();
  }

  remove() {
    this.stop.abort();
    this.canvas.remove();
  }
}

/** @param {Range} range @param {number} by @returns {Range} */
const move = ([low, high], by) => [low + by, high + by];

/** @param {Range} range @param {number} by @param {number} around what stays where it is @returns {Range} */
const stretch = ([low, high], by, around) => [around + by * (low - around), around + by * (high - around)];

/** Round values from low to high, at most one every 60 pixels, as text. @param {number} low @param {number} high @param {number} pixels */
function ticks(low, high, pixels) {
  const { step, values } = roundNumbers(low, high, Math.max(1, Math.min(TICKS, pixels / 60)));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return values.map((value) => {
    const large = Math.abs(value) >= 1e5 || decimals > 6;
    const text = large ? value.toExponential(1) : (value || 0).toFixed(decimals);
    return { value, text: text.replace("-", "\u2212") };
  });
}
