/* Aligns pictures of different runs by turning and mirroring them, since the axes of a projection have no direction of
 * their own. Distances stay the same, and so does the decision at every image.
 */

import { ABSENT } from "../player/data.mjs";

const MAX_CODE = ABSENT - 1; // largest code of a coordinate

/** @typedef {import("../player/data.mjs").Frames} Frames */
/** @typedef {[number, number, number, number]} Turn x' = a x + b y, y' = c x + d y; orthogonal */

/**
 * The turn that brings the class centres of a run, at its last snapshot, nearest to those of another (Procrustes in two
 * dimensions); null if they have fewer than two classes in common.
 * @param {Frames} frames @param {Frames} reference @returns {Turn | null}
 */
export function findTurn(frames, reference) {
  const pairs = frames.classNames.flatMap((name, k) => {
    const other = reference.classNames.indexOf(name);
    const pair = other < 0 ? [] : [...lastCentre(frames, k), ...lastCentre(reference, other)];
    return pair.length && pair.every(Number.isFinite) ? [pair] : [];
  });
  if (pairs.length < 2) return null;
  const means = [0, 1, 2, 3].map((i) => pairs.reduce((sum, pair) => sum + pair[i], 0) / pairs.length);
  const best = [1, -1].map((mirror) => {
    let [along, across] = [0, 0];
    for (const pair of pairs) {
      const [x, y, toX, toY] = pair.map((value, i) => value - means[i]);
      along += toX * x + toY * mirror * y;
      across += toY * x - toX * mirror * y;
    }
    return { mirror, along, across, fit: Math.hypot(along, across) };
  }).sort((one, other) => other.fit - one.fit)[0];
  if (!(best.fit > 0)) return null;
  const [cos, sin] = [best.along / best.fit, best.across / best.fit];
  return [cos, -sin * best.mirror, sin, cos * best.mirror];
}

/** Centre of class k at the last snapshot. @param {Frames} frames @param {number} k @returns {number[]} */
function lastCentre({ T, C, centres }, k) {
  const i = 2 * ((T - 1) * C + k);
  return [centres[i], centres[i + 1]];
}

/** The frames with all positions turned. @param {Frames} frames @param {Turn} turn @returns {Frames} */
export function turnFrames(frames, turn) {
  const { points, targets, centres, box } = frames;
  const [width, height] = [(box[2] - box[0]) / ABSENT, (box[3] - box[1]) / ABSENT];
  const positions = new Float32Array(points.length).fill(NaN);
  for (let i = 0; i < points.length; i += 2) {
    if (points[i] !== ABSENT) [positions[i], positions[i + 1]] = [box[0] + points[i] * width, box[1] + points[i + 1] * height];
  }
  turnPairs(positions, turn, 2);
  const bounds = boxOf(positions);
  const [right, up] = [MAX_CODE / (bounds[2] - bounds[0] || 1), MAX_CODE / (bounds[3] - bounds[1] || 1)];
  const codes = new Uint16Array(points.length).fill(ABSENT);
  for (let i = 0; i < points.length; i += 2) {
    if (points[i] === ABSENT) continue;
    codes[i] = Math.round((positions[i] - bounds[0]) * right);
    codes[i + 1] = Math.round((positions[i + 1] - bounds[1]) * up);
  }
  const codedBox = [bounds[0], bounds[1], bounds[0] + ABSENT / right, bounds[1] + ABSENT / up]; // up to the code ABSENT, which stands for no position
  const [turnedTargets, turnedCentres] = [targets, centres].map((marks) => turnPairs(marks.slice(), turn, 2));
  return { ...frames, points: codes, box: codedBox, targets: turnedTargets, centres: turnedCentres };
}

/**
 * The same regions in the turned picture: their scores are affine in the position.
 * @param {import("../player/data.mjs").Regions} regions @param {Turn} turn
 */
export function turnRegions(regions, turn) {
  return { ...regions, affine: turnPairs(regions.affine.slice(), turn, 3) };
}

/**
 * Turn the first two of every `stride` numbers in place.
 * @template {Float32Array | Float64Array} Array @param {Array} numbers @param {Turn} turn
 * @param {number} stride @returns {Array}
 */
function turnPairs(numbers, [a, b, c, d], stride) {
  for (let i = 0; i < numbers.length; i += stride) {
    const [x, y] = [numbers[i], numbers[i + 1]];
    numbers[i] = a * x + b * y;
    numbers[i + 1] = c * x + d * y;
  }
  return numbers;
}

/** [left, low, right, high] of positions; the unit square if there are none. @param {Float32Array} positions */
function boxOf(positions) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < positions.length; i++) {
    if (positions[i] < box[i % 2]) box[i % 2] = positions[i]; // NaN, no position, is neither less
    if (positions[i] > box[2 + (i % 2)]) box[2 + (i % 2)] = positions[i]; // nor more
  }
  return box.every(Number.isFinite) ? box : [0, 0, 1, 1];
}
