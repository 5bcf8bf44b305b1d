/* Every option of a player, its default and its permitted values. */

export const OPTIONS = {
  colour: "label", // "label" | "prediction" | "right" | "distance" | "margin"
  classifier: null, // whose predictions and margins; null: the first there is
  ramp: "run", // ends of the ramp: those of the whole "run" or of each "snapshot"
  pointSize: null, // diameter in CSS pixels; null: by the number of points
  pointScale: 1, // factor on that diameter
  pointOpacity: 0.85,
  regionOpacity: 0.25,
  boundaries: true,
  targets: true,
  centres: true,
  trails: true,
  gaps: false,
  labels: true,
  hidden: new Set(), // classes that are not drawn
  solo: null, // the only class that is drawn
  focus: new Set(), // classes that stand out; empty: all alike
  selection: null, // indices of images, the others are faint; null: all alike
  tween: true,
  speed: 1,
  loop: false,
  pace: "snapshots", // what time runs evenly over: "snapshots" | "epochs" (timeline.mjs says why)
  camera: "fixed", // on the box of the whole run, or "scale": following the cloud's centre and size
  theme: "auto", // "light" | "dark" | "auto": as the page
  keys: "page", // keys count on the whole "page" or only inside the "element"
  renderer: "auto", // "gpu" | "cpu" | "auto": the graphics card if there is one
  still: false, // steps jump instead of gliding; true where the system is set to less motion
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

/**
 * The state of a new player: options, time, and notices of what cannot be drawn.
 * @returns {typeof OPTIONS & {time: number, playing: boolean, notices: {kind: string, message: string}[]}}
 */
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
