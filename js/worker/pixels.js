// From a picture to the exact pixels of its file, also red, green and blue of
// transparent pixels: models drop alpha instead of compositing it, so those colours
// matter.
//
// A 2D canvas stores colours premultiplied with alpha: its pixels are exact where a
// picture is opaque, and wrong by up to 255 levels where it is transparent. WebGL reads
// an ImageBitmap without premultiplication exactly. It takes longer, so only pictures
// with transparency are read that way.

import { bitmapOptions, pictureError, taintedError } from '../common/bitmap.js'
import { VitrineError } from '../common/errors.js'

/**
 * Reads the pixels of a Blob or ImageBitmap: resolves to {data, width, height,
 * inexact}. data is [height, width, 4] RGBA bytes, not premultiplied. inexact is '', or
 * says why the browser can't give the exact pixels. The ImageBitmap is closed. name is
 * that of the picture in errors; tile is the side, in pixels, of the squares in which
 * WebGL reads. Rejects with a VitrineError of the code 'picture' or 'unsupported'.
 */
export async function decode(source, { name = 'image', tile = 2048 } = {}) {
  if (!globalThis.OffscreenCanvas) {
    throw new VitrineError('unsupported', `${name}: this browser can't decode pictures in a worker (it has no OffscreenCanvas); pass {data, width, height}`)
  }
  const bitmap = source instanceof Blob ? await decodeFile(source, name) : source
  const { width, height } = bitmap
  try {
    const data = readCanvas(bitmap)
    let inexact = canvasNoise()
    if (!opaque(data)) {
      const exact = await readWebGL(bitmap, tile)
      if (exact && sameWhereOpaque(exact, data)) return { data: exact, width, height, inexact }
      inexact ||= 'this browser has no WebGL2, so the colours of transparent pixels are those that a 2D canvas keeps'
    }
    return { data, width, height, inexact }
  } catch (cause) {
    if (cause instanceof VitrineError) throw cause
    if (cause.name === 'SecurityError') throw taintedError(name, cause)
    throw pictureError(name, `${width}×${height} pixels could not be read (${cause.message}); try a smaller picture`, cause)
  } finally {
    bitmap.close()
  }
}

/** Resolves to the ImageBitmap of an image file. */
async function decodeFile(blob, name) {
  if (blob.size === 0) throw pictureError(name, 'the file is empty')
  try {
    return await createImageBitmap(blob, bitmapOptions)
  } catch (cause) {
    const remedy = blob.type.startsWith('image/svg') ? '; show an SVG in an img or draw it on a canvas, and pass that' : ''
    throw pictureError(name, `the browser can't decode this file (${blob.size} bytes, type "${blob.type}")${remedy}`, cause)
  }
}

/** The RGBA bytes of a bitmap, read through a 2D canvas. */
function readCanvas(bitmap) {
  const { width, height } = bitmap
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  context.drawImage(bitmap, 0, 0)
  return context.getImageData(0, 0, width, height).data
}

let noise // '' or a reason for inexact; null where the browser hides pixels

/**
 * Checks that a canvas gives the pixels that were put in: some browsers add noise
 * against fingerprinting. Gives '', or a reason for inexact where the noise is small.
 * Throws a VitrineError of the code 'picture' where the pixels are all noise.
 */
function canvasNoise() {
  if (noise === undefined) {
    const side = 16
    const context = new OffscreenCanvas(side, side).getContext('2d', { willReadFrequently: true })
    const written = new ImageData(side, side)
    written.data.forEach((_, i) => { written.data[i] = i % 4 === 3 ? 255 : (i * 37) % 256 })
    context.putImageData(written, 0, 0)
    const worst = context.getImageData(0, 0, side, side).data.reduce((most, v, i) => Math.max(most, Math.abs(v - written.data[i])), 0)
    noise = worst === 0 ? '' : worst <= 2 ? 'this browser adds noise to the pixels of a canvas' : null
  }
  if (noise === null) {
    throw pictureError('image', 'this browser hides the pixels of pictures from pages; allow this page to read canvas data, or pass {data, width, height}')
  }
  return noise
}

/** Whether alpha is 255 in all RGBA pixels. */
function opaque(data) {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false
  return true
}

/** Whether two arrays of RGBA bytes have the same alpha, and the same colours where alpha is 255. */
function sameWhereOpaque(a, b) {
  for (let i = 0; i < a.length; i += 4) {
    if (a[i + 3] !== b[i + 3]) return false
    if (a[i + 3] === 255 && (a[i] !== b[i] || a[i + 1] !== b[i + 1] || a[i + 2] !== b[i + 2])) return false
  }
  return true
}

let webgl // the context of webglContext

/** One WebGL2 context for all pictures, with a texture attached to a framebuffer; null where the browser has none. */
function webglContext() {
  if (webgl === undefined || webgl?.isContextLost()) {
    const gl = new OffscreenCanvas(1, 1).getContext('webgl2')
    if (gl) {
      const texture = gl.createTexture()
      gl.bindTexture(gl.TEXTURE_2D, texture)
      gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer())
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0)
      gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false)
      gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false)
      gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE)
    }
    webgl = gl
  }
  return webgl
}

/** Resolves to the RGBA bytes of a bitmap, read through WebGL in squares of tile pixels; to null where that fails. */
async function readWebGL(bitmap, tile) {
  const gl = webglContext()
  if (!gl) return null
  const { width, height } = bitmap
  const data = new Uint8Array(4 * width * height)
  gl.pixelStorei(gl.PACK_ROW_LENGTH, width)
  for (let y = 0; y < height; y += tile) {
    for (let x = 0; x < width; x += tile) {
      const w = Math.min(tile, width - x)
      const h = Math.min(tile, height - y)
      const whole = w === width && h === height
      const square = whole ? bitmap : await createImageBitmap(bitmap, x, y, w, h, bitmapOptions)
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, square)
      if (!whole) square.close()
      gl.readPixels(0, 0, w, h, gl.RGBA, gl.UNSIGNED_BYTE, data.subarray(4 * (y * width + x)))
    }
  }
  return gl.getError() === gl.NO_ERROR ? data : null
}
