/* Axes without Plotly: the few of its functions that player/axes.mjs calls, drawn on a canvas, with zoom and pan.
 *
 *   mount(element, { plotly: axes });
 *
 * Equal scale on both axes, as in Plotly: a box is widened until it fills the element. No lasso.
 */

import { make } from "../common/dom.mjs";

const PER_WHEEL = 0.0016; // of the zoom, a pixel of the wheel
const CLOSEST = 1e-5; // share of the whole box that is shown when closest
const FARTHEST = 20; // and when farthest
const TICKS = 8; // at most about so many

/** As Plotly.react: make the axes of an element or bring them up to date; the traces are ignored. */
export async function react(host, _traces, layout) {
  host.axes ??= new Axes(host);
  host.axes.show(layout);
}

/** As Plotly.relayout; there are no selections to clear. */
export async function relayout() {}

/** As Plotly.purge. */
export function purge(host) {
  host.axes?.remove();
  delete host.axes;
}

export const Plots = {
  async resize(host) {
    host.axes?.resize();
  },
};

/** The axes of one element, with zoom and pan. */
class Axes {
  constructor(host) {
    this.host = host;
    this.canvas = make("canvas", { style: { position: "absolute", left: 0, top: 0, "pointer-events": "none" } });
    host.append(this.canvas);
    host.style.touchAction = "none";
    this.listeners = {};
    host.on = (event, listener) => (this.listeners[event] ??= []).push(listener);
    this.revision = null;
    this.pointers = new Map(); // those that are down, by id
    this.stop = new AbortController();
    const listen = (event, listener, options) =>
      host.addEventListener(event, listener, { signal: this.stop.signal, ...options });
    listen("pointerdown", (event) => this._down(event));
    listen("pointermove", (event) => this._move(event));
    for (const event of ["pointerup", "pointercancel"]) listen(event, (event) => this._up(event));
    listen("wheel", (event) => this._wheel(event), { passive: false });
    listen("dblclick", () => this.reset());
  }

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

  /** Show these ranges, and more in the direction that has room. */
  _fit([left, right], [low, high]) {
    const { width, height } = this.inner;
    const scale = Math.max((right - left) / width, (high - low) / height);
    const [x, y] = [(left + right) / 2, (low + high) / 2];
    this._setView([x - (scale * width) / 2, x + (scale * width) / 2], [y - (scale * height) / 2, y + (scale * height) / 2]);
  }

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

  _emit(event) {
    this.draw();
    for (const listener of this.listeners[event] ?? []) listener();
  }

  // The pointer

  _down(event) {
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.host.setPointerCapture(event.pointerId);
  }

  /** One pointer moves the picture, two move and stretch it. */
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

  _up(event) {
    if (this.pointers.delete(event.pointerId)) this._emit("plotly_relayout");
  }

  _wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    this._zoom(Math.exp(pixels * PER_WHEEL), event.clientX, event.clientY);
    this._emit("plotly_relayout");
  }

  _pan(right, down) {
    const { x, y } = this.view;
    const perPixel = (x[1] - x[0]) / this.inner.width;
    this._setView(
      x.map((value) => value - right * perPixel),
      y.map((value) => value + down * perPixel),
    );
  }

  /** Show so many times as much, around a point of the page. */
  _zoom(times, clientX, clientY) {
    const { inner, view, layout } = this;
    const { left, top } = this.host.getBoundingClientRect();
    const whole = layout.xaxis.range[1] - layout.xaxis.range[0];
    const share = (view.x[1] - view.x[0]) / whole;
    const by = Math.max(CLOSEST, Math.min(FARTHEST, share * times)) / share;
    const x = view.x[0] + ((clientX - left - inner.left) / inner.width) * (view.x[1] - view.x[0]);
    const y = view.y[1] - ((clientY - top - inner.top) / inner.height) * (view.y[1] - view.y[0]);
    this._setView(
      view.x.map((value) => x + by * (value - x)),
      view.y.map((value) => y + by * (value - y)),
    );
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
    const foot = edge.top + edge.height;
    const { x, y } = this.view;
    context.beginPath();
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const { value, text } of ticks(x[0], x[1], inner.width)) {
      const at = Math.round(inner.left + ((value - x[0]) / (x[1] - x[0])) * inner.width) + 0.5;
      context.moveTo(at, foot);
      context.lineTo(at, foot + ticklen);
      context.fillText(text, at, foot + ticklen + 3);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { value, text } of ticks(y[0], y[1], inner.height)) {
      const at = Math.round(inner.top + ((y[1] - value) / (y[1] - y[0])) * inner.height) + 0.5;
      context.moveTo(edge.left, at);
      context.lineTo(edge.left - ticklen, at);
      context.fillText(text, edge.left - ticklen - 3, at);
    }
    context.stroke();
  }

  remove() {
    this.stop.abort();
    this.canvas.remove();
  }
}

/** Round values from low to high, at most one every 60 pixels, as text. */
export function ticks(low, high, pixels) {
  const least = (high - low) / Math.max(1, Math.min(TICKS, pixels / 60));
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const marks = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) {
    const value = n * step;
    const large = Math.abs(value) >= 1e5 || decimals > 6;
    const text = large ? value.toExponential(1) : (n === 0 ? 0 : value).toFixed(decimals);
    marks.push({ value, text: text.replace("-", "\u2212") });
  }
  return marks;
}
