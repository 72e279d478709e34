// Flood fill, which colours a drawing in.

/** Largest difference of a channel to the colour that was clicked, of 255. */
const tolerance = 56

/**
 * Fills the connected area around a point, and one pixel more: otherwise a pale seam
 * stays along a soft line.
 * @param {CanvasRenderingContext2D} context
 * @param {number} x in pixels of the canvas
 * @param {number} y
 * @param {string} colour #rrggbb
 */
export function floodFill(context, x, y, colour) {
  const { width, height } = context.canvas
  x = Math.min(Math.max(Math.floor(x), 0), width - 1)
  y = Math.min(Math.max(Math.floor(y), 0), height - 1)
  const image = context.getImageData(0, 0, width, height)
  const area = findArea(image, x, y)
  const value = Number.parseInt(colour.slice(1), 16)
  const rgb = [value >> 16, value >> 8 & 255, value & 255]
  for (let at = 0; at < area.length; at++) {
    if (area[at] || touches(area, at, width)) image.data.set(rgb, at * 4)
  }
  context.putImageData(image, 0, 0)
}

/**
 * Finds the connected area around a point, line by line.
 * @param {ImageData} image
 * @param {number} x
 * @param {number} y
 * @returns {Uint8Array} [height * width], 1 inside
 */
function findArea({ data, width, height }, x, y) {
  const area = new Uint8Array(width * height)
  const start = (y * width + x) * 4
  const [red, green, blue] = data.subarray(start, start + 3)
  const belongs = (at) => !area[at] &&
    Math.abs(data[at * 4] - red) <= tolerance &&
    Math.abs(data[at * 4 + 1] - green) <= tolerance &&
    Math.abs(data[at * 4 + 2] - blue) <= tolerance
  const open = [y * width + x]
  while (open.length) {
    const at = open.pop()
    if (!belongs(at)) continue
    const row = Math.floor(at / width) * width
    let left = at
    let right = at
    while (left > row && belongs(left - 1)) left--
    while (right < row + width - 1 && belongs(right + 1)) right++
    for (let i = left; i <= right; i++) {
      area[i] = 1
      if (row > 0 && belongs(i - width)) open.push(i - width)
      if (row < (height - 1) * width && belongs(i + width)) open.push(i + width)
    }
  }
  return area
}

/**
 * @param {Uint8Array} area [height * width]
 * @param {number} at
 * @param {number} width
 * @returns {boolean} Whether a neighbour of the pixel is inside.
 */
function touches(area, at, width) {
  const column = at % width
  return Boolean(area[at - width] || area[at + width] ||
    (column > 0 && area[at - 1]) || (column < width - 1 && area[at + 1]))
}
