/* Regions and points on one WebGL2 canvas; a lost context is waited for and everything uploaded again. */

import { isSoftware, makeContext } from "./gl.mjs";
import { Points } from "./points.mjs";
import { RegionLayer } from "./regions.mjs";
import { emptyScene } from "./scene.mjs";
import { VoteLayer } from "./votes.mjs";

export class GpuRenderer {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(event: "lost" | "restored") => void} onContext
   * @param {boolean} hardware null also where WebGL2 is done by the processor
   * @returns {GpuRenderer | null}
   */
  static make(canvas, onContext, hardware) {
    const gl = makeContext(canvas);
    return gl && !(hardware && isSoftware(gl)) ? new GpuRenderer(gl, canvas, onContext) : null;
  }

  /**
   * @param {WebGL2RenderingContext} gl
   * @param {HTMLCanvasElement} canvas
   * @param {(event: "lost" | "restored") => void} onContext
   */
  constructor(gl, canvas, onContext) {
    this.gl = gl;
    this.canvas = canvas;
    this.kind = "gpu";
    this.removed = false;
    this.scene = emptyScene();
    this._build();
    canvas.addEventListener("webglcontextlost", (event) => {
      if (this.removed) return;
      event.preventDefault(); // so that the browser restores it
      onContext("lost");
    });
    canvas.addEventListener("webglcontextrestored", () => {
      if (this.removed) return; // another renderer has taken over
      this._build();
      this.set({ ...this.scene });
      onContext("restored");
    });
  }

  _build() {
    this.points = new Points(this.gl);
    this.regions = new RegionLayer(this.gl);
    this.votes = new VoteLayer(this.gl);
  }

  /** Upload what has changed. @param {Partial<import("./scene.mjs").Scene>} changed */
  set(changed) {
    Object.assign(this.scene, changed);
    if (this.gl.isContextLost()) return;
    const { points, regions, votes } = this;
    if (changed.frames) points.setFrames(changed.frames);
    if (changed.labels !== undefined) points.setLabels(changed.labels);
    if (changed.codes !== undefined) points.setCodes(changed.codes);
    if (changed.selection !== undefined) points.setSelection(changed.selection);
    if (changed.regions !== undefined) {
      const isVote = changed.regions?.kind === "vote";
      regions.setRegions(isVote ? null : changed.regions);
      votes.setRegions(isVote ? changed.regions : null);
    }
    if (changed.palette) {
      points.setColours(changed.palette, this.scene.ramp);
      regions.setColours(changed.palette);
      votes.setColours(changed.palette);
    }
  }

  /** @param {import("../geometry/view.mjs").View} view */
  draw(view) {
    const { gl, canvas } = this;
    if (gl.isContextLost()) return;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (view.regionOpacity > 0 || view.halfLine > 0) {
      gl.disable(gl.BLEND); // the first thing drawn
      this.regions.draw(view);
      this.votes.draw(view);
    }
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA); // colours are premultiplied
    this.points.draw(view);
  }

  /** Premultiplied RGBA of a device pixel, y from the top; right after drawing. @param {number} x @param {number} y */
  readPixel(x, y) {
    const { gl, canvas } = this;
    const rgba = new Uint8Array(4);
    gl.readPixels(x, canvas.height - 1 - y, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, rgba);
    return rgba;
  }

  /** Give the context back: a browser has only a few. */
  remove() {
    this.removed = true;
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
