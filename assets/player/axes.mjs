/* Plotly's part of the picture: axes of equal scale, zoom, pan and lasso, in a transparent figure without points. */

/**
 * Where the picture lies on the host, CSS pixels, and the ranges of its axes.
 * @typedef {{left: number, top: number, width: number, height: number, x: number[], y: number[]}} AxisWindow
 */
/** @typedef {{x: number[], y: number[]}} Polygon the corners, in the axes' numbers */
/**
 * The part of Plotly that is used here; export/axes.mjs has the same functions.
 * @typedef {object} PlotlyLike
 * @property {(host: HTMLElement, traces: object[], layout: object, config: object) => Promise<unknown>} react
 * @property {(host: HTMLElement, update: object) => Promise<unknown>} relayout
 * @property {(host: HTMLElement) => void} purge
 * @property {{resize: (host: HTMLElement) => Promise<unknown>}} Plots
 */

const MARGIN = { l: 44, r: 12, t: 28, b: 30 }; // t: room for Plotly's buttons
const BUTTONS = [
  ["pan2d", "zoom2d", "lasso2d", "select2d"],
  ["zoomIn2d", "zoomOut2d", "resetScale2d"],
];

export class Axes {
  /**
   * @param {HTMLElement} host
   * @param {PlotlyLike} Plotly
   * @param {{moved: () => void, selected: (polygon: Polygon | null) => void}} callbacks
   */
  constructor(host, Plotly, callbacks) {
    this.host = host;
    this.Plotly = Plotly;
    this.callbacks = callbacks;
    /** @type {import("./colours.mjs").Theme | null} */
    this.theme = null;
    this.box = [0, 0, 1, 1];
    this.readable = true; // whether axis numbers are drawn: they mean nothing while the camera follows the scale
    /** @type {AxisWindow} */
    this.window = { left: 0, top: 0, width: 0, height: 0, x: [0, 1], y: [0, 1] };
    this.ready = false;
  }

  /** Make the figure or draw it again; the host must have a size. @param {import("./colours.mjs").Theme} theme */
  async draw(theme) {
    this.theme = theme;
    const first = !this.ready;
    const config = {
      displaylogo: false,
      scrollZoom: true,
      doubleClick: "reset",
      modeBarButtons: BUTTONS,
      displayModeBar: "hover",
      responsive: false, // the player watches its own size
    };
    await this.Plotly.react(this.host, [{ x: [], y: [], mode: "markers" }], this._layout(), config);
    const [xMin, yMin, xMax, yMax] = this.box;
    const layout = this.host._fullLayout; // where Plotly keeps the first box it drew, to go back to
    Object.assign(layout?.xaxis ?? {}, { _rangeInitial0: xMin, _rangeInitial1: xMax });
    Object.assign(layout?.yaxis ?? {}, { _rangeInitial0: yMin, _rangeInitial1: yMax });
    this.ready = true;
    if (first) {
      this.host.on("plotly_relayouting", () => this.callbacks.moved());
      this.host.on("plotly_relayout", () => this.callbacks.moved());
      this.host.on("plotly_selected", (event) => this._onSelected(event));
      this.host.on("plotly_deselect", () => this.callbacks.selected(null));
    }
    this.callbacks.moved();
  }

  _layout() {
    const { theme, box } = this;
    const axis = {
      showgrid: false,
      zeroline: false,
      showline: true,
      mirror: true,
      linecolor: theme.frame,
      linewidth: 1,
      ticks: this.readable ? "outside" : "",
      ticklen: 4,
      tickcolor: theme.frame,
      tickfont: { size: 11, color: theme.quiet },
      showticklabels: this.readable,
      nticks: 8,
      automargin: false,
    };
    return {
      margin: MARGIN,
      autosize: true,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" },
      showlegend: false,
      hovermode: false,
      dragmode: this.host._fullLayout?.dragmode ?? "pan",
      modebar: { bgcolor: "rgba(0,0,0,0)", color: theme.quiet, activecolor: theme.text },
      newselection: { line: { color: theme.text, width: 1, dash: "dot" } },
      uirevision: box.join(), // zoom stays when only colours change, and goes when the box does
      xaxis: { ...axis, range: [box[0], box[2]] },
      yaxis: { ...axis, range: [box[1], box[3]], scaleanchor: "x", scaleratio: 1 },
    };
  }

  /**
   * Show a box and come back to it on a double click.
   * @param {number[]} box [xmin, ymin, xmax, ymax]
   * @param {boolean} readable whether axis numbers are drawn
   */
  setBox(box, readable) {
    this.box = box;
    this.readable = readable;
    return this.ready ? this.draw(this.theme) : undefined;
  }

  /** Take over the host's new size. */
  resize() {
    if (!this.ready || !this.host.clientWidth || !this.host.clientHeight) return;
    const { clientWidth: width, clientHeight: height } = this.host;
    const { _fullLayout: layout } = this.host;
    if (layout.width === width && layout.height === height) return;
    this.Plotly.Plots.resize(this.host).then(
      () => this.callbacks.moved(),
      () => {},
    ); // rejected while hidden, when there is nothing to draw
  }

  /** Where the picture lies and what its axes show, read from Plotly. @returns {AxisWindow} the same object at every call */
  read() {
    const layout = this.ready ? this.host._fullLayout : null;
    if (!layout?.xaxis) return this.window;
    const { window } = this;
    window.left = layout.xaxis._offset;
    window.width = layout.xaxis._length;
    window.top = layout.yaxis._offset;
    window.height = layout.yaxis._length;
    window.x[0] = Number(layout.xaxis.range[0]);
    window.x[1] = Number(layout.xaxis.range[1]);
    window.y[0] = Number(layout.yaxis.range[0]);
    window.y[1] = Number(layout.yaxis.range[1]);
    return window;
  }

  /** A lasso or a rectangle is complete; its outline is removed, since the points move on under it. */
  _onSelected(event) {
    if (!event) return;
    const { lassoPoints: lasso, range } = event;
    const shape = lasso ? { x: lasso.x, y: lasso.y } : range && rectangle(range.x, range.y);
    if (!shape) return;
    this.callbacks.selected(shape);
    this.Plotly.relayout(this.host, { selections: [] });
  }

  remove() {
    if (this.ready) this.Plotly.purge(this.host);
    this.ready = false;
  }
}

function rectangle([left, right], [low, high]) {
  return { x: [left, right, right, left], y: [low, low, high, high] };
}
