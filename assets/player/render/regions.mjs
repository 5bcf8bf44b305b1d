/* The regions under the points: polygons with soft edges, computed for every frame. */

import { FAINT_REGION } from "../colours.mjs";
import { Diagram, EDGE } from "../geometry/cells.mjs";
import { fillColours, makeProgram, makeTexture } from "./gl.mjs";

const COLOURS = `
uniform sampler2D palette;              // alpha: 0 hidden, 1 shown, between: dimmed
uniform float opacity, halfLine;        // halfLine: half a boundary's width in device pixels, 0: no boundaries
uniform vec4 ink;                       // of the boundaries

vec4 fill(int k) {                      // premultiplied
  vec4 colour = texelFetch(palette, ivec2(k & 255, k >> 8), 0);
  float alpha = opacity * (colour.a < 1.0 ? ${FAINT_REGION} * colour.a : 1.0);
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

export class RegionLayer {
  /** @param {WebGL2RenderingContext} gl */
  constructor(gl) {
    this.gl = gl;
    this.fill = makeProgram(gl, FILL_VERTEX, FILL_FRAGMENT);
    this.edge = makeProgram(gl, EDGE_VERTEX, EDGE_FRAGMENT);
    this.palette = makeTexture(gl, gl.TEXTURE_2D);
    this.diagram = new Diagram();
    this.triangles = new VertexList(gl, [3]); // place and class of each corner
    this.edges = new VertexList(gl, [4, 2]); // both ends and the classes of each of its six corners
    /** @type {import("../data.mjs").Regions | null} */
    this.regions = null;
  }

  /** @param {import("../data.mjs").Regions | null} regions */
  setRegions(regions) {
    this.regions = regions;
  }

  /** @param {Uint8Array} palette RGBA of the classes */
  setColours(palette) {
    fillColours(this.gl, this.palette, palette);
  }

  /** Draw without blending, over whatever is on the canvas. @param {import("../geometry/view.mjs").View} view */
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
    triangles.draw();
    this._use(edge, view);
    gl.uniform1f(edge.at.reach, view.halfLine + 1);
    edges.draw();
    gl.bindVertexArray(null);
  }

  /** @param {import("./gl.mjs").Program} program @param {import("../geometry/view.mjs").View} view */
  _use(program, view) {
    const { gl } = this;
    program.use();
    gl.uniform2f(program.at.perPixel, 2 / gl.drawingBufferWidth, 2 / gl.drawingBufferHeight);
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

  /** @param {number} n of the diagram's corners @param {number} own class */
  _corner(n, own) {
    const { diagram, triangles } = this;
    const data = triangles.room(triangles.count + 1);
    const at = triangles.size * triangles.count++;
    data[at] = diagram.x[n];
    data[at + 1] = diagram.y[n];
    data[at + 2] = own;
  }

  /** Every edge as the six corners of two triangles. */
  _fillEdges() {
    const { diagram, edges } = this;
    edges.count = 6 * diagram.edgeCount;
    const data = edges.room(edges.count);
    for (let n = 0; n < edges.count; n++) {
      const from = EDGE * Math.floor(n / 6);
      for (let i = 0; i < EDGE; i++) data[EDGE * n + i] = diagram.edges[from + i];
    }
  }
}

/** Vertices that are new in every frame, drawn as triangles. */
class VertexList {
  /**
   * @param {WebGL2RenderingContext} gl
   * @param {number[]} sizes how many numbers each attribute has
   */
  constructor(gl, sizes) {
    this.gl = gl;
    this.size = sizes.reduce((sum, size) => sum + size); // numbers a vertex
    this.count = 0; // vertices
    this.data = new Float32Array(0);
    this.buffer = gl.createBuffer();
    this.array = gl.createVertexArray();
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    let at = 0;
    sizes.forEach((size, location) => {
      gl.enableVertexAttribArray(location);
      gl.vertexAttribPointer(location, size, gl.FLOAT, false, 4 * this.size, 4 * at);
      at += size;
    });
    gl.bindVertexArray(null);
  }

  /** The numbers, with room for so many vertices. @param {number} count */
  room(count) {
    const { data, size } = this;
    if (data.length < size * count) {
      this.data = new Float32Array(Math.max(1024, 2 * size * count));
      this.data.set(data);
    }
    return this.data;
  }

  draw() {
    const { gl } = this;
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, this.data, gl.STREAM_DRAW, 0, this.size * this.count);
    gl.drawArrays(gl.TRIANGLES, 0, this.count); // not instanced: software renderers are slow at that
  }
}
