/* Pictures of different runs, turned and mirrored so that the same classes lie the same way: the axes of a projection
 * have no direction of their own. Distances stay; so does what is decided where.
 */

import { ABSENT } from "../player/data.mjs";

const LARGEST = ABSENT - 1; // code of a position

/** @typedef {import("../player/data.mjs").Frames} Frames */
/** @typedef {[number, number, number, number]} Turn x' = a x + b y, y' = c x + d y; orthogonal */

/**
 * The turn that brings the class centres of a run, at its last snapshot, nearest to those of another (Procrustes in two
 * dimensions); null where they have fewer than two classes in common.
 * @param {Frames} frames @param {Frames} onto @returns {Turn | null}
 */
export function turnOnto(frames, onto) {
  const pairs = frames.classNames.flatMap((name, k) => {
    const there = onto.classNames.indexOf(name);
    const pair = there < 0 ? [] : [...lastCentre(frames, k), ...lastCentre(onto, there)];
    return pair.length && pair.every(Number.isFinite) ? [pair] : [];
  });
  if (pairs.length < 2) return null;
  const middle = [0, 1, 2, 3].map((i) => pairs.reduce((sum, pair) => sum + pair[i], 0) / pairs.length);
  const best = [1, -1].map((mirror) => {
    let [along, across] = [0, 0];
    for (const pair of pairs) {
      const [x, y, toX, toY] = pair.map((value, i) => value - middle[i]);
      along += toX * x + toY * mirror * y;
      across += toY * x - toX * mirror * y;
    }
    return { mirror, along, across, fit: Math.hypot(along, across) };
  }).sort((one, other) => other.fit - one.fit)[0];
  if (!(best.fit > 0)) return null;
  const [cos, sin] = [best.along / best.fit, best.across / best.fit];
  return [cos, -sin * best.mirror, sin, cos * best.mirror];
}

/** @returns {number[]} */
function lastCentre({ T, C, centres }, k) {
  const i = 2 * ((T - 1) * C + k);
  return [centres[i], centres[i + 1]];
}

/** @param {Frames} frames @param {Turn} turn @returns {Frames} */
export function turnedFrames(frames, turn) {
  const { points, targets, centres, box } = frames;
  const [width, height] = [(box[2] - box[0]) / ABSENT, (box[3] - box[1]) / ABSENT];
  const places = new Float32Array(points.length).fill(NaN);
  for (let i = 0; i < points.length; i += 2) {
    if (points[i] !== ABSENT) [places[i], places[i + 1]] = [box[0] + points[i] * width, box[1] + points[i + 1] * height];
  }
  turnPairs(places, turn, 2);
  const around = boxOf(places);
  const [right, up] = [LARGEST / (around[2] - around[0] || 1), LARGEST / (around[3] - around[1] || 1)];
  const codes = new Uint16Array(points.length).fill(ABSENT);
  for (let i = 0; i < points.length; i += 2) {
    if (points[i] === ABSENT) continue;
    codes[i] = Math.round((places[i] - around[0]) * right);
    codes[i + 1] = Math.round((places[i + 1] - around[1]) * up);
  }
  const whole = [around[0], around[1], around[0] + ABSENT / right, around[1] + ABSENT / up]; // the last code is no place
  const [turnedTargets, turnedCentres] = [targets, centres].map((marks) => turnPairs(marks.slice(), turn, 2));
  return { ...frames, points: codes, box: whole, targets: turnedTargets, centres: turnedCentres };
}

/**
 * The same regions in the turned picture: their scores are affine.
 * @param {import("../player/data.mjs").Regions} regions @param {Turn} turn
 */
export function turnedRegions(regions, turn) {
  return { ...regions, affine: turnPairs(regions.affine.slice(), turn, 3) };
}

/** Turn the first two of every `stride` numbers. */
function turnPairs(numbers, [a, b, c, d], stride) {
  for (let i = 0; i < numbers.length; i += stride) {
    const [x, y] = [numbers[i], numbers[i + 1]];
    numbers[i] = a * x + b * y;
    numbers[i + 1] = c * x + d * y;
  }
  return numbers;
}

function boxOf(places) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < places.length; i++) {
    if (places[i] < box[i % 2]) box[i % 2] = places[i]; // NaN, no place, is neither less
    if (places[i] > box[2 + (i % 2)]) box[2 + (i % 2)] = places[i]; // nor more
  }
  return box.every(Number.isFinite) ? box : [0, 0, 1, 1];
}
