/* Measures of two pictures in D dimensions: agreement, drift and neighbours of the images that both runs show. */

import { button, make, showThumbnail } from "../common/dom.mjs";
import { NewestRequest, get } from "../common/http.mjs";
import { count, percent } from "../common/numbers.mjs";
import { formatEpoch } from "./pane.mjs";

const BINS = 24; // of the histogram of drift
const FACES = 8; // thumbnails of the images that drifted most
const THUMBNAIL = 36; // pixels
/** @type {[key: string, text: string, isRightInFirst: boolean, isRightInSecond: boolean][]} of the response */
const CELLS = [
  ["both_right", "both right", true, true],
  ["only_first", "only %a right", true, false],
  ["only_second", "only %b right", false, true],
  ["both_wrong", "both wrong", false, false],
];

/** @typedef {import("./pane.mjs").Pane} Pane */
/** @typedef {{a: string, b: string}} Letters of the two pictures */
/** @typedef {(rows: number[], what: string) => void} Pick selects images, as rows of the answer */
/** @typedef {{first: Int32Array, second: Int32Array, drift: Float64Array, kept: Int32Array, measured: Int32Array}} Arrays of `/api/compare` */
/**
 * @typedef {object} Meta of `/api/compare`
 * @property {number} n
 * @property {Record<string, number> | null} agreement null if the runs do not have the same classes
 * @property {[string, string]} classifiers
 * @property {number} scale
 * @property {number | null} left share of the variance that the alignment leaves unexplained
 * @property {number} k
 * @property {number | null} neighbours_kept null where no image has k nearest
 */

export class Measures {
  /** @param {(selection: import("./shared.mjs").Selection) => void} select */
  constructor(select) {
    this.select = select;
    this.element = make("section", { class: "compare-alike" });
    this.query = ""; // of the measures on the screen
    this.request = new NewestRequest((problem) => problem && this.explain(problem));
  }

  /** Fetch and draw the measures of the pictures in two panes. @param {Pane} a @param {Pane} b */
  async show(a, b) {
    if (!a.ready || !b.ready) return this.explain("");
    const { snapshot, classifier } = b.picture;
    const first = { run: a.run, snapshot: a.picture.snapshot, classifier: a.picture.classifier };
    const second = { with: b.run, with_snapshot: snapshot, with_classifier: classifier };
    const query = { ...first, ...second };
    const key = JSON.stringify(query);
    if (key === this.query) return this.element.classList.remove("is-waiting");
    this.query = key;
    if (!this.element.childElementCount) this.element.append(paragraph("Comparing in all dimensions…"));
    const answer = await this.request.send((signal) => get("/api/compare", query, signal));
    if (answer) this.draw(a, b, answer);
  }

  /** Fade the measures while they are of another epoch than the pictures. */
  fade() {
    this.element.classList.add("is-waiting");
  }

  /** A sentence in place of the measures. @param {string} sentence */
  explain(sentence) {
    this.request.stop();
    this.element.classList.remove("is-waiting");
    this.element.replaceChildren(...(sentence ? [paragraph(sentence)] : []));
  }

  /** @param {Pane} a @param {Pane} b @param {{arrays: Arrays, meta: Meta}} answer */
  draw(a, b, { arrays, meta }) {
    this.element.classList.remove("is-waiting");
    const names = { a: a.letter.textContent, b: b.letter.textContent };
    /** @type {Pick} */
    const pick = (rows, what) => this.select({ pane: a, rows: rows.map((i) => arrays.first[i]), what });
    const [now, then] = [formatEpoch(b.player.epoch), formatEpoch(a.player.epoch)];
    const title = `${names.b} against ${names.a}, ${now === then ? `epoch ${now}` : `epochs ${now} and ${then}`}`;
    this.element.replaceChildren(
      make("h3", { textContent: title }),
      ...this.drawDecisions(a, b, names, arrays, meta, pick),
      ...this.drawDrift(a, names, arrays, meta, pick),
      ...this.drawNeighbours(names, arrays, meta, pick),
    );
  }

  /** @param {Pane} a @param {Pane} b @param {Letters} names @param {Arrays} arrays @param {Meta} meta @param {Pick} pick */
  drawDecisions(a, b, names, { first, second }, { agreement, classifiers, n }, pick) {
    if (!agreement) return [row("Decisions alike", "–", "The two runs do not have the same classes.")];
    /** @type {(pane: Pane, rows: Int32Array) => boolean[]} */
    const rightIn = ({ picture: { attributes, classifier, snapshot, frames } }, rows) =>
      Array.from(rows, (i) => attributes.predictions[classifier][snapshot * frames.N + i] === attributes.labels[i]);
    const [rightInA, rightInB] = [rightIn(a, first), rightIn(b, second)];
    const cells = CELLS.map(([key, text, inFirst, inSecond]) => {
      const what = text.replace("%a", names.a).replace("%b", names.b);
      const rows = () => rightInA.flatMap((right, i) => (right === inFirst && rightInB[i] === inSecond ? [i] : []));
      const properties = { class: "compare-cell", data: { cell: key } };
      const cell = button("", `Select the images that are ${what}`, () => pick(rows(), what), properties);
      cell.append(make("b", { textContent: count(agreement[key]) }), ` ${what}`);
      return cell;
    });
    const both = `${classifiers[0]} of ${names.a} and ${classifiers[1]} of ${names.b}`;
    const text = `The share of the ${count(n)} shared images that ${both} put in the same class, right or wrong.`;
    return [row("Decisions alike", percent(agreement.same), text), make("div", { class: "compare-cells" }, ...cells)];
  }

  /** @param {Pane} a @param {Letters} names @param {Arrays} arrays @param {Meta} meta @param {Pick} pick */
  drawDrift(a, names, { drift, first }, { scale, left: unexplained }, pick) {
    if (!drift.every(Number.isFinite)) return [row("Drift", "–", `Not defined: σ of ${names.b} is 0, there is no unit.`)];
    const order = Array.from(drift.keys()).sort((i, j) => drift[j] - drift[i]);
    /** @param {number} share */
    const quantile = (share) => drift[order[Math.round((1 - share) * (order.length - 1))]];
    const alignment = unexplained === null
      ? "Within a run the axes stay, so this is what really moved."
      : `The axes of two runs have nothing to do with each other: ${names.a} was moved, turned (Procrustes) and ` +
        `stretched × ${fixed(scale)} onto ${names.b}, which leaves ${percent(unexplained)} of ${names.b}'s variance unexplained.`;
    const text =
      `How far apart the same image lies in all D dimensions, in σ of ${names.b} (its cluster size): the median; ` +
      `a tenth drifted more than ${fixed(quantile(0.9))} σ. ${alignment}`;
    const largest = drift[order[0]] || 1;
    /** @type {number[][]} */
    const bins = Array.from({ length: BINS }, () => []);
    drift.forEach((value, i) => bins[Math.min(BINS - 1, Math.floor((value / largest) * BINS))].push(i));
    /** @param {number} k */
    const edges = (k) => `drifted ${fixed((k * largest) / BINS)} to ${fixed(((k + 1) * largest) / BINS)} σ`;
    const faces = order.slice(0, FACES).map((i) => face(a, first[i], `${fixed(drift[i])} σ`, () => pick([i], "drifted far")));
    return [
      row("Drift of an image", `${fixed(quantile(0.5))} σ`, text),
      histogram(bins, edges, pick),
      ends("0", `${fixed(largest)} σ`),
      make("div", { class: "compare-faces", title: "These images drifted most" }, ...faces),
    ];
  }

  /** @param {Letters} names @param {Arrays} arrays @param {Meta} meta @param {Pick} pick */
  drawNeighbours(names, { kept, measured }, { k, neighbours_kept: mean }, pick) {
    if (mean === null) {
      const why = `Not defined: every image has more than ${k} others at its very place, or all are at one place.`;
      return [row("Neighbours kept", "–", why)];
    }
    const lost = fixed(k - mean);
    const text =
      `Of the ${k} images nearest to an image in D dimensions in ${names.a}, so many are among its ${k} nearest in ` +
      `${names.b}; ${lost} are lost and ${lost} gained. The mean over ${count(measured.length)} images.`;
    /** @type {number[][]} */
    const bins = Array.from({ length: k + 1 }, () => []);
    kept.forEach((n, i) => bins[n].push(measured[i]));
    return [
      row("Neighbours kept", `${fixed(mean)} of ${k}`, text),
      histogram(bins, (n) => `kept ${n} of ${k} neighbours`, pick),
      ends("all others", "the same"),
    ];
  }
}

/** @param {string} name @param {string} value @param {string} text */
function row(name, value, text) {
  const head = make("div", { class: "compare-row" }, make("span", { textContent: name }), make("b", { textContent: value }));
  return make("div", { class: "compare-measure" }, head, paragraph(text));
}

/** @param {string} textContent */
function paragraph(textContent) {
  return make("p", { class: "compare-why", textContent });
}

/** Captions under the two ends of a histogram. @param {...string} texts */
function ends(...texts) {
  return make("div", { class: "compare-ends" }, ...texts.map((textContent) => make("span", { textContent })));
}

/**
 * Bars that select their images.
 * @param {number[][]} bins images of each bar @param {(i: number) => string} what is said of bar i
 * @param {Pick} pick
 */
function histogram(bins, what, pick) {
  const tallest = Math.max(1, ...bins.map((bin) => bin.length));
  const bars = bins.map((bin, i) => {
    const title = `${count(bin.length)} ${what(i)}`;
    const style = { "--height": bin.length / tallest };
    return button("", title, () => pick(bin, what(i)), { class: "compare-bar", "aria-label": title, disabled: !bin.length, style });
  });
  return make("div", { class: "compare-bars" }, ...bars);
}

/** A thumbnail that selects its image. @param {Pane} pane @param {number} index @param {string} value @param {() => void} select */
function face({ player }, index, value, select) {
  const { thumbnail, labelName } = player.describe(index);
  const title = `${labelName}, ${value}`;
  const element = button("", title, select, { class: "compare-face", "aria-label": title });
  if (thumbnail) showThumbnail(element, thumbnail, THUMBNAIL);
  else element.textContent = labelName;
  return element;
}

/** Two decimals, so that numbers below each other compare; three digits from 10 on. @param {number} value */
function fixed(value) {
  return Math.abs(value) < 10 ? value.toFixed(2) : value.toPrecision(3);
}
