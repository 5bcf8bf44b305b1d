/* The inputs of a renderer besides the view; a restored graphics context is filled from it again. */

/**
 * @typedef {object} Scene
 * @property {import("../data.mjs").Frames | null} frames
 * @property {import("../data.mjs").Codes | null} labels
 * @property {import("../data.mjs").Codes | null} codes  that colour the points (T, N)
 * @property {Uint8Array | null} selection               1 for each selected image (N,)
 * @property {import("../data.mjs").Regions | null} regions
 * @property {Uint8Array | null} palette                 RGBA of the classes, see `paletteBytes`
 * @property {Uint8Array | null} ramp                    RGBA of 256 steps
 */
/** @typedef {import("./gpu.mjs").GpuRenderer | import("./cpu.mjs").CpuRenderer} Renderer */

/** @returns {Scene} */
export function emptyScene() {
  return { frames: null, labels: null, codes: null, selection: null, regions: null, palette: null, ramp: null };
}
