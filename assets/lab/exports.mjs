/* The picture as PNG, SVG or PDF, drawn by the same code as on the page, and the first loss's grid as CSV or NPZ. */

import { draw, frameOf } from "./drawing.mjs";
import { PdfPaper } from "./print/pdf.mjs";
import { download, make } from "../common/dom.mjs";
import { fetchFile } from "../common/http.mjs";
import { SvgPaper } from "./print/svg.mjs";

export const EXPORTS = [
  ["png", "The picture as an image, 1,200 points a side"],
  ["svg", "The picture with lines and letters that stay sharp"],
  ["pdf", "The same for print"],
  ["csv", "The first landscape as a table: x, y, loss"],
  ["npz", "The first landscape, its points and forces for NumPy"],
];
const SIDE = 600; // of one panel, in points
const SHARP = 2; // pixels a point in a PNG

/** @param {"png" | "svg" | "pdf" | "csv" | "npz"} kind @param {import("./panel.mjs").Panel[]} panels @param {object} request */
export async function exportAs(kind, panels, request) {
  const blob = kind === "csv" || kind === "npz" ? await fetchFile(`/api/landscape/${kind}`, request) : await picture(kind, panels);
  download(blob, `landscape-${request.losses.map(({ name }) => name.replace(/\W+/g, "-")).join("-")}.${kind}`);
}

/** All panels side by side. @returns {Promise<Blob>} */
export async function picture(kind, panels) {
  const columns = panels.length === 4 ? 2 : panels.length;
  const rows = Math.ceil(panels.length / columns);
  const [width, height] = [columns * SIDE, rows * SIDE];
  const paint = (paper) =>
    panels.forEach((panel, i) => {
      paper.save();
      paper.translate((i % columns) * SIDE, Math.floor(i / columns) * SIDE);
      draw(paper, { ...panel.picture, frame: frameOf(SIDE, SIDE), theme: { ...panel.picture.theme } });
      paper.restore();
    });
  if (kind === "svg") {
    const paper = new SvgPaper(width, height);
    paint(paper);
    return paper.blob();
  }
  if (kind === "pdf") {
    const paper = new PdfPaper(width, height);
    paint(paper);
    return paper.blob();
  }
  const canvas = make("canvas", { width: width * SHARP, height: height * SHARP });
  const ctx = canvas.getContext("2d");
  ctx.scale(SHARP, SHARP);
  paint(ctx);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
