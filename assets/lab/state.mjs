/* The state of the lab, and its form in the URL. */

/**
 * @typedef {[number, number]} Place
 * @typedef {{name: string, params: Record<string, number>}} LossChoice
 * @typedef {object} State
 * @property {LossChoice[]} losses  one to four, side by side
 * @property {"e" | "c" | "sum"} vary  the point that is moved
 * @property {number} chosen  the embedding that the picture is about
 * @property {{e: Place[], y: number[], c: Place[]}} points  the scene in the plane
 * @property {PlaceInRun | null} inRun  or one in a run
 * @property {number[] | null} box  left, bottom, right, top; null for one that fits
 * @property {string} scale
 * @property {number} clip  per cent of the places that an end of the scale may leave out
 * @property {Set<string>} shown  of SHOWN
 * @property {{steps: number, step_size: number, momentum: number, move_e: boolean, move_c: boolean}} release
 * @property {string | null} preset  the figure of the paper, as long as nothing was changed
 */
/**
 * @typedef {object} PlaceInRun
 * @property {string} run
 * @property {number} snapshot
 * @property {number | null} image  or a class:
 * @property {number | null} label
 * @property {string} plane
 * @property {Record<number, Place>} moved_e  how far points were dragged
 * @property {Record<number, Place>} moved_c
 */
/**
 * What the controls are built from, as the server sends it.
 * @typedef {object} Catalogue
 * @property {LossEntry[]} losses
 * @property {Record<string, Preset>} presets
 * @property {{id: string, name: string, loss: string | null, dim: number}[]} runs
 * @property {string[]} ramp
 * @property {string[]} palette
 * @property {string[]} scales
 * @property {number} steps  the most of a release
 */
/**
 * @typedef {object} LossEntry
 * @property {string} name
 * @property {string} label
 * @property {string} formula  MathML; empty for the user's own
 * @property {string} equation  of the paper
 * @property {string} about
 * @property {{name: string, default: number, low: number, high: number, log: boolean, help: string}[]} fields
 * @property {boolean} own  the user's own
 * @property {string} problem  why it cannot be used
 */
/**
 * A figure of the paper.
 * @typedef {{name: string, loss: string, params: Record<string, number>, vary: State["vary"], e: Place, c: Place[],
 *   box: number[], scale: string, step_size: number, says: string}} Preset
 */
/** @typedef {Record<string, string>} Query of the URL */
/**
 * How a change of the state is taken over.
 * @typedef {object} How
 * @property {boolean} [rebuild]   the controls too
 * @property {boolean} [fit]       with a box that fits
 * @property {boolean} [quiet]     without a request
 * @property {boolean} [snapshot]  it is another one of the same run
 * @property {boolean} [dragging]  more will follow at once
 * @property {"keep"} [preset]     the scene is still the paper's
 */
/** @typedef {(alter: (state: State) => void, how?: How) => unknown} Change alters the state and takes it over */

const SHOWN = ["contours", "forces", "field", "follow"];
export const LETTERS = "ABCD"; // of the losses side by side

/** One of the paper's figures. @param {Catalogue} catalogue @param {string} key @returns {State} */
export function fromPreset(catalogue, key) {
  const preset = catalogue.presets[key];
  return {
    losses: [{ name: preset.loss, params: { ...preset.params } }],
    vary: preset.vary,
    chosen: 0,
    points: { e: [[...preset.e]], y: [0], c: preset.c.map((place) => [...place]) },
    inRun: null,
    box: [...preset.box],
    scale: preset.scale,
    clip: 2,
    shown: new Set(["contours", "forces", "follow"]),
    release: { steps: 300, step_size: preset.step_size, momentum: 0, move_e: true, move_c: true },
    preset: key,
  };
}

/**
 * The state of a URL; what is missing or not valid is as in the first figure.
 * @param {Catalogue} catalogue
 * @param {Query} query
 * @returns {State}
 */
export function fromQuery(catalogue, query) {
  const state = fromPreset(catalogue, query.preset in catalogue.presets ? query.preset : "5");
  const hasParameters = Object.keys(query).some((name) => name !== "preset");
  if (!hasParameters) return state;
  state.preset = null;
  const losses = (query.losses ?? "").split("|").map(readLoss).filter(Boolean).slice(0, LETTERS.length);
  if (losses.length) state.losses = losses;
  if (isVary(query.vary)) state.vary = query.vary;
  readPoints(state, query);
  readRun(state, query);
  const box = numbers(query.box, ",");
  if (box.length === 4 && box.every(Number.isFinite) && box[0] < box[2] && box[1] < box[3]) state.box = box;
  if (catalogue.scales.includes(query.scale)) state.scale = query.scale;
  const clip = Number(query.clip ?? NaN);
  if (clip >= 0 && clip <= 45) state.clip = clip;
  if (query.shown !== undefined) state.shown = new Set(query.shown.split(",").filter((name) => SHOWN.includes(name)));
  const [steps, stepSize, momentum] = numbers(query.release, ",");
  const { release } = state;
  if (steps >= 1 && steps <= catalogue.steps) release.steps = Math.round(steps);
  if (stepSize > 0) release.step_size = stepSize;
  if (momentum >= 0 && momentum < 1) release.momentum = momentum;
  if (query.free === "e" || query.free === "c") {
    release.move_e = query.free === "e";
    release.move_c = query.free === "c";
  }
  return state;
}

/** @param {string} name @returns {name is State["vary"]} */
function isVary(name) {
  return ["e", "c", "sum"].includes(name);
}

/** @param {State} state @param {Query} query */
function readPoints(state, query) {
  const e = rows(query.e, 3);
  const c = rows(query.c, 2);
  if (c.length && e.length && e.every(([, , label]) => Number.isInteger(label) && label >= 0 && label < c.length)) {
    state.points = { e: e.map(([x, y]) => [x, y]), y: e.map((row) => row[2]), c: c.map(([x, y]) => [x, y]) };
  }
  const chosen = Number(query.chosen ?? 0);
  if (Number.isInteger(chosen) && chosen >= 0 && chosen < state.points.e.length) state.chosen = chosen;
}

/** @param {State} state @param {Query} query */
function readRun(state, query) {
  if (!query.run) return;
  /** @type {(text: string | undefined) => number | null} */
  const whole = (text) => (/^\d+$/.test(text ?? "") ? Number(text) : null);
  /** @type {Record<string, Record<number, Place>>} */
  const moved = { e: {}, c: {} };
  for (const entry of (query.moved ?? "").split(";")) {
    const [, kind, index, x, y] = entry.match(/^([ec])(\d+):([^,]+),([^,]+)$/) ?? [];
    if (kind && Number.isFinite(Number(x)) && Number.isFinite(Number(y))) moved[kind][index] = [Number(x), Number(y)];
  }
  const label = whole(query.label);
  state.inRun = {
    run: query.run,
    snapshot: whole(query.snapshot) ?? -1, // the last
    image: label === null ? (whole(query.image) ?? 0) : null,
    label,
    plane: query.plane ?? "points",
    moved_e: moved.e,
    moved_c: moved.c,
  };
  Object.assign(state, { chosen: 0, box: null, scale: "auto" });
}

/** @param {State} state @returns {URLSearchParams} */
export function toQuery(state) {
  if (state.preset) return new URLSearchParams({ preset: state.preset });
  const { losses, vary, points, inRun, box, scale, clip, shown, release } = state;
  const query = new URLSearchParams({ losses: losses.map(writeLoss).join("|"), vary });
  if (inRun) {
    const { run, snapshot, image, label, plane } = inRun;
    query.set("run", run);
    query.set("snapshot", String(snapshot));
    query.set(label === null ? "image" : "label", String(label ?? image));
    query.set("plane", plane);
    const moved = ["e", "c"].flatMap((kind) => Object.entries(inRun[`moved_${kind}`]).map(([i, place]) => `${kind}${i}:${place.map(short)}`));
    if (moved.length) query.set("moved", moved.join(";"));
  } else {
    query.set("e", points.e.map((place, i) => [...place.map(short), points.y[i]].join()).join(";"));
    query.set("c", points.c.map((place) => place.map(short).join()).join(";"));
    if (state.chosen) query.set("chosen", String(state.chosen));
  }
  if (box) query.set("box", box.map(short).join());
  query.set("scale", scale);
  if (clip !== 2) query.set("clip", String(clip));
  query.set("shown", [...shown].join());
  query.set("release", [release.steps, release.step_size, release.momentum].map(short).join());
  if (release.move_e !== release.move_c) query.set("free", release.move_e ? "e" : "c");
  return query;
}

/** The request of a state. @param {State} state @param {number} n places a side */
export function toRequest(state, n) {
  const { losses, vary, chosen, points, inRun, box, scale, clip, shown } = state;
  const place = inRun ? { in_run: inRun } : { points };
  return { losses, vary, chosen, ...place, box, scale, clip, n, arrows: shown.has("field") ? 15 : 0 };
}

/** "push_pull(r=0.5)" @param {string} text @returns {LossChoice | null} */
function readLoss(text) {
  const [, name, inner] = text.match(/^([^()]+)(?:\(([^)]*)\))?$/) ?? [];
  if (!name) return null;
  /** @type {Record<string, number>} */
  const params = {};
  for (const pair of (inner ?? "").split(",").filter(Boolean)) {
    const [key, value] = pair.split("=");
    if (value !== undefined && Number.isFinite(Number(value))) params[key] = Number(value);
  }
  return { name, params };
}

/** @param {LossChoice} loss */
function writeLoss({ name, params }) {
  const inner = Object.entries(params).map(([key, value]) => `${key}=${short(value)}`);
  return inner.length ? `${name}(${inner})` : name;
}

/** @param {string | undefined} text @param {string} separator */
function numbers(text, separator) {
  return text ? text.split(separator).map(Number) : [];
}

/** Rows of so many numbers; none if one is not. @param {string | undefined} text @param {number} length */
function rows(text, length) {
  const list = (text ?? "").split(";").filter(Boolean).map((row) => row.split(",").map(Number));
  return list.every((row) => row.length === length && row.every(Number.isFinite)) ? list : [];
}

/** A number in as few characters as five digits need. @param {number} value */
function short(value) {
  return Number(value.toPrecision(5));
}
