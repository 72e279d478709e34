// What a model sees of a picture: which part, in how many pixels.

/** The longer side that a picture of any shape (NaFlex) is shown with. */
const shown = 512

/**
 * Finds the part of a picture that a model sees, and the size it sees it in.
 *
 * @param {{width: number, height: number}} picture in pixels
 * @param {{resize: string, edge: number, size: [number, number], crop: [number, number]}} preprocess
 *   model.info.preprocess
 * @returns {{left: number, top: number, width: number, height: number,
 *   toWidth: number, toHeight: number}} the part, in pixels of the picture (it may
 *   reach beyond it, where the model sees black), and its size for the model
 */
export function sightOf({ width, height }, { resize, edge, size, crop }) {
  let [high, wide] = [height, width] // after the resize
  if (resize === 'squash') [high, wide] = size
  if (resize === 'shortest-edge' || resize === 'naflex') {
    const scale = resize === 'naflex' ? shown / Math.max(width, height) : edge / Math.min(width, height)
    ;[high, wide] = [height * scale, width * scale]
  }
  const [toHeight, toWidth] = crop[0] ? crop : [high, wide]
  const part = { width: toWidth / wide * width, height: toHeight / high * height }
  return {
    ...part,
    left: (width - part.width) / 2,
    top: (height - part.height) / 2,
    toWidth: Math.max(1, Math.round(toWidth)),
    toHeight: Math.max(1, Math.round(toHeight)),
  }
}

/**
 * Paints what the model sees, pixel for pixel (by the browser's own resize, which is
 * close to the model's: what it computes with is resized in the engine, exactly).
 * @param {HTMLCanvasElement} canvas
 * @param {ImageData} pixels
 * @param {ReturnType<typeof sightOf>} sight
 */
export function paintSight(canvas, pixels, sight) {
  const source = new OffscreenCanvas(pixels.width, pixels.height)
  source.getContext('2d').putImageData(pixels, 0, 0)
  canvas.width = sight.toWidth
  canvas.height = sight.toHeight
  const context = canvas.getContext('2d')
  context.fillStyle = '#000000'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.imageSmoothingQuality = 'high'
  context.drawImage(source, sight.left, sight.top, sight.width, sight.height, 0, 0, canvas.width, canvas.height)
}
