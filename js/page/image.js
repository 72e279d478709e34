// The page's side of an image: whatever the caller has, as something that can be
// sent to the worker, which gets the pixels out of it (pixels.js).

import { asItIs, picture, tainted } from '../common/bitmap.js'
import { VitrineError, describe, typeName } from '../common/errors.js'

/**
 * Takes an image as it is now. The promise gives a message part, one of
 *
 *   {blob}                         a file that the worker decodes
 *   {url}                          an address that the worker fetches
 *   {bitmap}                       an ImageBitmap of ours
 *   {data, width, height}          an ArrayBuffer of RGBA bytes of ours
 *   {data, values: {shape, grid}}  an ArrayBuffer of float32 values of ours
 *
 * What is the caller's stays so: arrays are copied, bitmaps too. Errors have the
 * code 'picture'.
 */
export async function snapshot(image) {
  switch (typeName(image)) {
    case 'Blob':
    case 'File':
      return { blob: image }
    case 'String':
    case 'URL':
      return fromAddress(image)
    case 'ImageData':
      return fromPixels(image)
    case 'HTMLImageElement':
      return fromElement(image)
    case 'HTMLVideoElement':
      if (image.readyState < 2) throw picture('video', 'has no frame yet; wait for its event loadeddata')
      return bitmapOf('video', image)
    case 'HTMLCanvasElement':
    case 'OffscreenCanvas':
      if (image.width === 0 || image.height === 0) throw empty('canvas', image)
      return bitmapOf('canvas', image)
    case 'ImageBitmap':
      if (image.width === 0) throw picture('ImageBitmap', 'is closed, or was transferred; make a new one')
      return bitmapOf('ImageBitmap', image)
    case 'VideoFrame':
      if (image.format === null && image.codedWidth === 0) throw picture('VideoFrame', 'is closed; make a new one')
      return bitmapOf('VideoFrame', image)
  }
  if (image && typeof image === 'object') {
    if ('pixelValues' in image) return fromValues(image)
    if ('data' in image && 'width' in image && 'height' in image) return fromPixels(image)
  }
  throw picture('image', `found ${describe(image)}, want an img, canvas, ImageBitmap, ImageData, video, VideoFrame, Blob, URL, {data, width, height} or {pixelValues, shape}`)
}

/** snapshot of each of several images; an error names the place of its image. */
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

/** What of a message part is given away with the message. */
export function transfers(part) {
  return [part.bitmap, part.data].filter(Boolean)
}

function empty(where, { width, height }) {
  return picture(where, `is empty: ${width}×${height} pixels; a picture needs at least one pixel`)
}

async function bitmapOf(where, source) {
  try {
    return { bitmap: await createImageBitmap(source, asItIs) }
  } catch (cause) {
    if (cause.name === 'SecurityError') throw tainted(where, cause)
    throw picture(where, `gives no pixels: ${cause.message}`, cause)
  }
}

async function fromElement(img) {
  if (!img.currentSrc && !img.src) throw picture('img', 'has no src')
  try {
    await img.decode()
  } catch (cause) {
    throw picture(`img ${describe(img.currentSrc || img.src)}`, 'could not be loaded or is no picture that the browser knows', cause)
  }
  if (img.naturalWidth === 0 || img.naturalHeight === 0) throw empty('img', { width: img.naturalWidth, height: img.naturalHeight })
  return bitmapOf('img', img)
}

async function fromAddress(address) {
  let url
  try {
    url = new URL(address, globalThis.document?.baseURI ?? location.href)
  } catch {
    throw picture('image', `${describe(String(address))} is no URL`)
  }
  if (url.protocol === 'https:' || url.protocol === 'http:') return { url: url.href }
  if (url.protocol !== 'blob:' && url.protocol !== 'data:') {
    throw picture('image', `found the address ${describe(url.href)}, want one that begins with https:, http:, blob: or data:`)
  }
  // An img may show these where a policy lets connections go to the site only.
  const img = new Image()
  img.src = url.href
  return fromElement(img)
}

function fromPixels({ data, width, height, pixelFormat }) {
  if (!['Uint8ClampedArray', 'Uint8Array'].includes(typeName(data))) {
    const what = pixelFormat ? `ImageData of the format ${describe(pixelFormat)}` : describe(data)
    throw picture('data', `found ${what}, want RGBA bytes in a Uint8ClampedArray or Uint8Array`)
  }
  if (!Number.isInteger(width) || !Number.isInteger(height)) {
    throw picture('image', `found the width ${describe(width)} and height ${describe(height)}, want whole numbers of pixels`)
  }
  return { data: copyOf(data, Uint8Array), width, height }
}

function fromValues({ pixelValues, shape, grid }) {
  const whole = (list) => Array.isArray(list) && list.every(Number.isInteger)
  if (typeName(pixelValues) !== 'Float32Array') throw picture('pixelValues', `found ${describe(pixelValues)}, want a Float32Array`)
  if (!whole(shape)) throw picture('shape', `found ${describe(shape)}, want [3, height, width], or [rows·columns, patch·patch·3] with a grid`)
  if (grid !== undefined && !whole(grid)) throw picture('grid', `found ${describe(grid)}, want [rows, columns]`)
  return { data: copyOf(pixelValues, Float32Array), values: { shape: [...shape], grid: grid && [...grid] } }
}

/** An ArrayBuffer of our own with the values of a typed array. */
function copyOf(array, Type) {
  try {
    return new Type(array).buffer
  } catch (cause) {
    const moved = array.length === 0 ? 'its memory was transferred to somewhere else' : cause.message
    throw picture('image', `the array could not be copied: ${moved}`, cause)
  }
}
