// The input of the contestants: the same values for all of them.

import { noiseOf } from './noise.js'

/**
 * Makes {pixelValues, shape} for a model, from one of
 *
 *   {noise: [3, height, width], seed}
 *   {picture: URL, view, size, mean, std}   view is one of 0…7, see below
 */
export async function valuesOf({ noise, seed, picture, view, size, mean, std }) {
  if (noise) return { pixelValues: noiseOf(noise.reduce((a, b) => a * b), seed, 2), shape: noise }
  const bitmap = await createImageBitmap(await (await fetch(picture)).blob())
  const context = new OffscreenCanvas(size, size).getContext('2d')
  const { left, top, side, mirrored } = viewOf(bitmap, view)
  if (mirrored) context.setTransform(-1, 0, 0, 1, size, 0)
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, left, top, side, side, 0, 0, size, size)
  const { data } = context.getImageData(0, 0, size, size)
  const pixelValues = new Float32Array(3 * size * size)
  for (let i = 0; i < size * size; i++) {
    for (let c = 0; c < 3; c++) pixelValues[c * size * size + i] = (data[4 * i + c] / 255 - mean[c]) / std[c]
  }
  return { pixelValues, shape: [3, size, size] }
}

/** View 0 is the whole picture, 1 to 3 are crops, and 4 to 7 are the mirror images of these. */
function viewOf({ width, height }, view) {
  const whole = Math.min(width, height)
  const [share, x, y] = [[1, 0.5, 0.5], [0.8, 0, 0], [0.8, 1, 1], [0.6, 0.5, 0.5]][view % 4]
  const side = whole * share
  return { left: (width - side) * x, top: (height - side) * y, side, mirrored: view >= 4 }
}
