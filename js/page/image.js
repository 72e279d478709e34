// From an image of the caller to a message for the worker, which reads the pixels
// (worker/pixels.js).

import { bitmapOptions, pictureError, taintedError } from '../common/bitmap.js'
import { VitrineError, describe, typeName } from '../common/errors.js'

/**
 * Captures an image at the time of the call: resolves to an object for a message,
 * one of
 *
 *   {blob}                         a file that the worker decodes
 *   {url}                          a URL that the worker fetches
 *   {bitmap}                       an ImageBitmap, to be transferred
 *   {data, width, height}          an ArrayBuffer of RGBA bytes, to be transferred
 *   {data, values: {shape, grid}}  an ArrayBuffer of float32 values, to be transferred
 *
 * Arrays and bitmaps of the caller are copied. Rejects with a VitrineError of the code
 * 'picture'.
 */
export async function snapshot(image) {
  switch (typeName(image)) {
    case 'Blob':
    case 'File':
      return { blob: image }
    case 'String':
    case 'URL':
      return fromUrl(image)
    case 'ImageData':
      return fromPixels(image)
    case 'HTMLImageElement':
      return fromElement(image)
    case 'HTMLVideoElement':
      if (image.readyState < 2) throw pictureError('video', 'has no frame yet; wait for its event loadeddata')
      return bitmapOf('video', image)
    case 'HTMLCanvasElement':
    case 'OffscreenCanvas':
      if (image.width === 0 || image.height === 0) throw emptyError('canvas', image)
      return bitmapOf('canvas', image)
    case 'ImageBitmap':
      if (image.width === 0) throw pictureError('ImageBitmap', 'is closed, or was transferred; make a new one')
      return bitmapOf('ImageBitmap', image)
    case 'VideoFrame':
      if (image.format === null && image.codedWidth === 0) throw pictureError('VideoFrame', 'is closed; make a new one')
      return bitmapOf('VideoFrame', image)
  }
  if (image && typeof image === 'object') {
    if ('pixelValues' in image) return fromValues(image)
    if ('data' in image && 'width' in image && 'height' in image) return fromPixels(image)
  }
  throw pictureError('image', `found ${describe(image)}, want an img, canvas, ImageBitmap, ImageData, video, VideoFrame, Blob, URL, {data, width, height} or {pixelValues, shape}`)
}

/** snapshot of each of several images, in their order. An error names the index of its image. */
export async function snapshots(images) {
  if (!Array.isArray(images)) throw new VitrineError('option', `images: found ${describe(images)}, want an array of images`)
  return Promise.all(
    images.map((image, i) =>
      snapshot(image).catch((cause) => {
        throw new VitrineError(cause.code, `images[${i}]: ${cause.message}`, { cause })
      }),
    ),
  )
}

/** The objects of a snapshot that its message transfers. */
export function transfers({ bitmap, data }) {
  return [bitmap, data].filter(Boolean)
}

/** The error of an image without pixels. */
function emptyError(name, { width, height }) {
  return pictureError(name, `is empty: ${width}×${height} pixels; a picture needs at least one pixel`)
}

/** Resolves to {bitmap}: a copy of the pixels that an element, bitmap or frame shows now. */
async function bitmapOf(name, source) {
  try {
    return { bitmap: await createImageBitmap(source, bitmapOptions) }
  } catch (cause) {
    if (cause.name === 'SecurityError') throw taintedError(name, cause)
    throw pictureError(name, `gives no pixels: ${cause.message}`, cause)
  }
}

/** Resolves to {bitmap} of an img, once it is loaded. */
async function fromElement(img) {
  if (!img.currentSrc && !img.src) throw pictureError('img', 'has no src')
  try {
    await img.decode()
  } catch (cause) {
    throw pictureError(`img ${describe(img.currentSrc || img.src)}`, 'could not be loaded, or has a format that this browser does not support', cause)
  }
  if (img.naturalWidth === 0 || img.naturalHeight === 0) throw emptyError('img', { width: img.naturalWidth, height: img.naturalHeight })
  return bitmapOf('img', img)
}

/** Resolves to {url} of http: and https:, to {bitmap} of blob: and data:. */
async function fromUrl(address) {
  let url
  try {
    url = new URL(address, globalThis.document?.baseURI ?? location.href)
  } catch {
    throw pictureError('image', `${describe(String(address))} is no URL`)
  }
  if (url.protocol === 'https:' || url.protocol === 'http:') return { url: url.href }
  if (url.protocol !== 'blob:' && url.protocol !== 'data:') {
    throw pictureError('image', `found the URL ${describe(url.href)}, want one that begins with https:, http:, blob: or data:`)
  }
  // A policy that allows connections to the site only may still allow these in an img.
  const img = new Image()
  img.src = url.href
  return fromElement(img)
}

/** {data, width, height} of ImageData or an object like it. The engine checks the length of data. */
function fromPixels({ data, width, height, pixelFormat }) {
  if (!['Uint8ClampedArray', 'Uint8Array'].includes(typeName(data))) {
    const what = pixelFormat ? `ImageData of the format ${describe(pixelFormat)}` : describe(data)
    throw pictureError('data', `found ${what}, want RGBA bytes in a Uint8ClampedArray or Uint8Array`)
  }
  if (!Number.isInteger(width) || !Number.isInteger(height)) {
    throw pictureError('image', `found the width ${describe(width)} and height ${describe(height)}, want whole numbers of pixels`)
  }
  return { data: copyOf(data, Uint8Array), width, height }
}

/** {data, values} of preprocessed values. The engine checks shape and grid against the model. */
function fromValues({ pixelValues, shape, grid }) {
  const whole = (list) => Array.isArray(list) && list.every(Number.isInteger)
  if (typeName(pixelValues) !== 'Float32Array') throw pictureError('pixelValues', `found ${describe(pixelValues)}, want a Float32Array`)
  if (!whole(shape)) throw pictureError('shape', `found ${describe(shape)}, want [3, height, width], or [rows·columns, patch·patch·3] with a grid`)
  if (grid !== undefined && !whole(grid)) throw pictureError('grid', `found ${describe(grid)}, want [rows, columns]`)
  return { data: copyOf(pixelValues, Float32Array), values: { shape: [...shape], grid: grid && [...grid] } }
}

/** A new ArrayBuffer with the values of a typed array, as elements of Type. */
function copyOf(array, Type) {
  try {
    return new Type(array).buffer
  } catch (cause) {
    const reason = array.length === 0 ? 'its memory was transferred to another owner' : cause.message
    throw pictureError('image', `the array could not be copied: ${reason}`, cause)
  }
}
