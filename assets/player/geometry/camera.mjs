/* The part of the plane in the picture: a fixed box for the whole run, or one that follows the cloud of points. */

import { ABSENT } from "../data.mjs";

const SAMPLE = 4000; // points that a snapshot's size is measured on
const OUTSIDE = 0.005; // share of them that may lie outside on each side
const PADDING = 0.05;
const SHRUNK = 4; // from a cloud that ends so much smaller than the whole run's box the camera follows the scale

/** The box of all points and marks of all snapshots, with a margin. @param {import("../data.mjs").Frames} frames */
export function wholeBox({ box, targets, centres }) {
  let [left, low, right, high] = box;
  for (const marks of [targets, centres]) {
    for (let i = 0; i < marks.length; i += 2) {
      if (Number.isNaN(marks[i] + marks[i + 1])) continue;
      left = Math.min(left, marks[i]);
      right = Math.max(right, marks[i]);
      low = Math.min(low, marks[i + 1]);
      high = Math.max(high, marks[i + 1]);
    }
  }
  const margin = PADDING * Math.max(right - left, high - low);
  return [left - margin, low - margin, right + margin, high + margin];
}

/** At every snapshot the middle and half the larger side of the box of nearly all points and every mark. */
export class Follower {
  /** @param {import("../data.mjs").Frames} frames */
  constructor(frames) {
    this.frames = frames;
    /** @type {Float64Array | null} */
    this.circles = null; // (T, 3): x, y, radius; measured at the first use
    this.now = { x: 0, y: 0, radius: 1 };
  }

  /**
   * @param {number} before snapshot
   * @param {number} blend
   * @returns {{x: number, y: number, radius: number}} the same object at every call
   */
  at(before, blend) {
    this.circles ??= measure(this.frames);
    const { circles, now } = this;
    const a = 3 * before;
    const b = blend > 0 ? a + 3 : a;
    now.x = circles[a] + blend * (circles[b] - circles[a]);
    now.y = circles[a + 1] + blend * (circles[b + 1] - circles[a + 1]);
    now.radius = circles[a + 2] + blend * (circles[b + 2] - circles[a + 2]);
    return now;
  }

  /** The radius at a time, divided by that at the first snapshot. @param {number} time in snapshots */
  growth(time) {
    const before = Math.floor(time);
    return this.at(before, time - before).radius / this.circles[2];
  }
}

/** @param {import("../data.mjs").Frames} frames @returns {Float64Array} (T, 3) */
function measure({ T, N, C, points, targets, centres, box: [x0, y0, x1, y1] }) {
  const circles = new Float64Array(3 * T);
  const stride = Math.max(1, Math.ceil(N / SAMPLE));
  const sides = [new Float64Array(Math.ceil(N / stride)), new Float64Array(Math.ceil(N / stride))];
  for (let t = 0; t < T; t++) {
    let count = 0;
    for (let i = 2 * t * N; i < 2 * (t + 1) * N; i += 2 * stride) {
      if (points[i] === ABSENT) continue;
      sides[0][count] = x0 + (points[i] / ABSENT) * (x1 - x0);
      sides[1][count++] = y0 + (points[i + 1] / ABSENT) * (y1 - y0);
    }
    const extent = sides.map((side, axis) => {
      const sorted = side.subarray(0, count).sort();
      let low = sorted[Math.floor(OUTSIDE * (count - 1))] ?? Infinity;
      let high = sorted[Math.ceil((1 - OUTSIDE) * (count - 1))] ?? -Infinity;
      for (let i = 2 * t * C + axis; i < 2 * (t + 1) * C; i += 2) {
        for (const marks of [targets, centres]) {
          if (marks[i] < low) low = marks[i];
          if (marks[i] > high) high = marks[i];
        }
      }
      return [low, high];
    });
    const [x, y] = extent.map(([low, high]) => (low + high) / 2);
    const radius = Math.max(...extent.map(([low, high]) => (high - low) / 2));
    circles.set([x, y, radius > 0 ? radius : 1], 3 * t);
  }
  return circles;
}

/** Whether most of a fixed picture would be empty at the end. @param {import("../data.mjs").Frames} frames */
export function shrinks(frames) {
  const [left, low, right, high] = wholeBox(frames);
  return SHRUNK * 2 * new Follower(frames).at(frames.T - 1, 0).radius < Math.max(right - left, high - low);
}
