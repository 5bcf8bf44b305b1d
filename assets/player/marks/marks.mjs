/* The marks of the overlay, each drawn once and copied into every frame. */

import { make } from "../../common/dom.mjs";

/** @typedef {import("../colours.mjs").Theme} Theme */
/** @typedef {{image: HTMLCanvasElement, width: number, height: number}} Sprite sizes in CSS pixels */

export const TARGET = 7; // radius of a target's disc, CSS pixels
export const CENTRE = 5; // half a centre's cross
export const DIMMED = 0.35; // strength of what is outside the focus
export const FONT_SIZE = 12;
export const FONT = `600 ${FONT_SIZE}px Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;

/**
 * A small picture.
 * @param {number} width CSS pixels
 * @param {number} height
 * @param {number} density device pixels a CSS pixel
 * @param {(context: CanvasRenderingContext2D) => void} draw around the middle
 * @returns {Sprite}
 */
export function sprite(width, height, density, draw) {
  const image = make("canvas", { width: Math.ceil(width * density), height: Math.ceil(height * density) });
  const context = image.getContext("2d");
  context.scale(density, density);
  context.translate(width / 2, height / 2);
  draw(context);
  return { image, width: image.width / density, height: image.height / density };
}

/** A target: a disc, a gap, a ring. @param {CanvasRenderingContext2D} context @param {string} colour @param {Theme} theme */
export function drawTarget(context, colour, theme) {
  const disc = (radius, fill) => {
    context.beginPath();
    context.arc(0, 0, radius, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.fill();
  };
  disc(TARGET + 3, theme.page);
  disc(TARGET + 1.5, colour);
  disc(TARGET - 1, theme.ring);
  disc(TARGET - 3, colour);
}

/** A cross with a thin edge. @param {CanvasRenderingContext2D} context @param {string} colour @param {Theme} theme */
export function drawCentre(context, colour, theme) {
  context.lineCap = "round";
  for (const { width, stroke } of [
    { width: 4.75, stroke: theme.ring },
    { width: 2.25, stroke: colour },
  ]) {
    context.lineWidth = width;
    context.strokeStyle = stroke;
    context.beginPath();
    for (const sign of [1, -1]) {
      context.moveTo(-0.7 * CENTRE, -0.7 * CENTRE * sign);
      context.lineTo(0.7 * CENTRE, 0.7 * CENTRE * sign);
    }
    context.stroke();
  }
}
