/* Label, decision, margin and distances of one image, for the card beside the pointer. */

import { isUnseen } from "./colours.mjs";
import { LEVELS, UNKNOWN } from "./data.mjs";

/**
 * @param {import("./data.mjs").RunData} data of the player
 * @param {import("./options.mjs").State} state of the player
 * @param {number} snapshot
 * @param {number} index of the image
 */
export function describeImage({ frames, attributes, sprite }, state, snapshot, index) {
  const at = snapshot * frames.N + index;
  const classifier = state.classifier ?? attributes?.classifiers[0] ?? null;
  /** @type {(codes: import("./data.mjs").Codes | undefined, key: string) => number | null} */
  const value = (codes, key) => {
    if (!codes || codes[at] === UNKNOWN) return null;
    const [low, high] = attributes.meta.scales[key][snapshot];
    return low + (codes[at] / LEVELS) * (high - low);
  };
  const label = attributes?.labels[index] ?? null;
  const prediction = attributes?.predictions[classifier]?.[at] ?? null;
  return {
    index,
    snapshot,
    dataIndex: attributes?.indices?.[index] ?? null,
    label,
    labelName: frames.classNames[label] ?? null,
    unseen: isUnseen(attributes, label),
    classifier,
    prediction,
    predictionName: frames.classNames[prediction] ?? null,
    right: prediction === null ? null : prediction === label,
    margin: value(attributes?.margins[classifier], `margins.${classifier}`),
    targetDistance: value(attributes?.distances.target, "distances.target"),
    centreDistance: value(attributes?.distances.centre, "distances.centre"),
    thumbnail: sprite && thumbnail(sprite, frames.N, index),
  };
}

/** @typedef {{url: string, columns: number, rows: number, column: number, row: number}} Thumbnail on a sheet of them */

/**
 * Where an image's thumbnail lies on the sheet of all of them, row by row.
 * @param {string} url
 * @param {number} n images
 * @param {number} index
 * @returns {Thumbnail}
 */
function thumbnail(url, n, index) {
  const columns = Math.ceil(Math.sqrt(n));
  return { url, columns, rows: Math.ceil(n / columns), column: index % columns, row: Math.floor(index / columns) };
}
