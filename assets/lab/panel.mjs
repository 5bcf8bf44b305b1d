/* One landscape on the page: its canvas with the drawing, and its pointer and keyboard events. */

import { make } from "../common/dom.mjs";
import { THEMES, pageOf, themeOf } from "../player/colours.mjs";
import { contours } from "./contours.mjs";
import { draw, frameOf, heatMap, toPlace, toScreen } from "./drawing.mjs";

const NEAR = 16; // pixels within which the pointer takes a point
const LONGEST = 70; // pixels of the longest arrow
const NUDGE = 1 / 100; // of the box's width that an arrow key moves a point

/**
 * The events of a panel.
 * @typedef {object} Listener
 * @property {(kind: "e" | "c", index: number, place: number[], done: boolean) => void} moved
 * @property {(kind: "e" | "c", index: number) => void} picked
 * @property {(box: number[], done: boolean) => void} framed
 * @property {(place: number[] | null) => void} pointed
 * @property {() => void} fit
 */

export class Panel {
  /** @param {HTMLElement} host @param {Listener} listener */
  constructor(host, listener) {
    this.listener = listener;
    this.canvas = make("canvas", { role: "img" });
    this.points = make("div", { class: "lab-points" });
    this.problem = make("div", { class: "lab-problem" });
    this.element = make("div", { class: "lab-panel" }, this.canvas, this.points, this.problem);
    host.append(this.element);
    /** What `draw` draws: the server's landscape, and the page's points. */
    this.picture = { points: [], arrows: [], trails: [], contours: [], ticks: [], shows: new Set(), image: null };
    this.drag = null;
    this.listen();
  }

  remove() {
    this.element.remove();
  }

  /**
   * A new landscape. @param {Record<string, any>} answer arrays of this panel by name, and `about`
   * @param {number[]} box of its grid
   */
  setLandscape(answer, box) {
    const { picture } = this;
    const { about, arrays } = answer;
    this.problem.textContent = about.error ?? about.problem ?? "";
    if (about.error) {
      picture.image = null;
      return;
    }
    const { n } = about.computed;
    const positions = arrays.positions;
    picture.image = heatMap(positions, n, this.ramp);
    picture.ramp = this.ramp;
    picture.n = n;
    picture.mapBox = box;
    picture.values = arrays.values;
    picture.contours = contours(positions, n, [...arrays.levels]);
    picture.ticks = about.ticks.map((label, i) => ({ label, at: arrays.ticks[i] })).filter(({ at }) => at >= -0.001 && at <= 1.001);
    picture.scale = about.scale;
    picture.equilibrium = about.rest.at;
    picture.field = arrays.arrows ? { at: arrays.arrows_at, force: arrays.arrows } : null;
    this.forces = arrays.force_e ? { e: pairs(arrays.force_e), c: pairs(arrays.force_c) } : null;
  }

  /** The value of the landscape at a place, between the grid's values; NaN outside. */
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

  /** Arrows for the forces on all points, the longest `LONGEST` pixels; dashed ones for another loss's. */
  setArrows(other) {
    const { picture } = this;
    picture.arrows = [];
    if (!this.forces) return;
    const largest = largestOf(this.forces);
    for (const [forces, ghost, most] of [[other, true, other && largestOf(other)], [this.forces, false, largest]]) {
      if (!forces || !(most > 0)) continue;
      for (const point of picture.points) {
        const force = forces[point.kind][point.index];
        const size = force ? Math.hypot(...force) : 0;
        if (!(size > 1e-6 * most)) continue;
        const length = Math.max(16, LONGEST * Math.sqrt(size / most));
        picture.arrows.push({ from: point.place, tip: force.map((v) => (v / size) * length), ghost });
      }
    }
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
    while (this.points.children.length > points.length) this.points.lastChild.remove();
    points.forEach((point, i) => {
      const button = this.points.children[i] ?? this.points.appendChild(this.makeButton());
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

  /** The point under the pointer: the nearest, embeddings before targets where they are equally near. */
  pick(x, y) {
    let [best, least] = [null, NEAR];
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
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.onPointerUp(event));
    canvas.addEventListener("pointerleave", () => !this.drag && this.listener.pointed(null));
    canvas.addEventListener("dblclick", () => this.listener.fit());
    canvas.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
  }

  inside(event) {
    const { left, top, side } = this.picture.frame ?? { side: -1 };
    const [x, y] = [event.offsetX, event.offsetY];
    return { x, y, within: x >= left && x <= left + side && y >= top && y <= top + side };
  }

  onPointerDown(event) {
    const { x, y, within } = this.inside(event);
    if (!within || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const point = this.pick(x, y);
    this.drag = point
      ? { kind: point.kind, index: point.index }
      : { pan: toPlace(this.picture.frame, this.picture.box, [x, y]), box: this.picture.box };
    if (point) this.listener.picked(point.kind, point.index);
    this.canvas.style.cursor = "grabbing";
  }

  onPointerMove(event) {
    const { x, y, within } = this.inside(event);
    const { frame, box } = this.picture;
    if (!frame || !box) return;
    const place = toPlace(frame, box, [x, y]);
    if (this.drag?.pan) {
      const [dx, dy] = [this.drag.pan[0] - place[0], this.drag.pan[1] - place[1]];
      this.listener.framed([box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy], false);
    } else if (this.drag) {
      this.listener.moved(this.drag.kind, this.drag.index, place, false);
    } else {
      this.canvas.style.cursor = within ? (this.pick(x, y) ? "grab" : "crosshair") : "default";
    }
    this.listener.pointed(within ? place : null);
  }

  onPointerUp(event) {
    const { drag } = this;
    this.drag = null;
    this.canvas.style.cursor = "crosshair";
    if (!drag) return;
    if (drag.pan) this.listener.framed(this.picture.box, true);
    else this.listener.moved(drag.kind, drag.index, toPlace(this.picture.frame, this.picture.box, [event.offsetX, event.offsetY]), true);
  }

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

/** (m, 2) numbers as pairs. */
export function pairs(numbers) {
  return Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i], numbers[2 * i + 1]]);
}

function largestOf(forces) {
  return Math.max(0, ...[...forces.e, ...forces.c].map(([x, y]) => Math.hypot(x, y)).filter(Number.isFinite));
}
