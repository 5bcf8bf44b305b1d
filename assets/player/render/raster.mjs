/* Regions painted by the processor into an array of pixels: rows of fills, then soft edges and boundaries over them. */

import { regionStrength } from "../colours.mjs";
import { Diagram, EDGE } from "../geometry/cells.mjs";
import { paintVotes } from "./votes.mjs";

/** @typedef {{width: number, height: number, words: Uint32Array, bytes: Uint8ClampedArray}} Pixels opaque RGBA */
/** @typedef {import("../data.mjs").Regions} Regions */
/** @typedef {import("../geometry/view.mjs").View} View */

/** Red, green, blue (0..255) as one word of `Pixels` (all machines that run browsers are little-endian). */
export function packWord(red, green, blue) {
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

export class RegionRaster {
  constructor() {
    this.diagram = new Diagram();
    this.fills = new Float64Array(0); // (C, 3) colours over the page
    this.left = new Float64Array(0); // where the present polygon begins and ends in each row
    this.right = new Float64Array(0);
    /** @type {Map<number, import("./votes.mjs").VoteMap>} */
    this.maps = new Map(); // by snapshot
    /** @type {{regions: Regions, palette: Uint8Array, lines: boolean} | null} */
    this.mapSource = null; // regions, palette and lines that they were painted from
  }

  /**
   * @param {Pixels} pixels filled with the page's colour
   * @param {Regions} regions
   * @param {Uint8Array} palette RGBA of the classes
   * @param {View} view
   */
  paint(pixels, regions, palette, view) {
    if (regions.kind === "vote") this._paintVotes(pixels, regions, palette, view);
    else this._paintCells(pixels, regions, palette, view);
  }

  /** @param {Pixels} pixels @param {Regions} regions @param {Uint8Array} palette @param {View} view */
  _paintCells(pixels, regions, palette, view) {
    const { diagram } = this;
    const { width, height } = pixels;
    if (this.left.length < height) {
      this.left = new Float64Array(height);
      this.right = new Float64Array(height);
    }
    this._mixFills(palette, view);
    diagram.update(regions, view, width, height);
    for (let i = 0; i < diagram.count; i++) this._fillPolygon(pixels, i);
    for (let n = 0; n < diagram.edgeCount; n++) paintEdge(pixels, diagram.edges, EDGE * n, this.fills, view);
  }

  /** The colour of every region over the page. @param {Uint8Array} palette @param {View} view */
  _mixFills(palette, { page, regionOpacity }) {
    const C = palette.length / 4;
    if (this.fills.length < 3 * C) this.fills = new Float64Array(3 * C);
    for (let k = 0; k < C; k++) {
      const alpha = regionOpacity * regionStrength(palette[4 * k + 3]);
      for (let c = 0; c < 3; c++) {
        this.fills[3 * k + c] = 255 * page[c] + alpha * (palette[4 * k + c] - 255 * page[c]);
      }
    }
  }

  /** Fill polygon i: every pixel whose middle lies inside. @param {Pixels} pixels @param {number} i */
  _fillPolygon({ width, height, words }, i) {
    const { diagram, left, right, fills } = this;
    const { x, y } = diagram;
    const begins = diagram.first[i];
    const ends = diagram.first[i + 1];
    let top = Infinity;
    let bottom = -Infinity;
    for (let n = begins; n < ends; n++) {
      top = Math.min(top, height / 2 - y[n]);
      bottom = Math.max(bottom, height / 2 - y[n]);
    }
    const first = Math.max(0, Math.ceil(top - 0.5));
    const last = Math.min(height - 1, Math.ceil(bottom - 0.5) - 1);
    for (let n = begins; n < ends; n++) {
      const m = n + 1 < ends ? n + 1 : begins;
      const down = y[m] < y[n]; // counter-clockwise with y upwards: the left side goes down
      const upper = down ? n : m;
      const lower = down ? m : n;
      const from = height / 2 - y[upper];
      const to = height / 2 - y[lower];
      const slope = (x[lower] - x[upper]) / (to - from);
      const side = down ? left : right;
      const end = Math.min(last, Math.ceil(to - 0.5) - 1);
      for (let row = Math.max(first, Math.ceil(from - 0.5)); row <= end; row++) {
        side[row] = width / 2 + x[upper] + (row + 0.5 - from) * slope;
      }
    }
    const fill = 3 * diagram.classes[i];
    const colour = packWord(Math.round(fills[fill]), Math.round(fills[fill + 1]), Math.round(fills[fill + 2]));
    for (let row = first; row <= last; row++) {
      const begin = Math.max(0, Math.ceil(left[row] - 0.5));
      const end = Math.min(width, Math.ceil(right[row] - 0.5));
      if (begin < end) words.fill(colour, row * width + begin, row * width + end);
    }
  }

  /**
   * Vote maps of the snapshots before and after, one fading into the other.
   * @param {Pixels} pixels
   * @param {Regions} regions
   * @param {Uint8Array} palette
   * @param {View} view
   */
  _paintVotes(pixels, regions, palette, view) {
    const { maps, mapSource: source } = this;
    const lines = view.halfLine > 0;
    if (source?.regions !== regions || source.palette !== palette || source.lines !== lines) maps.clear();
    this.mapSource = { regions, palette, lines };
    for (const snapshot of maps.keys()) {
      if (snapshot !== view.before && snapshot !== view.after) maps.delete(snapshot);
    }
    for (const snapshot of [view.before, view.after]) {
      if (!maps.has(snapshot)) maps.set(snapshot, paintVotes(regions, snapshot, palette, lines ? view.ink : null));
    }
    paintMaps(pixels, regions.box, maps.get(view.before), maps.get(view.after), view);
  }
}

/**
 * Recolour what lies within a few pixels of an edge: soft, with the boundary over it.
 * @param {Pixels} pixels
 * @param {Float64Array} edges of the diagram
 * @param {number} e where the edge begins in them
 * @param {Float64Array} fills colours of the regions
 * @param {View} view
 */
function paintEdge({ width, height, bytes }, edges, e, fills, { halfLine, ink }) {
  const dx = edges[e + 2] - edges[e];
  const dy = edges[e + 3] - edges[e + 1];
  const left = 3 * edges[e + 4];
  const right = 3 * edges[e + 5];
  const length = Math.hypot(dx, dy);
  const reach = halfLine + 1;
  const steep = Math.abs(dy) > Math.abs(dx); // then row by row, else column by column
  const along = steep ? Math.abs(dy) : Math.abs(dx);
  const half = (reach * length) / along;
  // pixels: rows from the top, their middles at + 0.5
  const x0 = width / 2 + edges[e];
  const y0 = height / 2 - edges[e + 1];
  const from = steep ? y0 : x0;
  const to = steep ? y0 - dy : x0 + dx;
  const slope = steep ? -dx / dy : -dy / dx; // of the other coordinate
  const most = steep ? height : width;
  const other = steep ? width : height;
  const end = Math.min(most - 1, Math.ceil(Math.max(from, to) - 0.5));
  for (let p = Math.max(0, Math.floor(Math.min(from, to) - 0.5)); p <= end; p++) {
    const middle = (steep ? x0 : y0) + (p + 0.5 - from) * slope;
    const stop = Math.min(other - 1, Math.floor(middle + half - 0.5));
    for (let q = Math.max(0, Math.ceil(middle - half - 0.5)); q <= stop; q++) {
      const column = steep ? q : p;
      const row = steep ? p : q;
      // pixels to the left of the edge, seen along it with y upwards
      const side = (dx * (y0 - row - 0.5) - dy * (column + 0.5 - x0)) / length;
      const share = Math.max(0, Math.min(1, 0.5 + side));
      const line = halfLine > 0 ? ink[3] * Math.max(0, Math.min(1, halfLine + 0.5 - Math.abs(side))) : 0;
      const at = 4 * (row * width + column);
      for (let c = 0; c < 3; c++) {
        const base = fills[right + c] + share * (fills[left + c] - fills[right + c]);
        bytes[at + c] = base + line * (255 * ink[c] - base);
      }
    }
  }
}

/**
 * Paint two vote maps, faded into each other, over their box.
 * @param {Pixels} pixels
 * @param {number[]} box
 * @param {import("./votes.mjs").VoteMap} from
 * @param {import("./votes.mjs").VoteMap} to
 * @param {View} view
 */
function paintMaps({ width, height, bytes }, [boxLeft, low, boxRight, high], from, to, view) {
  const { frame, density, blend, regionOpacity } = view;
  const left = density * (frame.ax * boxLeft + frame.bx);
  const bottom = density * (frame.ay * low + frame.by);
  const perX = from.width / (density * frame.ax * (boxRight - boxLeft)); // of the map, a pixel
  const perY = from.height / (density * frame.ay * (high - low));
  for (let row = 0; row < height; row++) {
    const v = Math.floor((row + 0.5 - bottom) * perY);
    if (v < 0 || v >= from.height) continue;
    for (let column = 0; column < width; column++) {
      const u = Math.floor((column + 0.5 - left) * perX);
      if (u < 0 || u >= from.width) continue;
      const i = 4 * (v * from.width + u);
      const before = (from.rgba[i + 3] / 255) * regionOpacity * (1 - blend);
      const after = (to.rgba[i + 3] / 255) * regionOpacity * blend;
      if (before + after === 0) continue;
      const at = 4 * (row * width + column);
      for (let c = 0; c < 3; c++) {
        bytes[at + c] = before * from.rgba[i + c] + after * to.rgba[i + c] + (1 - before - after) * bytes[at + c];
      }
    }
  }
}
