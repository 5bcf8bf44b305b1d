/* The address of a comparison: /compare?run=a&run=b&at=,0.5&view=pca&... */

export const MIN_PANES = 2;
const CONTROLS = { view: "views", classifier: "classifiers", regions: "regions", colour: "colours", camera: "cameras" };
const SETS = ["hidden", "focus"];
const number = (text) => (text === "" || !Number.isFinite(Number(text)) ? null : Number(text));
const numbers = (text) => text.split(",").filter((part) => /^\d+$/.test(part)).map(Number);

/** @typedef {{run: string, at: number | null}} Content of a pane; `at` is the epoch at which the run is held */
/**
 * @typedef {object} Options of the page, from Python
 * @property {Record<string, string>} views the choices of the controls: their names, by value; the first is the default
 * @property {Record<string, string>} classifiers
 * @property {Record<string, string>} regions
 * @property {Record<string, string>} colours
 * @property {Record<string, string>} cameras
 * @property {string[]} tints colours of the panes, of which there are at most as many
 * @property {{id: string, label: string, classifier: string}[]} runs with the best classifier of each
 * @property {[string, string]} example two runs
 */
/**
 * @typedef {object} Comparison
 * @property {Content[]} panes
 * @property {Record<string, string>} request choice of each control
 * @property {number | null} epoch on the screen
 * @property {boolean} overTime whether one run is shown over time
 * @property {{hidden: Set<number>, focus: Set<number>, solo: number | null}} classes
 */

/**
 * @param {string} search of the address
 * @param {Options} options
 * @returns {Comparison}
 */
export function readAddress(search, options) {
  const query = new URLSearchParams(search);
  const epochs = (query.get("at") ?? "").split(",").map(number);
  const panes = query.getAll("run").slice(0, options.tints.length).map((run, i) => ({ run, at: epochs[i] ?? null }));
  while (panes.length < MIN_PANES) panes.push({ run: "", at: null });
  /** @type {Record<string, string>} */
  const request = {};
  for (const [name, plural] of Object.entries(CONTROLS)) {
    const choices = Object.keys(options[plural]);
    request[name] = choices.includes(query.get(name)) ? query.get(name) : choices[0];
  }
  const epoch = number(query.get("epoch") ?? "");
  const [hidden, focus] = SETS.map((name) => new Set(numbers(query.get(name) ?? "")));
  const [solo = null] = numbers(query.get("solo") ?? "");
  const classes = { hidden, focus, solo };
  return {
    panes: query.has("at") ? panes : holdRepeated(panes),
    request,
    epoch,
    overTime: query.get("as") === "time",
    classes,
  };
}

/** The query of an address, the inverse of `readAddress`. @param {Comparison} comparison @returns {string} */
export function writeAddress({ panes, request, epoch, overTime, classes }) {
  const filled = panes.filter(({ run }) => run);
  const query = new URLSearchParams(filled.map(({ run }) => ["run", run]));
  if (filled.some(({ at }) => at !== null)) query.set("at", filled.map(({ at }) => at ?? "").join(","));
  for (const [name, value] of Object.entries(request)) query.set(name, value);
  query.set("epoch", epoch.toFixed(3).replace(/\.?0+$/, ""));
  for (const name of SETS) if (classes[name].size) query.set(name, [...classes[name]].join());
  if (classes.solo !== null) query.set("solo", String(classes.solo));
  if (overTime) query.set("as", "time");
  return query.toString();
}

/** Hold the first of two panes of the same run at its start, so that there are two epochs to compare. @param {Content[]} panes */
export function holdRepeated(panes) {
  panes.forEach((pane, i) => {
    const isRepeated = panes.slice(i + 1).some((other) => other.run === pane.run && other.at === pane.at);
    if (pane.run && pane.at === null && isRepeated) pane.at = 0;
  });
  return panes;
}
