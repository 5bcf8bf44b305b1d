/* One landscape on the page: its canvas with the drawing, and its pointer and keyboard events. */

import { make } from "../common/dom.mjs";
import { THEMES, pageOf, themeOf } from "../player/colours.mjs";
import { contours } from "./contours.mjs";
import { draw, frameOf, heatMap, toPlace, toScreen } from "./drawing.mjs";
import { pairs } from "./scene.mjs";

const NEAR = 16; // pixels within which the pointer takes a point
const LONGEST = 70; // pixels of the longest arrow
const NUDGE = 1 / 100; // of the box's width that an arrow key moves a point

/** @typedef {import("./state.mjs").Place} Place */
/** @typedef {import("./scene.mjs").PointId} PointId */
/** @typedef {{e: Place[], c: Place[]}} Forces */
/**
 * The events of a panel.
 * @typedef {object} Listener
 * @property {(kind: "e" | "c", index: number, place: Place, done: boolean) => void} moved
 * @property {(kind: "e" | "c", index: number) => void} picked
 * @property {(box: number[], done: boolean) => void} framed
 * @property {(place: Place | null) => void} pointed
 * @property {() => void} fit
 */

export class Panel {
  /** @param {HTMLElement} host @param {string[]} ramp @param {Listener} listener */
  constructor(host, ramp, listener) {
    this.listener = listener;
    this.canvas = make("canvas", { role: "img" });
    this.points = make("div", { class: "lab-points" });
    this.problem = make("div", { class: "lab-problem" });
    this.element = make("div", { class: "lab-panel" }, this.canvas, this.points, this.problem);
    host.append(this.element);
    /** @type {HTMLButtonElement[]} */
    this.buttons = []; // over each point
    /** @type {import("./drawing.mjs").Picture} */
    this.picture = { ramp, points: [], arrows: [], trails: [], contours: [], ticks: [], shows: new Set(), image: null };
    /** @type {Forces | null} */
    this.forces = null;
    /** @type {PointId | {pan: Place} | null} */
    this.drag = null; // the point, or the place, that the pointer holds
    this.listen();
  }

  remove() {
    this.element.remove();
  }

  /**
   * A new landscape.
   * @param {import("./scene.mjs").Landscape} landscape
   * @param {number[]} box of its grid
   */
  setLandscape({ about, arrays }, box) {
    const { picture } = this;
    this.problem.textContent = about.error ?? about.problem ?? "";
    if (!about.computed) {
      picture.image = this.forces = null;
      return;
    }
    const { n } = about.computed;
    const ticks = about.ticks.map((label, i) => ({ label, at: arrays.ticks[i] }));
    Object.assign(picture, {
      image: heatMap(arrays.positions, n, picture.ramp),
      n,
      mapBox: box,
      values: arrays.values,
      contours: contours(arrays.positions, n, [...arrays.levels]),
      ticks: ticks.filter(({ at }) => at >= -0.001 && at <= 1.001),
      scale: about.scale,
      equilibrium: about.rest.at,
      field: arrays.arrows ? { at: arrays.arrows_at, force: arrays.arrows } : null,
    });
    this.forces = arrays.force_e ? { e: pairs(arrays.force_e), c: pairs(arrays.force_c) } : null;
  }

  /** The value of the landscape at a place, between the grid's values; NaN outside. @param {Place} place */
  valueAt([x, y]) {
    const { mapBox: box, n, values } = this.picture;
    if (!values) return NaN;
    const column = ((x - box[0]) / (box[2] - box[0])) * (n - 1);
    const row = ((y - box[1]) / (box[3] - box[1])) * (n - 1);
    const [j, i] = [Math.min(n - 2, Math.floor(column)), Math.min(n - 2, Math.floor(row))];
    if (!(column >= 0 && column <= n - 1 && row >= 0 && row <= n - 1)) return NaN;
    const [s, t] = [column - j, row - i];
    const at = i * n + j;
    return (1 - t) * ((1 - s) * values[at] + s * values[at + 1]) + t * ((1 - s) * values[at + n] + s * values[at + n + 1]);
  }

  /** Arrows for the forces on all points; dashed ones for another loss's. @param {Forces | null} other */
  setArrows(other) {
    const { points } = this.picture;
    const own = this.forces ? arrowsOf(points, this.forces, false) : [];
    this.picture.arrows = other && this.forces ? [...arrowsOf(points, other, true), ...own] : own;
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width || !height) return;
    const density = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * density) || this.canvas.height !== Math.round(height * density)) {
      this.canvas.width = Math.round(width * density);
      this.canvas.height = Math.round(height * density);
    }
    const { picture } = this;
    picture.frame = frameOf(width, height);
    picture.theme = { ...THEMES[themeOf(this.element)], page: pageOf(this.element) ?? "#ffffff" };
    const ctx = this.canvas.getContext("2d", { willReadFrequently: true }); // on the processor: faster for thin lines
    ctx.setTransform(density, 0, 0, density, 0, 0);
    if (picture.box) draw(ctx, picture);
    this.placeButtons();
  }

  /** A button over every point, so that the keyboard reaches it; the pointer goes through to the canvas. */
  placeButtons() {
    const { points, frame, box } = this.picture;
    while (this.buttons.length > points.length) this.buttons.pop().remove();
    while (this.buttons.length < points.length) this.buttons.push(this.points.appendChild(this.makeButton()));
    points.forEach((point, i) => {
      const button = this.buttons[i];
      const [x, y] = toScreen(frame, box, point.place);
      const { left, top, side } = frame;
      button.dataset.point = `${point.kind}${point.index}`;
      button.hidden = x < left || x > left + side || y < top || y > top + side;
      button.style.left = `${x}px`;
      button.style.top = `${y}px`;
      const label = `${point.title} at ${point.place.map((v) => v.toPrecision(3)).join(", ")}; arrow keys move it`;
      if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
    });
  }

  makeButton() {
    const button = make("button", { type: "button", class: "lab-point" });
    const point = () => this.picture.points.find(({ kind, index }) => `${kind}${index}` === button.dataset.point);
    button.addEventListener("focus", () => this.listener.picked(point().kind, point().index));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      const { kind, index, place } = point();
      const by = (this.picture.box[2] - this.picture.box[0]) * NUDGE * (event.shiftKey ? 0.2 : 1);
      this.listener.moved(kind, index, [place[0] + step[0] * by, place[1] + step[1] * by], true);
    });
    return button;
  }

  /** The point under the pointer: the nearest, embeddings before targets where they are equally near. @param {number} x @param {number} y */
  pick(x, y) {
    /** @type {import("./scene.mjs").ScenePoint | null} */
    let best = null;
    let least = NEAR;
    for (const point of this.picture.points) {
      const [px, py] = toScreen(this.picture.frame, this.picture.box, point.place);
      const distance = Math.hypot(px - x, py - y) - (point.kind === "e" ? 0.5 : 0);
      if (distance < least) [best, least] = [point, distance];
    }
    return best;
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.onPointerDown(event));
    canvas.addEventListener("pointermove", (event) => this.onPointerMove(event));
    canvas.addEventListener("pointerup", (event) => this.onPointerUp(event));
    canvas.addEventListener("pointercancel", (event) => this.onPointerUp(event));
    canvas.addEventListener("pointerleave", () => !this.drag && this.listener.pointed(null));
    canvas.addEventListener("dblclick", () => this.listener.fit());
    canvas.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
  }

  /** @param {MouseEvent} event */
  inside(event) {
    const { left, top, side } = this.picture.frame ?? { left: 0, top: 0, side: -1 };
    const [x, y] = [event.offsetX, event.offsetY];
    return { x, y, within: x >= left && x <= left + side && y >= top && y <= top + side };
  }

  /** @param {PointerEvent} event */
  onPointerDown(event) {
    const { x, y, within } = this.inside(event);
    if (!within || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const point = this.pick(x, y);
    this.drag = point
      ? { kind: point.kind, index: point.index }
      : { pan: toPlace(this.picture.frame, this.picture.box, [x, y]) };
    if (point) this.listener.picked(point.kind, point.index);
    this.canvas.style.cursor = "grabbing";
  }

  /** @param {PointerEvent} event */
  onPointerMove(event) {
    const { x, y, within } = this.inside(event);
    const { frame, box } = this.picture;
    if (!frame || !box) return;
    const place = toPlace(frame, box, [x, y]);
    const { drag } = this;
    if (!drag) {
      this.canvas.style.cursor = within ? (this.pick(x, y) ? "grab" : "crosshair") : "default";
    } else if ("pan" in drag) {
      const [dx, dy] = [drag.pan[0] - place[0], drag.pan[1] - place[1]];
      this.listener.framed([box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy], false);
    } else {
      this.listener.moved(drag.kind, drag.index, place, false);
    }
    this.listener.pointed(within ? place : null);
  }

  /** @param {PointerEvent} event */
  onPointerUp(event) {
    const { drag } = this;
    this.drag = null;
    this.canvas.style.cursor = "crosshair";
    if (!drag) return;
    if ("pan" in drag) this.listener.framed(this.picture.box, true);
    else this.listener.moved(drag.kind, drag.index, toPlace(this.picture.frame, this.picture.box, [event.offsetX, event.offsetY]), true);
  }

  /** @param {WheelEvent} event */
  onWheel(event) {
    const { x, y, within } = this.inside(event);
    if (!within) return;
    event.preventDefault();
    const factor = Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 400);
    const { frame, box } = this.picture;
    const [px, py] = toPlace(frame, box, [x, y]);
    this.listener.framed([px + (box[0] - px) * factor, py + (box[1] - py) * factor, px + (box[2] - px) * factor, py + (box[3] - py) * factor], true);
  }
}

/**
 * The longest arrow is `LONGEST` pixels.
 * @param {import("./scene.mjs").ScenePoint[]} points
 * @param {Forces} forces
 * @param {boolean} ghost whether they are another loss's
 * @returns {import("./drawing.mjs").Arrow[]}
 */
function arrowsOf(points, forces, ghost) {
  const most = largestOf(forces);
  if (!(most > 0)) return [];
  return points.flatMap(({ kind, index, place }) => {
    const [x, y] = forces[kind][index] ?? [0, 0];
    const size = Math.hypot(x, y);
    if (!(size > 1e-6 * most)) return [];
    const length = Math.max(16, LONGEST * Math.sqrt(size / most));
    return [{ from: place, tip: [(x / size) * length, (y / size) * length], ghost }];
  });
}

/** @param {Forces} forces */
function largestOf(forces) {
  return Math.max(0, ...[...forces.e, ...forces.c].map(([x, y]) => Math.hypot(x, y)).filter(Number.isFinite));
}
