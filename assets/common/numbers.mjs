/* Numbers as people read and type them, and sentences with them. */

/** 12,345. @param {number} n */
export const count = (n) => Math.round(n).toLocaleString("en");

/** "1 image", "12 images". @param {number} n @param {string} what */
export const counted = (n, what) => `${count(n)} ${what}${n === 1 ? "" : "s"}`;

/** @param {number | null | undefined} share of 1 @param {number} [decimals] */
export const percent = (share, decimals = 1) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(decimals)} %`);

/** Three digits, without zeros at the end; large ones as a power of ten. @param {number | null} value */
export function short(value) {
  if (value === null || !Number.isFinite(value)) return "–";
  return Math.abs(value) >= 1e5 ? power(value, 2) : String(Number(value.toPrecision(3)));
}

/** Five digits, without zeros at the end; also for what is not finite. @param {number} value */
export function precise(value) {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "minus infinite";
  const size = Math.abs(value);
  return size !== 0 && (size >= 1e6 || size < 1e-4) ? power(value, 3) : String(Number(value.toPrecision(5)));
}

/** All its digits, as people type them: 1e5, 1e-6, 0.00045. @param {number} value */
export function typed(value) {
  const [size, text, short] = [Math.abs(value), String(value), power(value)];
  return (size >= 1e4 || (size > 0 && size < 1e-4)) && short.length < text.length ? short : text;
}

/** 1.5e7. @param {number} value @param {number} [decimals] */
function power(value, decimals) {
  return value.toExponential(decimals).replace("e+", "e");
}

/** @param {number} n */
export function bytes(n) {
  if (n < 1e5) return "< 0.1 MB";
  return n < 1e9 ? `${Number((n / 1e6).toPrecision(n < 1e7 ? 2 : 3))} MB` : `${Number((n / 1e9).toPrecision(2))} GB`;
}

/** 1:02:03 or 2:03. @param {number | null} seconds */
export function duration(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), Math.round(seconds % 60)];
  const two = (n) => String(Math.min(n, 59)).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** What went wrong, as a sentence that stands by itself; "" is "". @param {string} problem */
export const sentence = (problem) => problem && `${problem[0].toUpperCase()}${problem.slice(1)}.`;

/**
 * Round numbers between two, about `most` of them, and the step from one to the next.
 * @param {number} low @param {number} high @param {number} most
 */
export function roundNumbers(low, high, most) {
  const least = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= 0.999 * least) ?? 10);
  const values = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n++) values.push(n * step);
  return { step, values };
}
