// Colours of maps that are laid over a picture, by a share from 0 to 1, or from -1 to 1.

/** Control points of "ember", dark to bright with even steps of lightness: [r, g, b]. */
const ember = [[24, 16, 58], [92, 30, 110], [176, 45, 98], [232, 92, 58], [250, 164, 62], [253, 238, 180]]

/** The two ends of the map for signed values; the middle is transparent. */
const [against, speaksFor] = [[38, 98, 190], [226, 74, 22]]

/**
 * The maps by name. Each gives [red, green, blue, alpha], 0 to 255 each, for a share;
 * strength (0 to 1) is how much of the picture is covered.
 * @type {Record<string, (share: number, strength: number) => [number, number, number, number]>}
 */
const looks = {
  ember(share, strength) {
    const at = share * (ember.length - 1)
    const below = Math.min(Math.floor(at), ember.length - 2)
    const mix = (i) => ember[below][i] + (ember[below + 1][i] - ember[below][i]) * (at - below)
    return [mix(0), mix(1), mix(2), 255 * strength]
  },
  // A lamp in the case: patches that were not looked at are dark.
  light: (share, strength) => [10, 9, 8, 255 * strength * (1 - share)],
  // Cool against, warm for; patches that say nothing are transparent.
  signed: (share, strength) => [...(share < 0 ? against : speaksFor), 255 * strength ** 0.5 * Math.abs(share) ** 0.75],
}

/**
 * Paints values, one pixel each.
 * @param {HTMLCanvasElement} canvas is given the size of the grid
 * @param {ArrayLike<number>} values [rows * columns]
 * @param {[number, number]} grid [rows, columns]
 * @param {{low: number, high: number, look: string, strength: number}} paint low and
 *   high are the values at the ends of the colour map; 'signed' takes high alone; values
 *   outside of the ends have the colours of the ends
 */
export function paintMap(canvas, values, grid, { low, high, look, strength }) {
  const least = look === 'signed' ? -1 : 0
  const from = look === 'signed' ? 0 : low
  const range = high - from || 1
  paintPixels(canvas, grid, (i) => looks[look](Math.min(Math.max((values[i] - from) / range, least), 1), strength))
}

/**
 * Paints a grid of pixels.
 * @param {HTMLCanvasElement} canvas is given the size of the grid
 * @param {[number, number]} grid [rows, columns]
 * @param {(i: number) => ArrayLike<number>} colourOf [red, green, blue, alpha], 0 to 255 each
 */
export function paintPixels(canvas, [rows, columns], colourOf) {
  canvas.width = columns
  canvas.height = rows
  const context = canvas.getContext('2d')
  const image = context.createImageData(columns, rows)
  for (let i = 0; i < rows * columns; i++) image.data.set(colourOf(i), i * 4)
  context.putImageData(image, 0, 0)
}
