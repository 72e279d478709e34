// What a model sees of a picture: which part, in how many pixels.

/**
 * Finds the part of a picture that a model sees, and the size it sees it in.
 *
 * @param {{width: number, height: number}} picture in pixels
 * @param {{resize: string, edge: number, crop: [number, number]}} preprocess of
 *   model.info: 'shortest-edge' keeps the aspect ratio with the shorter side at edge
 *   and cuts crop [height, width] from the centre; anything else takes the whole picture
 * @param {[number, number]} size [height, width] of the model's input
 * @returns {{left: number, top: number, width: number, height: number,
 *   toWidth: number, toHeight: number}} the part, in pixels of the picture (it may
 *   reach beyond it, where the model sees black), and its size for the model
 */
export function sightOf(picture, preprocess, [toHeight, toWidth]) {
  if (preprocess?.resize !== 'shortest-edge') {
    return { left: 0, top: 0, width: picture.width, height: picture.height, toWidth, toHeight }
  }
  const scale = Math.min(picture.width, picture.height) / preprocess.edge
  const width = toWidth * scale
  const height = toHeight * scale
  return { left: (picture.width - width) / 2, top: (picture.height - height) / 2, width, height, toWidth, toHeight }
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
