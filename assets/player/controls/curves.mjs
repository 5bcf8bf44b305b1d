/* One cursor for all curves over epochs; a click on a curve goes to its epoch. */

import { make } from "../../common/dom.mjs";

const FIRST_DRAW_MS = 300; // between two looks for graphs that Dash has drawn

let pendingFrame = 0; // of requestAnimationFrame, 0 for none
let currentEpoch = 0;

/** @typedef {{x: number[], y: number[], meta?: {epochs?: number[]}}} Trace */
/** @typedef {HTMLElement & {data?: Trace[], layout?: {xaxis?: {title?: {text?: string}}}}} Graph a figure of Plotly */

const graphs = () => /** @type {Graph[]} */ ([...document.querySelectorAll(".explore-curve .js-plotly-plot")]);
/** @param {Graph} graph */
const isOverEpochs = (graph) => graph.layout?.xaxis?.title?.text === "epoch";

/** Move the cursors of all curves to an epoch, at most once a frame. @param {number} epoch */
export function drawCursors(epoch) {
  currentEpoch = epoch;
  pendingFrame ||= requestAnimationFrame(() => {
    pendingFrame = 0;
    for (const graph of graphs()) (isOverEpochs(graph) ? placeLine : placeDot)(graph, currentEpoch);
  });
}

/** A line over the plot; an element of its own, since a relayout in every frame is too slow. @param {Graph} graph @param {number} epoch */
function placeLine(graph, epoch) {
  const axis = graph._fullLayout?.xaxis;
  if (!axis?._length) return;
  const x = axis._offset + axis.d2p(epoch);
  placeCursor(graph, x, graph._fullLayout._size.t, 0, graph._fullLayout._size.h);
}

/** A dot on the curve of rho against sigma. @param {Graph} graph @param {number} epoch */
function placeDot(graph, epoch) {
  const { xaxis, yaxis } = graph._fullLayout ?? {};
  const [trace] = graph.data ?? [];
  const epochs = trace?.meta?.epochs;
  if (!xaxis?._length || !epochs?.length || !trace) return;
  const after = epochs.findIndex((value) => value >= epoch);
  const i = after < 0 ? epochs.length - 1 : after;
  const from = Math.max(0, i - 1);
  const share = i === from ? 0 : (epoch - epochs[from]) / (epochs[i] - epochs[from]);
  /** @type {(values: number[], axis: PlotlyLayout["xaxis"]) => number} */
  const at = (values, axis) => axis._offset + axis.d2p(values[from]) * (1 - share) + axis.d2p(values[i]) * share;
  placeCursor(graph, at(trace.x, xaxis), at(trace.y, yaxis), 8, 8);
}

/** @param {Graph} graph @param {number} x @param {number} y @param {number} width 0: a line @param {number} height */
function placeCursor(graph, x, y, width, height) {
  /** @type {HTMLElement | null} */
  let cursor = graph.querySelector(":scope > .curve-cursor");
  if (!cursor) {
    cursor = make("div");
    graph.style.position = "relative";
    graph.append(cursor);
  }
  cursor.className = width ? "curve-cursor curve-dot" : "curve-cursor";
  Object.assign(cursor.style, { left: `${x - width / 2}px`, top: `${y - (width ? height / 2 : 0)}px`, height: `${height}px` });
}

/** @param {(epoch: number) => void} go @returns {() => void} stop listening */
export function listenToCurves(go) {
  const withListeners = new WeakSet();
  const onClick = ({ points: [point] }) => go(Number(point.data.meta?.epochs?.[point.pointNumber] ?? point.x));
  const poll = setInterval(() => {
    for (const graph of graphs()) {
      if (withListeners.has(graph) || !graph.on) continue;
      withListeners.add(graph);
      graph.on("plotly_click", onClick);
      graph.on("plotly_afterplot", () => drawCursors(currentEpoch));
      graph.dataset.listens = ""; // a click goes to its epoch from now on
      drawCursors(currentEpoch);
    }
  }, FIRST_DRAW_MS);
  return () => clearInterval(poll);
}
