/* The picture as PNG, as it is on the page, or printed by the server; and the first loss's grid as CSV or NPZ. */

import { draw, frameOf } from "./drawing.mjs";
import { download, make } from "../common/dom.mjs";
import { fetchFile } from "../common/http.mjs";

export const EXPORTS = [
  ["png", "The picture as an image, 1,200 points a side"],
  ["svg", "The picture with lines and letters that stay sharp"],
  ["pdf", "The same for print"],
  ["csv", "The first landscape as a table: x, y, loss"],
  ["npz", "The first landscape, its points and forces for NumPy"],
];
const SIDE = 600; // of one panel, in points
const SHARP = 2; // pixels a point in a PNG

/**
 * Save what the page shows.
 * @param {string} kind of EXPORTS
 * @param {import("./panel.mjs").Panel[]} panels
 * @param {Record<string, unknown> & {losses: {name: string}[]}} request of the landscape
 */
export async function exportAs(kind, panels, request) {
  const shown = [...panels[0].picture.shows];
  const blob = kind === "png" ? await paint(panels) : await fetchFile(`/api/landscape/${kind}`, { ...request, shown });
  download(blob, `landscape-${request.losses.map(({ name }) => name.replace(/\W+/g, "-")).join("-")}.${kind}`);
}

/**
 * All panels side by side.
 * @param {import("./panel.mjs").Panel[]} panels
 * @returns {Promise<Blob | null>}
 */
function paint(panels) {
  const columns = panels.length === 4 ? 2 : panels.length;
  const rows = Math.ceil(panels.length / columns);
  const canvas = make("canvas", { width: columns * SIDE * SHARP, height: rows * SIDE * SHARP });
  const ctx = canvas.getContext("2d");
  ctx.scale(SHARP, SHARP);
  panels.forEach(({ picture }, i) => {
    ctx.save();
    ctx.translate((i % columns) * SIDE, Math.floor(i / columns) * SIDE);
    draw(ctx, { ...picture, frame: frameOf(SIDE, SIDE) });
    ctx.restore();
  });
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
