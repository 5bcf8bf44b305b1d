/* The server's answer: every panel's arrays, and the points with names and colours. */

const NEAR = 1e-6; // share of the box within which a point counts as on the slice
const MOST_NAMES = 24; // targets that have their names written beside them

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").Place} Place */
/** @typedef {{kind: "e" | "c", index: number}} PointId */
/**
 * A landscape's own part of the header.
 * @typedef {object} PanelMeta
 * @property {string} [error]  why there is no landscape; then the rest is missing
 * @property {string} [problem]  why there are no forces
 * @property {string[]} [ticks]  labels of the colour bar
 * @property {{kind: string}} [scale]
 * @property {{at: Place | null, words: string}} [rest]  the equilibrium of the moved point
 * @property {string[]} [remarks]
 * @property {{dimensions: number, n: number}} [computed]  missing as long as there is no landscape
 */
/**
 * Its arrays; k points of either kind, n places a side.
 * @typedef {object} PanelArrays
 * @property {Float64Array} [values]     (n, n)
 * @property {Float32Array} [positions]  (n, n) on the colour scale, 0..1
 * @property {Float64Array} [levels]     of contours, on the colour scale
 * @property {Float64Array} [ticks]
 * @property {Float64Array} [e]          (k, 2)
 * @property {Float64Array} [c]
 * @property {Float64Array} [off_e]      (k,) distance from the slice
 * @property {Float64Array} [off_c]
 * @property {Float64Array} [force_e]    (k, 2)
 * @property {Float64Array} [force_c]
 * @property {Float64Array} [losses]     (k,) of the embeddings
 * @property {Float64Array} [arrows]     the force on the moved point (m, 2)
 * @property {Float64Array} [arrows_at]  at these places (m, 2)
 */
/**
 * What all landscapes have in common.
 * @typedef {object} AnswerMeta
 * @property {PanelMeta[]} panels
 * @property {number[]} box
 * @property {string[]} names  of the targets
 * @property {number} label  of the chosen embedding
 * @property {number[]} y
 * @property {number} ms  that the server took
 * @property {number[]} [images]  this and what follows only of a run
 * @property {number} [epoch]
 * @property {number} [dimensions]
 * @property {number | null} [rival]  the nearest other target
 */
/** @typedef {{about: PanelMeta, arrays: PanelArrays}} Landscape */
/** @typedef {{meta: AnswerMeta, panels: Landscape[], box: number[], label: number, e: Place[], c: Place[]}} Answer */
/** @typedef {{e: Place[], c: Place[], trail: (kind: "e" | "c", index: number) => number[]}} Released places, see release.mjs */
/**
 * A point as it is drawn.
 * @typedef {object} ScenePoint
 * @property {"e" | "c"} kind
 * @property {number} index
 * @property {Place} place
 * @property {string} colour
 * @property {boolean} main  what the picture is about
 * @property {boolean} faint  not on the slice
 * @property {boolean} held
 * @property {string} name  "": not written
 * @property {string} title
 */
/** @typedef {{points: ScenePoint[], trails: {places: number[], colour: string}[], origin: Place | null}} Scene */

/**
 * @param {import("../common/binary.mjs").Decoded} response
 * @param {number} count of losses
 * @param {Answer | null} older one, whose points stay where they are while one of them is dragged
 * @returns {Answer}
 */
export function readAnswer({ meta: header, arrays }, count, older) {
  const meta = /** @type {AnswerMeta} */ (header);
  const panels = Array.from({ length: count }, (_, i) => {
    const own = Object.entries(arrays).filter(([name]) => name.startsWith(`${i}.`));
    /** @type {PanelArrays} */
    const ownArrays = Object.fromEntries(own.map(([name, array]) => [name.slice(2), array]));
    return { about: meta.panels[i] ?? {}, arrays: ownArrays };
  });
  const good = panels.find(({ about }) => about.computed);
  const e = older?.e ?? (good ? pairs(good.arrays.e) : []);
  const c = older?.c ?? (good ? pairs(good.arrays.c) : []);
  return { meta, panels, box: meta.box, label: meta.label, e, c };
}

/**
 * The points of landscape i.
 * @param {Answer} answer
 * @param {number} i
 * @param {State} state
 * @param {Released | null} released where the points are, if they were released
 * @param {string[]} palette
 * @param {PointId | null} held the point that was taken last
 * @returns {Scene}
 */
export function makeScene(answer, i, state, released, palette, held) {
  const { meta, panels, box } = answer;
  const inPlane = !state.inRun;
  const source = panels[i].arrays.off_c ? panels[i].arrays : panels.find(({ arrays }) => arrays.off_c)?.arrays;
  const size = box[2] - box[0];
  const places = released ?? { e: inPlane ? state.points.e : answer.e, c: inPlane ? state.points.c : answer.c };
  /** @type {ScenePoint[]} */
  const points = [];
  /** @type {(kind: "e" | "c", index: number, label: number, main: boolean, name: string, title: string) => void} */
  const add = (kind, index, label, main, name, title) => {
    const off = (kind === "e" ? source?.off_e : source?.off_c)?.[index] ?? 0;
    const faint = off > NEAR * size;
    points.push({
      kind, index, main, faint, name,
      place: places[kind][index],
      colour: palette[label % palette.length],
      held: held?.kind === kind && held.index === index,
      title: faint ? `${title}, ${off.toPrecision(3)} away from this slice` : title,
    });
  };
  places.c.forEach((_, k) => {
    const own = k === meta.label;
    const isNamed = places.c.length <= MOST_NAMES || own || k === meta.rival;
    const name = inPlane || !own ? meta.names[k] : `${meta.names[k]} (c_e)`;
    add("c", k, k, own, isNamed ? name : "", `target ${meta.names[k] ?? k}`);
  });
  places.e.forEach((_, m) => {
    const label = inPlane ? state.points.y[m] : meta.y[m];
    const many = places.e.length > 1;
    add("e", m, label, m === state.chosen, many && !inPlane ? "" : many ? `e_${m}` : "e", `embedding${many ? ` ${m}` : ""}`);
  });
  const trails = released ? points.map(({ kind, index, colour }) => ({ places: released.trail(kind, index), colour })) : [];
  return { points, trails, origin: inPlane ? [0, 0] : null };
}

/** (m, 2) numbers as pairs. @param {ArrayLike<number>} numbers @returns {Place[]} */
export function pairs(numbers) {
  return Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i], numbers[2 * i + 1]]);
}
