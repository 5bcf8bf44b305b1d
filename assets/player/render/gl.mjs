/* Making WebGL2 contexts, programs, textures and buffers. */

/** A WebGL2 context without depth, stencil and antialiasing, or null. @param {HTMLCanvasElement} canvas */
export function makeContext(canvas) {
  try {
    return canvas.getContext("webgl2", { alpha: true, antialias: false, depth: false, stencil: false });
  } catch {
    return null;
  }
}

/** Whether the processor does the graphics card's work. @param {WebGL2RenderingContext} gl */
export function isSoftware(gl) {
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER) ?? "";
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

/** @typedef {{use: () => void, at: Record<string, WebGLUniformLocation>}} Program `at` has every uniform by name */

/**
 * @param {WebGL2RenderingContext} gl
 * @param {string} vertex
 * @param {string} fragment
 * @returns {Program}
 */
export function makeProgram(gl, vertex, fragment) {
  const program = gl.createProgram();
  for (const { type, source } of [
    { type: gl.VERTEX_SHADER, source: vertex },
    { type: gl.FRAGMENT_SHADER, source: fragment },
  ]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
      throw new Error(`the graphics driver refuses a shader: ${gl.getShaderInfoLog(shader)}`);
    }
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`the graphics driver refuses a program: ${gl.getProgramInfoLog(program)}`);
  }
  /** @type {Record<string, WebGLUniformLocation>} */
  const at = {};
  const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) ?? 0;
  for (let i = 0; i < count; i++) {
    const name = gl.getActiveUniform(program, i).name.replace("[0]", "");
    at[name] = gl.getUniformLocation(program, name);
  }
  return { use: () => gl.useProgram(program), at };
}

/** A texture that is read texel by texel. @param {WebGL2RenderingContext} gl @param {number} target */
export function makeTexture(gl, target) {
  const texture = gl.createTexture();
  gl.bindTexture(target, texture);
  for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(target, name, gl.NEAREST);
  for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(target, name, gl.CLAMP_TO_EDGE);
  return texture;
}

/** Bind two textures to the first two units. @param {WebGL2RenderingContext} gl @param {WebGLTexture} first @param {WebGLTexture} second */
export function bindTextures(gl, first, second) {
  gl.activeTexture(gl.TEXTURE0);
  gl.bindTexture(gl.TEXTURE_2D, first);
  gl.activeTexture(gl.TEXTURE1);
  gl.bindTexture(gl.TEXTURE_2D, second);
}

/** A buffer that holds `data`. @param {WebGL2RenderingContext} gl @param {ArrayBufferView} data @param {number} target */
export function makeBuffer(gl, data, target) {
  const buffer = gl.createBuffer();
  gl.bindBuffer(target, buffer);
  gl.bufferData(target, data, gl.STATIC_DRAW);
  return buffer;
}

/**
 * A row of colours as a texture, 256 to a line: texel (k & 255, k >> 8).
 * @param {WebGL2RenderingContext} gl
 * @param {WebGLTexture} texture
 * @param {Uint8Array} rgba
 */
export function fillColours(gl, texture, rgba) {
  const lines = Math.max(1, Math.ceil(rgba.length / 1024));
  const padded = new Uint8Array(lines * 1024);
  padded.set(rgba);
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, lines, 0, gl.RGBA, gl.UNSIGNED_BYTE, padded);
}
