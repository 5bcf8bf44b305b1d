/* Contours of a grid by marching squares, with straight edges between the crossings of the cells' sides. */

/**
 * @param {Float32Array} grid  (n, n), rows upwards; NaN has no contours
 * @param {number} n
 * @param {number[]} levels  ascending
 * @returns {Float32Array[]} per level pairs of points x0, y0, x1, y1, ... in cells from the first column and row
 */
export function contours(grid, n, levels) {
  /** @type {number[][]} */
  const lines = levels.map(() => []);
  for (let row = 0; row < n - 1; row++) {
    for (let column = 0; column < n - 1; column++) {
      const at = row * n + column;
      const [a, b, c, d] = [grid[at], grid[at + 1], grid[at + n + 1], grid[at + n]]; // anticlockwise from below left
      const least = Math.min(a, b, c, d);
      const most = Math.max(a, b, c, d);
      if (!(least < most)) continue; // flat, or not a number
      for (let l = 0; l < levels.length; l++) {
        const level = levels[l];
        if (level <= least || level > most) continue;
        cross(lines[l], column, row, a, b, c, d, level);
      }
    }
  }
  return lines.map((numbers) => Float32Array.from(numbers));
}

/**
 * The crossings of one cell.
 * @param {number[]} out
 * @param {number} x of the cell
 * @param {number} y
 * @param {number} a the corners, anticlockwise from below left
 * @param {number} b
 * @param {number} c
 * @param {number} d
 * @param {number} level
 */
function cross(out, x, y, a, b, c, d, level) {
  /** @type {number[][]} */
  const points = [];
  if (a < level !== b < level) points.push([x + (level - a) / (b - a), y]);
  if (b < level !== c < level) points.push([x + 1, y + (level - b) / (c - b)]);
  if (d < level !== c < level) points.push([x + (level - d) / (c - d), y + 1]);
  if (a < level !== d < level) points.push([x, y + (level - a) / (d - a)]);
  // a saddle: the middle decides which two corners belong together
  if (points.length === 4 && (a + b + c + d) / 4 < level !== a < level) points.push(points.shift());
  for (let i = 0; i + 1 < points.length; i += 2) out.push(...points[i], ...points[i + 1]);
}
