/* What the player draws, read from the explorer's binary responses and checked. */

import { DataError } from "../common/binary.mjs";

/** @typedef {import("../common/binary.mjs").Decoded} Decoded */
/** @typedef {Uint8Array | Uint16Array} Codes classes, or margins and distances in LEVELS steps */
/**
 * The frames of a run: T snapshots, N images, C classes.
 * @typedef {object} Frames
 * @property {number} T
 * @property {number} N
 * @property {number} C
 * @property {Uint16Array} points    (T, N, 2) codes; 0..65535 maps linearly onto the box, 65535 is no position
 * @property {Float32Array} targets  (T, C, 2) class embeddings, NaN where there is none
 * @property {Float32Array} centres  (T, C, 2) class centres, NaN where there is none
 * @property {number[]} box          [xmin, ymin, xmax, ymax] of all points of all snapshots
 * @property {number[]} epochs       (T,)
 * @property {string[]} classNames
 * @property {FramesMeta} meta
 */
/**
 * @typedef {object} FramesMeta
 * @property {number[]} epochs          (T,)
 * @property {number} [n]               of images that are shown
 * @property {number} [total]           of which they are a sample
 * @property {(number | null)[]} [accuracies] (T,)
 * @property {boolean} [sprite]         whether there is a sheet of thumbnails
 * @property {string[]} [problems]      sentences on what could not be read of the run
 */
/**
 * Labels, decisions, margins and distances, which colour the points.
 * @typedef {object} Attributes
 * @property {number} N
 * @property {Codes} labels                                          (N,)
 * @property {Record<string, Codes>} predictions                     by classifier (T, N)
 * @property {Record<string, Uint8Array>} margins                    by classifier (T, N)
 * @property {Record<string, Uint8Array>} distances                  by "target" or "centre" (T, N)
 * @property {Int32Array | null} indices                            (N,) positions in the data set
 * @property {string[]} classifiers
 * @property {AttributesMeta} meta
 */
/**
 * @typedef {object} AttributesMeta
 * @property {Record<string, [number, number][]>} scales  by array (T, 2): the values of codes 0 and LEVELS
 * @property {Record<string, [number, number]>} shown     by array: the values at the ends of the ramp
 * @property {string[]} [palette]                         of the classes, "#rrggbb" as all colours
 * @property {string[]} [ramp]
 * @property {string} [right]
 * @property {string} [wrong]
 * @property {number[]} [unseen]                          classes held out of training
 */
/**
 * C affine functions of the position for every snapshot, or a vote map.
 * @typedef {object} Regions
 * @property {"power" | "cosine" | "linear" | "vote"} kind
 * @property {number} T
 * @property {number} C
 * @property {Float64Array} [affine]          (T, C, 3)
 * @property {Float64Array} [squaredLengths]  (T, C) of the reference vectors, for "cosine"
 * @property {Float64Array} [squaredSteps]    (T-1, C) of their differences from a snapshot to the next
 * @property {Uint8Array} [classes]           (T, H, W), 255 is none, first row lowest
 * @property {Uint8Array} [evidence]          (T, H, W)
 * @property {number} [H]
 * @property {number} [W]
 * @property {number[]} [box]                 that the H x W cells tile
 * @property {RegionsMeta} meta
 */
/**
 * @typedef {object} RegionsMeta
 * @property {string} [mode]                          in which the regions are computed
 * @property {Record<string, number>} [agreements]    by mode: share of the images whose region is their decision
 */
/**
 * What a player shows.
 * @typedef {{frames: Frames | null, attributes: Attributes | null, regions: Regions | null, sprite: string | null}} RunData
 */

export const ABSENT = 65535; // code of both coordinates of a point without a position
export const UNKNOWN = 255; // code of a margin or distance without a value
export const LEVELS = 254; // code of the largest margin or distance

/**
 * An array of the response, which must have this shape (NaN: any length), else DataError.
 * @template {import("../common/binary.mjs").Numbers} Kind
 * @param {Decoded} decoded
 * @param {string} name
 * @param {number[]} shape
 * @param {string} what
 * @returns {Kind}
 */
function requireArray(decoded, name, shape, what) {
  const actual = decoded.shapes[name];
  const fits =
    actual && actual.length === shape.length && shape.every((side, i) => Number.isNaN(side) || side === actual[i]);
  if (!fits) {
    const problem = actual ? `is ${actual.join(" x ")}` : "is missing";
    throw new DataError(
      `${what} cannot be read: '${name}' ${problem}; the server and this page may be of two versions, reload it`,
    );
  }
  return /** @type {Kind} */ (decoded.arrays[name]);
}

/** @param {Decoded} decoded @returns {Frames} */
export function readFrames(decoded) {
  const what = "the frames";
  const { box, epochs, class_names: classNames } = decoded.meta;
  const points = requireArray(decoded, "points", [NaN, NaN, 2], what);
  const [T, N] = decoded.shapes.points;
  const C = classNames?.length ?? NaN;
  /** @type {Float32Array} */
  const targets = requireArray(decoded, "targets", [T, C, 2], what);
  /** @type {Float32Array} */
  const centres = requireArray(decoded, "centres", [T, C, 2], what);
  if (!(points instanceof Uint16Array) || T < 1) throw new DataError(`${what} cannot be read: they hold no snapshot`);
  if (epochs?.length !== T || box?.length !== 4 || !box.every(Number.isFinite)) {
    throw new DataError(`${what} cannot be read: epochs or box do not fit the ${T} snapshots`);
  }
  const meta = { ...decoded.meta, epochs };
  return { T, N, C, points, targets, centres, box, epochs, classNames, meta };
}

/** @param {Decoded} decoded @returns {Attributes} */
export function readAttributes(decoded) {
  const what = "the labels and decisions";
  /** @type {Codes} */
  const labels = requireArray(decoded, "labels", [NaN], what);
  const N = labels.length;
  /** @type {Attributes} */
  const attributes = {
    N,
    labels,
    predictions: {},
    margins: {},
    distances: {},
    indices: /** @type {Int32Array | undefined} */ (decoded.arrays.indices) ?? null,
    classifiers: decoded.meta.classifiers ?? [],
    meta: { ...decoded.meta, scales: decoded.meta.scales ?? {}, shown: decoded.meta.shown ?? {} },
  };
  for (const name of Object.keys(decoded.arrays)) {
    const [kind, ...rest] = name.split(".");
    if (rest.length && attributes[kind]) attributes[kind][rest.join(".")] = requireArray(decoded, name, [NaN, N], what);
  }
  return attributes;
}

/** @param {Decoded} decoded @returns {Regions} */
export function readRegions(decoded) {
  const what = "the regions";
  const { kind, ...meta } = decoded.meta;
  if (kind === "vote") {
    /** @type {Uint8Array} */
    const classes = requireArray(decoded, "classes", [NaN, NaN, NaN], what);
    const [T, H, W] = decoded.shapes.classes;
    /** @type {Uint8Array} */
    const evidence = requireArray(decoded, "evidence", [T, H, W], what);
    return { kind, T, C: 0, H, W, classes, evidence, box: meta.box, meta };
  }
  if (!["power", "cosine", "linear"].includes(kind))
    throw new DataError(`${what} cannot be read: unknown kind '${kind}'`);
  /** @type {Float64Array} */
  const affine = requireArray(decoded, "affine", [NaN, NaN, 3], what);
  const [T, C] = decoded.shapes.affine;
  /** @type {Float64Array} */
  const squaredLengths = requireArray(decoded, "square", [T, C], what);
  /** @type {Float64Array} */
  const squaredSteps = requireArray(decoded, "step", [T - 1, C], what);
  return { kind, T, C, affine, squaredLengths, squaredSteps, meta };
}

/** Raises DataError if labels and decisions are not those of the frames. @param {Frames} frames @param {Attributes} attributes */
export function checkFit(frames, attributes) {
  if (attributes.N !== frames.N) {
    throw new DataError(`the run has ${frames.N} points but labels of ${attributes.N} images; reload the page`);
  }
  for (const kind of ["predictions", "margins", "distances"]) {
    for (const codes of Object.values(attributes[kind])) {
      if (codes.length === frames.T * frames.N) continue;
      const surplus = `${kind} of ${codes.length / frames.N} snapshots`;
      throw new DataError(`the run has ${frames.T} snapshots but ${surplus}; reload the page`);
    }
  }
}
