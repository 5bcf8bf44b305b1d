/* Numbers as people read them, and the colour of an accuracy. */

export { duration } from "../common/numbers.mjs";

/** Two digits of percent: trials differ by less than one. */
export const exact = (share) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(2)} %`);

const LABELS = { lr: "learning rate", batch_size: "batch", dim: "D" };
export const label = (name) => LABELS[name] ?? name;

/** A hyperparameter's value: three digits, whole numbers whole. */
export function value(number) {
  if (Number.isInteger(number)) return number.toLocaleString("en");
  const digits = Number(number.toPrecision(3));
  return Math.abs(digits) < 1e-3 ? digits.toExponential() : digits.toLocaleString("en", { maximumFractionDigits: 5 });
}

/** The range of accuracies that colours and axes cover: bad trials do not squeeze the others together. */
export function span(trials) {
  const found = trials.map(({ best }) => best).filter((best) => best !== null).sort((a, b) => a - b);
  if (!found.length) return [0, 1];
  const [quarter, top] = [found[Math.floor(found.length / 4)], found.at(-1)];
  const low = Math.max(found[0], 2 * quarter - top);
  return top > low ? [low, top] : [Math.max(0, top - 0.01), top];
}

/** From quiet to the accent, by accuracy. */
export function colour(best, [low, high]) {
  if (best === null) return "var(--tune-none)";
  const share = Math.max(0, Math.min(1, (best - low) / (high - low)));
  return `color-mix(in oklab, var(--tune-low), var(--tune-high) ${(100 * share ** 4).toFixed(0)}%)`;
}

export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, content] of Object.entries(attributes)) element.setAttribute(name, content);
  element.append(...children);
  return element;
}
