/* The regions under the points: polygons with soft edges, computed for every frame. */

import { Diagram, EDGE } from "../geometry/cells.mjs";
import { fillColours, makeProgram, makeTexture } from "./gl.mjs";

const COLOURS = `
uniform sampler2D palette;              // alpha: 0 hidden, 1 shown, between: dimmed
uniform float opacity, halfLine;        // halfLine: half a boundary's width in device pixels, 0: no boundaries
uniform vec4 ink;                       // of the boundaries

vec4 fill(int k) {                      // premultiplied
  vec4 colour = texelFetch(palette, ivec2(k & 255, k >> 8), 0);
  float alpha = opacity * (colour.a < 1.0 ? 0.35 * colour.a : 1.0);
  return vec4(colour.rgb * alpha, alpha);
}
vec4 over(vec4 base, float away) {      // a boundary drawn over a fill, "away" device pixels from it
  float line = halfLine > 0.0 ? ink.a * clamp(halfLine + 0.5 - away, 0.0, 1.0) : 0.0;
  return vec4(ink.rgb * line, line) + base * (1.0 - line);
}
`;

const FILL_VERTEX = `#version 300 es
precision highp float;
layout(location = 0) in vec3 corner;    // device pixels from the middle, class
uniform vec2 perPixel;                  // clip space a device pixel
${COLOURS}
flat out vec4 colour;
void main() {
  colour = fill(int(corner.z));
  gl_Position = vec4(corner.xy * perPixel, 0.0, 1.0);
}`;

const FILL_FRAGMENT = `#version 300 es
precision highp float;
flat in vec4 colour;
out vec4 pixel;
void main() { pixel = colour; }`;

const EDGE_VERTEX = `#version 300 es
precision highp float;
layout(location = 0) in vec4 ends;      // of an edge, device pixels from the middle; six corners have the same
layout(location = 1) in vec2 classes;   // to the left and to the right of it
uniform vec2 perPixel;
uniform float reach;                    // device pixels to either side that the edge recolours
out float side;                         // device pixels to the left of the edge
flat out ivec2 pair;
void main() {
  int corner = gl_VertexID % 6;         // of two triangles
  bool left = corner == 0 || corner == 2 || corner == 3;
  bool end = corner == 2 || corner == 3 || corner == 5;
  vec2 along = normalize(ends.zw - ends.xy);
  side = left ? reach : -reach;
  vec2 place = (end ? ends.zw : ends.xy) + side * vec2(-along.y, along.x);
  pair = ivec2(classes);
  gl_Position = vec4(place * perPixel, 0.0, 1.0);
}`;

const EDGE_FRAGMENT = `#version 300 es
precision highp float;
in float side;
flat in ivec2 pair;
${COLOURS}
out vec4 pixel;
void main() {
  vec4 base = mix(fill(pair.y), fill(pair.x), clamp(0.5 + side, 0.0, 1.0));
  pixel = over(base, abs(side));
}`;

const CORNER = 3; // numbers a corner: x, y, class

export class RegionLayer {
  /** @param {WebGL2RenderingContext} gl */
  constructor(gl) {
    this.gl = gl;
    this.fill = makeProgram(gl, FILL_VERTEX, FILL_FRAGMENT);
    this.edge = makeProgram(gl, EDGE_VERTEX, EDGE_FRAGMENT);
    this.palette = makeTexture(gl, gl.TEXTURE_2D);
    this.diagram = new Diagram();
    this.triangles = { count: 0, data: new Float32Array(0) }; // corners
    this.edges = { count: 0, data: new Float32Array(0) };
    this._makeArrays();
    /** @type {import("../data.mjs").Regions | null} */
    this.regions = null;
  }

  _makeArrays() {
    const { gl } = this;
    this.triangles.buffer = gl.createBuffer();
    this.triangles.array = gl.createVertexArray();
    gl.bindVertexArray(this.triangles.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.triangles.buffer);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, CORNER, gl.FLOAT, false, 0, 0);
    this.edges.buffer = gl.createBuffer();
    this.edges.array = gl.createVertexArray();
    gl.bindVertexArray(this.edges.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.edges.buffer);
    for (const [location, size, at] of [
      [0, 4, 0],
      [1, 2, 16],
    ]) {
      gl.enableVertexAttribArray(location);
      gl.vertexAttribPointer(location, size, gl.FLOAT, false, 4 * EDGE, at);
    }
    gl.bindVertexArray(null);
  }

  /** @param {import("../data.mjs").Regions | null} regions */
  setRegions(regions) {
    this.regions = regions;
  }

  /** @param {Uint8Array} palette RGBA of the classes */
  setColours(palette) {
    fillColours(this.gl, this.palette, palette);
  }

  /**
   * Draw without blending, over whatever is on the canvas.
   * @param {object} view
   * @param {number} view.before snapshot
   * @param {number} view.after snapshot
   * @param {number} view.blend between them
   * @param {import("../geometry/planes.mjs").Camera} view.frame
   * @param {number} view.density device pixels a CSS pixel
   * @param {number} view.regionOpacity
   * @param {number} view.halfLine half a boundary's width in device pixels, 0: none
   * @param {Float32Array} view.ink colour of the boundaries
   */
  draw(view) {
    const { gl, regions } = this;
    if (!regions) return;
    const { drawingBufferWidth: width, drawingBufferHeight: height } = gl;
    const { fill, edge, triangles, edges } = this;
    this.diagram.update(regions, view, width, height);
    this._fillTriangles();
    this._fillEdges();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.palette);
    this._use(fill, view);
    gl.uniform2f(fill.at.perPixel, 2 / width, 2 / height);
    upload(gl, triangles, CORNER);
    gl.drawArrays(gl.TRIANGLES, 0, triangles.count);
    this._use(edge, view);
    gl.uniform2f(edge.at.perPixel, 2 / width, 2 / height);
    gl.uniform1f(edge.at.reach, view.halfLine + 1);
    upload(gl, edges, EDGE);
    gl.drawArrays(gl.TRIANGLES, 0, edges.count); // not instanced: software renderers are slow at that
    gl.bindVertexArray(null);
  }

  _use(program, view) {
    const { gl } = this;
    program.use();
    gl.uniform1i(program.at.palette, 0);
    gl.uniform1f(program.at.opacity, view.regionOpacity);
    gl.uniform1f(program.at.halfLine, view.halfLine);
    gl.uniform4fv(program.at.ink, view.ink);
  }

  /** Every polygon as triangles around its first corner. */
  _fillTriangles() {
    const { diagram, triangles } = this;
    triangles.count = 0;
    for (let i = 0; i < diagram.count; i++) {
      const first = diagram.first[i];
      for (let n = first + 2; n < diagram.first[i + 1]; n++) {
        this._corner(first, diagram.classes[i]);
        this._corner(n - 1, diagram.classes[i]);
        this._corner(n, diagram.classes[i]);
      }
    }
  }

  _corner(n, own) {
    const at = CORNER * this.triangles.count++;
    const data = roomFor(this.triangles, at + CORNER);
    data[at] = this.diagram.x[n];
    data[at + 1] = this.diagram.y[n];
    data[at + 2] = own;
  }

  /** Every edge as the six corners of two triangles. */
  _fillEdges() {
    const { diagram, edges } = this;
    edges.count = 6 * diagram.edgeCount;
    const data = roomFor(edges, EDGE * edges.count);
    for (let n = 0; n < edges.count; n++) {
      const from = EDGE * Math.floor(n / 6);
      for (let i = 0; i < EDGE; i++) data[EDGE * n + i] = diagram.edges[from + i];
    }
  }
}

/** The numbers of a list, with room for so many. */
function roomFor(list, length) {
  if (list.data.length >= length) return list.data;
  const { data } = list;
  list.data = new Float32Array(Math.max(1024, 2 * length));
  list.data.set(data);
  return list.data;
}

/** Send what was filled in of a list, and get ready to draw it. */
function upload(gl, list, floats) {
  gl.bindVertexArray(list.array);
  gl.bindBuffer(gl.ARRAY_BUFFER, list.buffer);
  gl.bufferData(gl.ARRAY_BUFFER, list.data, gl.STREAM_DRAW, 0, floats * list.count);
}
