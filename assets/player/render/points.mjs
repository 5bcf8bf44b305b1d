/* The images as points: two snapshots as vertex attributes, the blend as one uniform; playing changes one number. */

import { FAINT_POINT } from "../colours.mjs";
import { bindTextures, fillColours, makeBuffer, makeProgram, makeTexture } from "./gl.mjs";

const VERTEX = `#version 300 es
precision highp float;
layout(location = 0) in vec2 from;      // position at the snapshot before, 0..1 over the box
layout(location = 1) in vec2 to;        // and after
layout(location = 2) in uint label;
layout(location = 3) in uint codeFrom;  // prediction, or margin or distance as a byte
layout(location = 4) in uint codeTo;
layout(location = 5) in uint chosen;    // 0: outside the selection
uniform float blend;
uniform vec4 camera;                    // clip space = camera.xy * position + camera.zw
uniform float size, opacity;            // diameter in device pixels
uniform int mode, layer;                // layer: 0 all points, 1 those in the background, 2 those in front
uniform vec4 scale;                     // share of the ramp = scale.x + scale.y * codeFrom; .zw for codeTo
uniform vec3 right, wrong, unknown;
uniform sampler2D palette, ramp;        // palette alpha: 0 hidden, 1 shown, between: dimmed
flat out vec4 colour;

vec4 paletteAt(uint k) { return texelFetch(palette, ivec2(int(k & 255u), int(k >> 8u)), 0); }

void main() {
  vec4 own = paletteAt(label);
  bool dim = own.a < 1.0 || chosen == 0u, front = !dim;
  vec3 rgb = own.rgb;
  if (mode == 1) {                      // prediction
    rgb = mix(paletteAt(codeFrom).rgb, paletteAt(codeTo).rgb, blend);
  } else if (mode == 2) {               // right or wrong
    float share = mix(float(codeFrom != label), float(codeTo != label), blend);
    rgb = mix(right, wrong, share);
    front = front && share > 0.5;
  } else if (mode == 3) {               // margin or distance
    float share = mix(scale.x + scale.y * float(codeFrom), scale.z + scale.w * float(codeTo), blend);
    bool known = codeFrom != 255u && codeTo != 255u;
    rgb = known ? texelFetch(ramp, ivec2(int(clamp(share, 0.0, 1.0) * 255.0 + 0.5), 0), 0).rgb : unknown;
  } else if (mode == 4) {               // nothing is known of the points
    rgb = unknown;
  }
  bool absent = own.a == 0.0 || from.x > 0.99999 || to.x > 0.99999 || (layer == 1 && front) || (layer == 2 && !front);
  colour = vec4(rgb, opacity * (dim ? ${FAINT_POINT} : 1.0));
  gl_Position = absent ? vec4(2.0, 2.0, 2.0, 1.0) : vec4(camera.xy * mix(from, to, blend) + camera.zw, 0.0, 1.0);
  gl_PointSize = size + 1.0;            // a pixel more, for the soft edge
}`;

const FRAGMENT = `#version 300 es
precision highp float;
flat in vec4 colour;
uniform float size;
uniform vec3 page;
uniform float rim;                      // how much of the page's colour the outermost pixel has
out vec4 pixel;

void main() {
  float away = length(gl_PointCoord - 0.5) * (size + 1.0);            // device pixels from the centre
  float inside = clamp(0.5 * size + 0.5 - away, 0.0, 1.0);            // anti-aliased disc
  float edge = clamp(away - 0.5 * size + 1.5, 0.0, 1.0) * rim;        // its outermost pixel
  float alpha = colour.a * inside;
  pixel = vec4(mix(colour.rgb, page, edge) * alpha, alpha);
}`;

// Uniforms that are fields of the view
const NUMBERS = /** @type {const} */ (["blend", "size", "opacity", "rim"]);
const RGB = /** @type {const} */ (["right", "wrong", "unknown", "page"]);
const QUADRUPLES = /** @type {const} */ (["camera", "scale"]);

export class Points {
  /** @param {WebGL2RenderingContext} gl */
  constructor(gl) {
    this.gl = gl;
    this.program = makeProgram(gl, VERTEX, FRAGMENT);
    this.vertices = gl.createVertexArray();
    this.palette = makeTexture(gl, gl.TEXTURE_2D);
    this.ramp = makeTexture(gl, gl.TEXTURE_2D);
    this.N = this.T = 0;
    /** @type {Record<"points" | "labels" | "codes" | "selection" | "order", WebGLBuffer | null>} */
    this.buffers = { points: null, labels: null, codes: null, selection: null, order: null };
    this.wide = { labels: false, codes: false }; // two bytes a class
  }

  /** @param {import("../data.mjs").Frames} frames */
  setFrames(frames) {
    this.N = frames.N;
    this.T = frames.T;
    this._replace("points", frames.points);
    this.setCodes(null);
    this.setSelection(null);
  }

  /** @param {import("../data.mjs").Codes | null} labels (N,) */
  setLabels(labels) {
    this._replace("labels", labels);
    this.wide.labels = labels instanceof Uint16Array;
    this._replace("order", labels && drawingOrder(labels), this.gl.ELEMENT_ARRAY_BUFFER);
  }

  /** The codes that colour the points. @param {import("../data.mjs").Codes | null} codes (T, N) */
  setCodes(codes) {
    this._replace("codes", codes);
    this.wide.codes = codes instanceof Uint16Array;
  }

  /** @param {Uint8Array | null} selection (N,) 1 for each selected image, null: all */
  setSelection(selection) {
    this._replace("selection", selection);
  }

  /** @param {Uint8Array} palette RGBA of the classes @param {Uint8Array} ramp RGBA of 256 steps */
  setColours(palette, ramp) {
    fillColours(this.gl, this.palette, palette);
    fillColours(this.gl, this.ramp, ramp);
  }

  /** @param {import("../geometry/view.mjs").View} view */
  draw(view) {
    const { gl, program, buffers } = this;
    if (!this.N) return;
    program.use();
    gl.bindVertexArray(this.vertices);
    this._positions(0, view.before);
    this._positions(1, view.after);
    this._integers(2, buffers.labels, this.wide.labels, 0);
    this._integers(3, buffers.codes, this.wide.codes, view.before * this.N);
    this._integers(4, buffers.codes, this.wide.codes, view.after * this.N);
    this._integers(5, buffers.selection, false, 0);
    const { at } = program;
    bindTextures(gl, this.palette, this.ramp);
    gl.uniform1i(at.palette, 0);
    gl.uniform1i(at.ramp, 1);
    for (const name of NUMBERS) gl.uniform1f(at[name], view[name]);
    for (const name of RGB) gl.uniform3fv(at[name], view[name]);
    for (const name of QUADRUPLES) gl.uniform4fv(at[name], view[name]);
    gl.uniform1i(at.mode, view.mode);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffers.order);
    if (view.layered) {
      this._layer(1);
      this._layer(2);
    } else {
      this._layer(0);
    }
    gl.bindVertexArray(null);
  }

  /** @param {number} layer as in the shader */
  _layer(layer) {
    const { gl } = this;
    gl.uniform1i(this.program.at.layer, layer);
    if (this.buffers.order) gl.drawElements(gl.POINTS, this.N, gl.UNSIGNED_INT, 0);
    else gl.drawArrays(gl.POINTS, 0, this.N);
  }

  /** @param {number} location of the attribute @param {number} snapshot */
  _positions(location, snapshot) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.points);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, 2, gl.UNSIGNED_SHORT, true, 4, snapshot * this.N * 4);
  }

  /**
   * @param {number} location of the attribute
   * @param {WebGLBuffer | null} buffer
   * @param {boolean} wide two bytes each
   * @param {number} first of the integers
   */
  _integers(location, buffer, wide, first) {
    const { gl } = this;
    if (!buffer) {
      gl.disableVertexAttribArray(location);
      gl.vertexAttribI4ui(location, location === 5 ? 1 : 0, 0, 0, 0);
      return;
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribIPointer(location, 1, wide ? gl.UNSIGNED_SHORT : gl.UNSIGNED_BYTE, 0, wide ? 2 * first : first);
  }

  /** @param {keyof Points["buffers"]} name @param {ArrayBufferView | null} data @param {number} [target] */
  _replace(name, data, target = this.gl.ARRAY_BUFFER) {
    this.gl.bindVertexArray(null); // or its element buffer would change
    if (this.buffers[name]) this.gl.deleteBuffer(this.buffers[name]);
    this.buffers[name] = data ? makeBuffer(this.gl, data, target) : null;
  }
}

/**
 * An order in which no class lies on top of the others, or null where the images are mixed already.
 * @param {import("../data.mjs").Codes} labels
 */
export function drawingOrder(labels) {
  let runs = 1;
  for (let i = 1; i < labels.length; i++) if (labels[i] !== labels[i - 1]) runs++;
  if (labels.length / runs < 4) return null;
  const order = new Uint32Array(labels.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  let random = 1; // a fixed seed: the same picture every time
  for (let i = order.length - 1; i > 0; i--) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((random / 4294967296) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
