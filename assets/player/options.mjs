/* Every option of a player, its default and its permitted values. */

/**
 * @typedef {object} Options
 * @property {"label" | "prediction" | "right" | "distance" | "margin"} colour
 * @property {string | null} classifier whose predictions and margins; null: the first there is
 * @property {"run" | "snapshot"} ramp whether the ends of the ramp are those of the whole run or of each snapshot
 * @property {number | null} pointSize diameter in CSS pixels; null: by the number of points
 * @property {number} pointScale factor on that diameter
 * @property {number} pointOpacity
 * @property {number} regionOpacity
 * @property {boolean} boundaries
 * @property {boolean} targets
 * @property {boolean} centres
 * @property {boolean} trails
 * @property {boolean} gaps
 * @property {boolean} labels
 * @property {Set<number>} hidden classes that are not drawn
 * @property {number | null} solo the only class that is drawn
 * @property {Set<number>} focus classes that stand out; empty: all alike
 * @property {number[] | null} selection of images, the others are faint; null: all alike
 * @property {boolean} tween
 * @property {number} speed
 * @property {boolean} loop
 * @property {"snapshots" | "epochs"} pace what time runs evenly over (timeline.mjs says why)
 * @property {"fixed" | "scale"} camera on the box of the whole run, or following the cloud's centre and size
 * @property {"light" | "dark" | "auto"} theme auto: as the page
 * @property {"page" | "element"} keys whether they count on the whole page or only inside the element
 * @property {"gpu" | "cpu" | "auto"} renderer auto: the graphics card if there is one
 * @property {boolean} still steps jump instead of gliding; true where the system is set to less motion
 */
/** @typedef {{kind: string, message: string}} Notice what cannot be drawn and why */
/** @typedef {Options & {time: number, playing: boolean, notices: Notice[]}} State of a player; `time` in snapshots */

/** @type {Options} */
const OPTIONS = {
  colour: "label",
  classifier: null,
  ramp: "run",
  pointSize: null,
  pointScale: 1,
  pointOpacity: 0.85,
  regionOpacity: 0.25,
  boundaries: true,
  targets: true,
  centres: true,
  trails: true,
  gaps: false,
  labels: true,
  hidden: new Set(),
  solo: null,
  focus: new Set(),
  selection: null,
  tween: true,
  speed: 1,
  loop: false,
  pace: "snapshots",
  camera: "fixed",
  theme: "auto",
  keys: "page",
  renderer: "auto",
  still: false,
};

const CHOICES = {
  colour: ["label", "prediction", "right", "distance", "margin"],
  ramp: ["run", "snapshot"],
  pace: ["snapshots", "epochs"],
  camera: ["fixed", "scale"],
  theme: ["auto", "light", "dark"],
  keys: ["page", "element"],
  renderer: ["auto", "gpu", "cpu"],
};

const BOUNDS = { pointSize: [0.5, 64], pointScale: [0.1, 10], pointOpacity: [0, 1], regionOpacity: [0, 1], speed: [0.25, 8] };

/** The state of a new player. @returns {State} */
export function newState() {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return { ...OPTIONS, hidden: new Set(), focus: new Set(), still, time: 0, playing: false, notices: [] };
}

/**
 * The value an option gets: null is the default, a number beyond its bounds becomes the bound. Raises for a wrong one.
 * @param {string} name
 * @param {any} value
 */
export function checkOption(name, value) {
  if (!(name in OPTIONS)) throw new Error(`unknown option '${name}'; choose from ${Object.keys(OPTIONS).join(", ")}`);
  const standard = OPTIONS[name];
  if (standard instanceof Set) return new Set(value ?? []);
  if (value === null || value === undefined) return standard;
  if (typeof standard === "boolean") return Boolean(value);
  if (CHOICES[name] && !CHOICES[name].includes(value)) {
    throw new Error(`unknown ${name} '${value}'; choose from ${CHOICES[name].join(", ")}`);
  }
  if (!BOUNDS[name]) return value;
  const [low, high] = BOUNDS[name];
  if (!Number.isFinite(Number(value))) throw new Error(`${name} is a number from ${low} to ${high}, not '${value}'`);
  return Math.max(low, Math.min(high, Number(value)));
}
