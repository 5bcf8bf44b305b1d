/* Decoding the explorer's binary responses, which explorer/web/binary.py writes. */

/** @typedef {Uint8Array | Uint16Array | Int32Array | Float32Array | Float64Array} Numbers */
/** @typedef {{arrays: Record<string, Numbers>, shapes: Record<string, number[]>, meta: Record<string, any>}} Decoded */

const TYPES = { u8: Uint8Array, u16: Uint16Array, i32: Int32Array, f32: Float32Array, f64: Float64Array };

/** Data that cannot be shown; the message is one sentence for the user. */
export class DataError extends Error {
  /** @param {string} message @param {number} [status] of the server's answer; 0: there is none */
  constructor(message, status = 0) {
    super(message);
    this.name = "DataError";
    this.status = status;
  }
}

/**
 * @param {ArrayBuffer} buffer
 * @param {string} [what] for error messages: "the frames"
 * @returns {Decoded} arrays are views of the buffer
 */
export function decode(buffer, what = "the data") {
  const bad = (why) => new DataError(`${what} cannot be read: ${why}; reload the page`);
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < 8) throw bad("the response is empty or cut short");
  const length = new DataView(buffer).getUint32(0, true);
  if (length < 2 || length > buffer.byteLength - 4) throw bad("the response is cut short or of another kind");
  let header;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(buffer, 4, length)));
  } catch {
    throw bad("its header is damaged");
  }
  const { arrays: table, bytes, ...meta } = header ?? {};
  if (typeof table !== "object" || table === null) throw bad("its header names no arrays");
  const start = 4 + length;
  if (bytes !== buffer.byteLength - start) {
    throw bad(`${buffer.byteLength - start} bytes of arrays came instead of ${bytes}`);
  }
  /** @type {Decoded} */
  const decoded = { arrays: {}, shapes: {}, meta };
  for (const [name, entry] of Object.entries(table)) {
    const Type = TYPES[entry?.dtype];
    const count = Array.isArray(entry?.shape) ? entry.shape.reduce((product, side) => product * side, 1) : NaN;
    if (!Type || !Number.isInteger(count) || !Number.isInteger(entry.offset)) {
      throw bad(`'${name}' is of an unknown kind`);
    }
    const end = entry.offset + count * Type.BYTES_PER_ELEMENT;
    if (entry.offset < 0 || end > bytes || (start + entry.offset) % Type.BYTES_PER_ELEMENT) {
      throw bad(`'${name}' does not lie within it`);
    }
    decoded.arrays[name] = new Type(buffer, start + entry.offset, count);
    decoded.shapes[name] = entry.shape;
  }
  return decoded;
}
