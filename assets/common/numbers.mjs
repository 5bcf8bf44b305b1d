/* Numbers as people read them. */

export const count = (n) => Math.round(n).toLocaleString("en");

export function bytes(n) {
  if (n < 1e5) return "< 0.1 MB";
  return n < 1e9 ? `${Number((n / 1e6).toPrecision(n < 1e7 ? 2 : 3))} MB` : `${Number((n / 1e9).toPrecision(2))} GB`;
}

/** 1:02:03 or 2:03. */
export function duration(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), Math.round(seconds % 60)];
  const two = (n) => String(Math.min(n, 59)).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export const percent = (share) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(1)} %`);

/** Four digits, or three and a power of ten. */
export function short(value) {
  if (value === null || !Number.isFinite(value)) return "–";
  return Math.abs(value) >= 1e5 ? value.toExponential(2).replace("e+", "e") : String(Number(value.toPrecision(4)));
}
