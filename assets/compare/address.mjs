/* What is compared, as it stands in the address: /compare?run=a&run=b&at=,0.5&view=pca&... */

export const FEWEST = 2;
const CHOICES = { view: "views", classifier: "classifiers", regions: "regions", colour: "colours", camera: "cameras" };
const SETS = ["hidden", "focus"];
const number = (text) => (text === "" || !Number.isFinite(Number(text)) ? null : Number(text));
const numbers = (text) => text.split(",").filter((part) => /^\d+$/.test(part)).map(Number);

/**
 * @param {string} search of the address
 * @param {object} offered by the page: what each choice may be, the first is the default
 * @returns {{panes: {run: string, at: number | null}[], asked: Record<string, string>, epoch: number | null,
 *   over: boolean, classes: {hidden: Set<number>, focus: Set<number>, solo: number | null}}}
 */
export function read(search, offered) {
  const query = new URLSearchParams(search);
  const held = (query.get("at") ?? "").split(",").map(number);
  const panes = query.getAll("run").slice(0, offered.tints.length).map((run, i) => ({ run, at: held[i] ?? null }));
  while (panes.length < FEWEST) panes.push({ run: "", at: null });
  const asked = {};
  for (const [name, plural] of Object.entries(CHOICES)) {
    const choices = Object.keys(offered[plural]);
    asked[name] = choices.includes(query.get(name)) ? query.get(name) : choices[0];
  }
  const epoch = number(query.get("epoch") ?? "");
  const [hidden, focus] = SETS.map((name) => new Set(numbers(query.get(name) ?? "")));
  const [solo = null] = numbers(query.get("solo") ?? "");
  const classes = { hidden, focus, solo };
  return { panes: query.has("at") ? panes : apart(panes), asked, epoch, over: query.get("as") === "time", classes };
}

/** The inverse of `read`. */
export function written({ panes, asked, epoch, over, classes }) {
  const shown = panes.filter(({ run }) => run);
  const query = new URLSearchParams(shown.map(({ run }) => ["run", run]));
  if (shown.some(({ at }) => at !== null)) query.set("at", shown.map(({ at }) => at ?? "").join(","));
  for (const [name, value] of Object.entries(asked)) query.set(name, value);
  query.set("epoch", epoch.toFixed(3).replace(/\.?0+$/, ""));
  for (const name of SETS) if (classes[name].size) query.set(name, [...classes[name]]);
  if (classes.solo !== null) query.set("solo", classes.solo);
  if (over) query.set("as", "time");
  return query.toString();
}

/** Where a run is there twice, the first is held where it began, so that there are two epochs to compare. */
export function apart(panes) {
  panes.forEach((pane, i) => {
    const isTwice = panes.slice(i + 1).some((other) => other.run === pane.run && other.at === pane.at);
    if (pane.run && pane.at === null && isTwice) pane.at = 0;
  });
  return panes;
}
