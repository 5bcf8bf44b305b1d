/* A selection in words: "A lasso at epoch 2; also Shirt; without what euc gets wrong at epoch 2; inverted". */

import { short } from "../../common/numbers.mjs";

const PREFIXES = { replace: "", add: "also ", subtract: "without ", keep: "of these only " };

/** @param {import("./selector.mjs").Numbers} numbers */
export function describeSelection({ steps, class_names: names, epochs }) {
  /** @param {number} k */
  const name = (k) => names[k] ?? `class ${k}`;
  /** @param {number | null} [t] */
  const when = (t) => (t === undefined || t === null ? " at the moment" : ` at epoch ${short(epochAt(epochs, t))}`);
  const shapes = {
    polygon: ({ snapshot }) => `a lasso${when(snapshot)}`,
    box: ({ snapshot }) => `a box${when(snapshot)}`,
    images: ({ indices }) => (indices.length === 1 ? `image ${indices[0]}` : `${indices.length} images`),
    class: ({ classes }) => classes.map(name).join(", "),
    wrong: ({ classifier, snapshot }) => `what ${classifier} gets wrong${when(snapshot)}`,
    decided: ({ label, decision, classifier, snapshot }) =>
      label === decision
        ? `${name(label)} that ${classifier} gets right${when(snapshot)}`
        : `${name(label)} that ${classifier} takes for ${name(decision)}${when(snapshot)}`,
    within: ({ distance, of_class: k, to = "target", snapshot }) =>
      `all within ${short(distance)} of the ${to} of ${name(k)}${when(snapshot)}`,
  };
  const phrases = steps.map((step) =>
    step.do === "invert" ? "inverted" : `${PREFIXES[step.do]}${shapes[step.shape.kind](step.shape)}`,
  );
  const text = phrases.join("; ");
  return text && `${text[0].toUpperCase()}${text.slice(1)}`;
}

/** The epoch at a time in snapshots. @param {number[]} epochs @param {number} t */
function epochAt(epochs, t) {
  const [before, after] = [epochs[Math.floor(t)], epochs[Math.ceil(t)]];
  return before === undefined || after === undefined ? t : before + (t % 1) * (after - before);
}
