/** Names of the ninths of a picture, row by row. */
const parts = ['the upper left', 'the upper middle', 'the upper right', 'the left', 'the middle', 'the right', 'the lower left', 'the lower middle', 'the lower right']

/**
 * Says in words where a map is strongest: the ninth with the largest mean.
 * @param {ArrayLike<number>} values [rows * columns]
 * @param {[number, number]} grid
 * @returns {string} one of parts
 */
export function sayWhere(values, [rows, columns]) {
  const sums = new Float64Array(9)
  const counts = new Float64Array(9)
  for (let i = 0; i < rows * columns; i++) {
    const part = 3 * Math.floor(Math.floor(i / columns) * 3 / rows) + Math.floor(i % columns * 3 / columns)
    sums[part] += values[i]
    counts[part]++
  }
  const means = sums.map((sum, part) => (counts[part] ? sum / counts[part] : -Infinity))
  return parts[means.indexOf(Math.max(...means))]
}
