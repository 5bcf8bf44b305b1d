/* Small curves that grow: loss, accuracies, sigma and rho over the epochs of a training, as SVG. */

import { make, svg } from "../common/dom.mjs";
import { percent, short } from "../common/numbers.mjs";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [240, 120, 40, 16, 6];

/** @typedef {{name: string, colour: string, points: [epoch: number, value: number][]}} Line */
/** @typedef {{low?: number, high?: number, log?: boolean}} Scale */
/** @typedef {import("./answers.d.ts").Row} Row */

/** @param {Row[]} rows of `/api/jobs/rows` @param {number} epochs of the whole training @param {Record<string, string>} colours */
export function curves(rows, epochs, colours) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.accuracy ?? {})))];
  /** @param {(row: Row) => number | null | undefined} read @returns {Line["points"]} */
  const of = (read) => rows.flatMap((row) => (Number.isFinite(read(row)) ? [[row.epoch, read(row)]] : []));
  /** @type {[title: string, lines: Line[], format: (value: number) => string, scale: Scale][]} */
  const charts = [
    ["Loss", [{ name: "loss", colour: "var(--mantine-color-indigo-5)", points: of((row) => row.loss) }], short, {}],
    ["Accuracy", names.map((name) => ({ name, colour: colours[name], points: of((row) => row.accuracy?.[name]) })), percent, { low: 0, high: 1 }],
    ["σ and ρ", [["σ", "cluster_size", "sigma"], ["ρ", "centre_distance", "rho"]].map(([name, key, colour]) => ({ name, colour: colours[colour], points: of((row) => row[key]) })), short, { log: true }],
  ]; // prettier-ignore
  return charts.map(([title, lines, format, scale]) => chart(title, lines, epochs, format, scale));
}

/** @param {string} title @param {Line[]} lines @param {number} epochs @param {(value: number) => string} format @param {Scale} scale */
function chart(title, lines, epochs, format, { low, high, log = false }) {
  const usable = (y) => !log || y > 0;
  const all = lines.flatMap(({ points }) => points.map(([, y]) => y)).filter(usable);
  const on = log ? Math.log : (y) => y;
  const [bottom, top] = all.length ? [low ?? Math.min(...all), high ?? Math.max(...all)] : [0, 1];
  const x = (epoch) => LEFT + (epoch / Math.max(epochs, 1e-9)) * (WIDTH - LEFT - 6);
  const y = (value) => HEIGHT - BOTTOM - ((on(value) - on(bottom)) / (on(top) - on(bottom) || 1)) * (HEIGHT - BOTTOM - TOP);
  const parts = [
    svg("path", { class: "curve-axes", d: `M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - 6}` }),
    text(LEFT - 4, TOP + 6, format(top), "end"), text(LEFT - 4, HEIGHT - BOTTOM, format(bottom), "end"),
    text(LEFT, HEIGHT - 3, "0", "middle"), text(WIDTH - 6, HEIGHT - 3, `${epochs} epochs`, "end"),
  ]; // prettier-ignore
  for (const { name, colour, points } of lines) {
    const places = points.filter(([, value]) => usable(value)).map(([epoch, value]) => [x(epoch), y(value)]);
    if (!places.length) continue;
    const line = svg("path", { class: "curve-line", stroke: colour, d: `M${places.map((p) => p.map((v) => v.toFixed(1)).join(" ")).join("L")}` });
    const [cx, cy] = places.at(-1);
    const dot = svg("circle", { cx, cy, r: 2.5, fill: colour });
    dot.append(svg("title", {}, `${name} ${format(points.at(-1)[1])}`));
    parts.push(line, dot);
  }
  const last = lines.map(({ name, points }) => `${name} ${points.length ? format(points.at(-1)[1]) : "–"}`).join(", ");
  const legend = lines.map(({ name, colour, points }) =>
    make("span", { class: "curve-name" }, swatch(colour), `${lines.length > 1 ? name : ""} ${points.length ? format(points.at(-1)[1]) : "–"}`));
  const head = make("figcaption", {}, make("strong", { textContent: title }), ...legend);
  return make("figure", { class: "train-curve" }, head, svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${last}` }, ...parts));
}

const swatch = (colour) => make("i", { style: { background: colour } });

const text = (x, y, content, anchor) => svg("text", { x, y, "text-anchor": anchor }, content);
