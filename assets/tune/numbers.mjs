/* Formats of numbers and colours of accuracies. */

import { percent } from "../common/numbers.mjs";

/** A share in percent with two decimals, since trials differ by less than one percent. @param {number | null | undefined} share */
export const exact = (share) => percent(share, 2);

/** @type {Record<string, string>} */
const LABELS = { lr: "learning rate", batch_size: "batch", dim: "D" };
/** @param {string} name of a hyperparameter */
export const label = (name) => LABELS[name] ?? name;

/** The value of a hyperparameter: three digits, integers in full. @param {number} number */
export function value(number) {
  if (Number.isInteger(number)) return number.toLocaleString("en");
  const digits = Number(number.toPrecision(3));
  return Math.abs(digits) < 1e-3 ? digits.toExponential() : digits.toLocaleString("en", { maximumFractionDigits: 5 });
}

/**
 * The range of accuracies for colours and axes; it leaves out bad trials, which would squeeze the others together.
 * @param {import("./answers.d.ts").Trial[]} trials @returns {[low: number, high: number]}
 */
export function span(trials) {
  const accuracies = trials.map(({ best }) => best).filter((best) => best !== null).sort((a, b) => a - b);
  if (!accuracies.length) return [0, 1];
  const [quarter, top] = [accuracies[Math.floor(accuracies.length / 4)], accuracies.at(-1)];
  const low = Math.max(accuracies[0], 2 * quarter - top);
  return top > low ? [low, top] : [Math.max(0, top - 0.01), top];
}

/** Colour of an accuracy, from grey to the accent colour. @param {number | null} best @param {[low: number, high: number]} range */
export function colour(best, [low, high]) {
  if (best === null) return "var(--tune-none)";
  const share = Math.max(0, Math.min(1, (best - low) / (high - low)));
  return `color-mix(in oklab, var(--tune-low), var(--tune-high) ${(100 * share ** 4).toFixed(0)}%)`;
}
