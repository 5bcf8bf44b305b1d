/* How alike two pictures are, in D dimensions: decisions, drift and neighbours of the images that both runs show. */

import { DataError, fetchArrays } from "../player/data.mjs";
import { button, make } from "../common/dom.mjs";
import { percent, told } from "./pane.mjs";

const BINS = 24; // of the histogram of drift
const FARTHEST = 8; // images shown that drifted most
const THUMBNAIL = 36; // pixels
const CELLS = [
  ["both_right", "both right", true, true],
  ["only_first", "only %a right", true, false],
  ["only_second", "only %b right", false, true],
  ["both_wrong", "both wrong", false, false],
];

export class Alike {
  /** @param {(chosen: {pane: object, rows: number[], what: string}) => void} select */
  constructor(select) {
    this.select = select;
    this.element = make("section", { class: "compare-alike" });
    this.asked = "";
  }

  /** Compare what pane `a` shows with what pane `b` shows. */
  async show(a, b) {
    if (!a.ready || !b.ready) return this.say("");
    const { snapshot, classifier } = b.picture;
    const first = { run: a.run, snapshot: a.picture.snapshot, classifier: a.picture.classifier };
    const second = { with: b.run, with_snapshot: snapshot, with_classifier: classifier };
    const asked = `${new URLSearchParams({ ...first, ...second })}`;
    if (asked === this.asked) return this.element.classList.remove("is-waiting");
    this.asked = asked;
    if (!this.element.childElementCount) this.element.append(why("Comparing in all dimensions…"));
    this.pending?.abort();
    const { signal } = (this.pending = new AbortController());
    try {
      const found = await fetchArrays(`/api/compare?${asked}`, "the comparison", signal);
      if (!signal.aborted) this.draw(a, b, found);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof DataError)) throw error;
      this.say(error.message.replace("the comparison cannot be loaded: ", ""));
    }
  }

  /** The numbers are of another moment than the pictures. */
  wait() {
    this.element.classList.add("is-waiting");
  }

  say(sentence) {
    this.pending?.abort();
    this.element.classList.remove("is-waiting");
    this.element.replaceChildren(...(sentence ? [why(sentence)] : []));
  }

  draw(a, b, { arrays, meta }) {
    this.element.classList.remove("is-waiting");
    const names = { a: a.letter.textContent, b: b.letter.textContent };
    const pick = (rows, what) => this.select({ pane: a, rows: rows.map((i) => arrays.first[i]), what });
    const [now, then] = [told(b.player.epoch), told(a.player.epoch)];
    const title = `${names.b} against ${names.a}, ${now === then ? `epoch ${now}` : `epochs ${now} and ${then}`}`;
    this.element.replaceChildren(
      make("h3", { textContent: title }),
      ...this.decisions(a, b, names, arrays, meta, pick),
      ...this.drift(a, names, arrays, meta, pick),
      ...this.neighbours(names, arrays, meta, pick),
    );
  }

  decisions(a, b, names, { first, second }, { agreement, classifiers, n }, pick) {
    if (!agreement) return [row("Decisions alike", "–", "The two runs do not have the same classes.")];
    const rightIn = ({ picture: { attributes, classifier, snapshot, frames } }, rows) =>
      Array.from(rows, (i) => attributes.predictions[classifier][snapshot * frames.N + i] === attributes.labels[i]);
    const [one, other] = [rightIn(a, first), rightIn(b, second)];
    const cells = CELLS.map(([key, text, inFirst, inSecond]) => {
      const what = text.replace("%a", names.a).replace("%b", names.b);
      const rows = () => one.flatMap((right, i) => (right === inFirst && other[i] === inSecond ? [i] : []));
      const properties = { class: "compare-cell", data: { cell: key } };
      const cell = button("", `Select the images that are ${what}`, () => pick(rows(), what), properties);
      cell.append(make("b", { textContent: agreement[key].toLocaleString("en") }), ` ${what}`);
      return cell;
    });
    const both = `${classifiers[0]} of ${names.a} and ${classifiers[1]} of ${names.b}`;
    const text = `The share of the ${n.toLocaleString("en")} shared images that ${both} put in the same class, right or wrong.`;
    return [row("Decisions alike", percent(agreement.same), text), make("div", { class: "compare-cells" }, ...cells)];
  }

  drift(a, names, { drift, first }, { scale, left }, pick) {
    if (!drift.every(Number.isFinite)) return [row("Drift", "–", `σ of ${names.b} is 0: there is no unit to measure in.`)];
    const order = Array.from(drift.keys()).sort((i, j) => drift[j] - drift[i]);
    const quantile = (share) => drift[order[Math.round((1 - share) * (order.length - 1))]];
    const how = left === null
      ? "Within a run the axes stay, so this is what really moved."
      : `The axes of two runs have nothing to do with each other: ${names.a} was moved, turned (Procrustes) and ` +
        `stretched × ${short(scale)} onto ${names.b}, which leaves ${percent(left)} of ${names.b}'s variance unexplained.`;
    const text =
      `How far apart the same image lies in all D dimensions, in σ of ${names.b} (its cluster size): the median; ` +
      `a tenth drifted more than ${short(quantile(0.9))} σ. ${how}`;
    const most = drift[order[0]] || 1;
    const bins = Array.from({ length: BINS }, () => []);
    drift.forEach((value, i) => bins[Math.min(BINS - 1, Math.floor((value / most) * BINS))].push(i));
    const edges = (k) => `drifted ${short((k * most) / BINS)} to ${short(((k + 1) * most) / BINS)} σ`;
    const faces = order.slice(0, FARTHEST).map((i) => face(a, first[i], `${short(drift[i])} σ`, () => pick([i], "drifted far")));
    return [
      row("Drift of an image", `${short(quantile(0.5))} σ`, text),
      histogram(bins, edges, pick),
      ends("0", `${short(most)} σ`),
      make("div", { class: "compare-faces", title: "These images drifted most" }, ...faces),
    ];
  }

  neighbours(names, { kept, measured }, { k, neighbours_kept: mean }, pick) {
    const lost = short(k - mean);
    const text =
      `Of the ${k} images nearest to an image in D dimensions in ${names.a}, so many are among its ${k} nearest in ` +
      `${names.b}; ${lost} are lost and ${lost} gained. The mean over ${measured.length.toLocaleString("en")} images.`;
    const bins = Array.from({ length: k + 1 }, () => []);
    kept.forEach((count, i) => bins[count].push(measured[i]));
    return [
      row("Neighbours kept", `${short(mean)} of ${k}`, text),
      histogram(bins, (count) => `kept ${count} of ${k} neighbours`, pick),
      ends("all others", "the same"),
    ];
  }
}

function row(name, value, text) {
  const head = make("div", { class: "compare-row" }, make("span", { textContent: name }), make("b", { textContent: value }));
  return make("div", { class: "compare-measure" }, head, why(text));
}

function why(textContent) {
  return make("p", { class: "compare-why", textContent });
}

/** What the ends of a histogram stand for. */
function ends(...texts) {
  return make("div", { class: "compare-ends" }, ...texts.map((textContent) => make("span", { textContent })));
}

/** Bars that select the images in them. @param {number[][]} bins */
function histogram(bins, what, pick) {
  const most = Math.max(1, ...bins.map((bin) => bin.length));
  const bars = bins.map((bin, i) => {
    const title = `${bin.length.toLocaleString("en")} ${what(i)}`;
    const properties = { class: "compare-bar", "aria-label": title, disabled: !bin.length };
    const bar = button("", title, () => pick(bin, what(i)), properties);
    bar.style.setProperty("--height", bin.length / most);
    return bar;
  });
  return make("div", { class: "compare-bars" }, ...bars);
}

/** The thumbnail of an image, which selects it. */
function face({ player }, index, value, choose) {
  const { thumbnail, labelName } = player.describe(index);
  const title = `${labelName}, ${value}`;
  const made = button("", title, choose, { class: "compare-face", "aria-label": title });
  if (!thumbnail) return Object.assign(made, { textContent: labelName });
  const { url, columns, rows, column, row: line } = thumbnail;
  Object.assign(made.style, {
    backgroundImage: `url("${url}")`,
    backgroundSize: `${columns * THUMBNAIL}px ${rows * THUMBNAIL}px`,
    backgroundPosition: `-${column * THUMBNAIL}px -${line * THUMBNAIL}px`,
  });
  return made;
}

function short(value) {
  return Math.abs(value) < 10 ? value.toFixed(2) : value.toPrecision(3);
}
