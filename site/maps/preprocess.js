// The preprocessing view: which part of a picture the model gets, in how many pixels.

/** The longer side of the view for models that take pictures of any shape (NaFlex), in pixels. */
const shown = 512

/**
 * Gives the part of a picture that a model gets, and the size the part is resized to.
 *
 * @param {{width: number, height: number}} picture in pixels
 * @param {{resize: string, edge: number, size: [number, number], crop: [number, number]}} preprocess
 *   model.info.preprocess
 * @returns {{left: number, top: number, width: number, height: number,
 *   toWidth: number, toHeight: number}} the part, in pixels of the picture (what is
 *   outside of the picture is black), and its size for the model
 */
export function preprocessView({ width, height }, { resize, edge, size, crop }) {
  let [high, wide] = [height, width] // after the resize
  if (resize === 'squash') [high, wide] = size
  if (resize === 'cover' || resize === 'contain') {
    const scale = Math[resize === 'cover' ? 'max' : 'min'](size[0] / height, size[1] / width)
    ;[high, wide] = [height * scale, width * scale]
  }
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
 * Paints the view, one pixel for one of the model's. The browser resizes here, which is close
 * to the exact resize of the engine that the model's input comes from.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageData} pixels
 * @param {ReturnType<typeof preprocessView>} view
 */
export function paintView(canvas, pixels, view) {
  const source = new OffscreenCanvas(pixels.width, pixels.height)
  source.getContext('2d').putImageData(pixels, 0, 0)
  canvas.width = view.toWidth
  canvas.height = view.toHeight
  const context = canvas.getContext('2d')
  context.fillStyle = '#000000'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.imageSmoothingQuality = 'high'
  context.drawImage(source, view.left, view.top, view.width, view.height, 0, 0, canvas.width, canvas.height)
}
