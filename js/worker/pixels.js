// From a picture to its pixels, bit for bit: what a decoder of the file gives,
// red, green and blue also where the picture is transparent. Models drop alpha,
// they do not composite it, so what lies under it matters.
//
// A 2D canvas keeps colours multiplied with alpha: what it gives back is exact
// where a picture is opaque, and off by up to all 255 levels where it is not.
// WebGL reads an unmultiplied ImageBitmap exactly; it is used for pictures with
// transparency only, because it costs more.

import { VitrineError } from '../common/errors.js'
import { asItIs, tainted } from '../common/bitmap.js'

/**
 * The pixels of a Blob or ImageBitmap: {data, width, height, inexact}. data are
 * RGBA bytes, not premultiplied; inexact says why they are not the picture's own,
 * where they can't be, else it is ''. A bitmap is closed. where is what errors call
 * the picture; tile is the side of the squares in which WebGL reads a large one.
 * Errors have the code 'picture'.
 */
export async function decode(source, { where = 'image', tile = 2048 } = {}) {
  if (!globalThis.OffscreenCanvas) {
    throw new VitrineError('unsupported', `${where}: this browser can't decode pictures outside of the page (it has no OffscreenCanvas); pass {data, width, height}`)
  }
  const bitmap = source instanceof Blob ? await decodeFile(source, where) : source
  const { width, height } = bitmap
  try {
    const data = readCanvas(bitmap)
    let inexact = canvasNoise()
    if (!opaque(data)) {
      const exact = await readWebGL(bitmap, tile)
      if (exact && sameWhereOpaque(exact, data)) return { data: exact, width, height, inexact }
      inexact ||= 'there is no WebGL2 here, so colours under transparency are those that a 2D canvas keeps'
    }
    return { data, width, height, inexact }
  } catch (cause) {
    if (cause instanceof VitrineError) throw cause
    if (cause.name === 'SecurityError') throw tainted(where, cause)
    throw new VitrineError('picture', `${where}: ${width}×${height} pixels could not be read (${cause.message}); a smaller picture may go`, { cause })
  } finally {
    bitmap.close()
  }
}

async function decodeFile(blob, where) {
  if (blob.size === 0) throw new VitrineError('picture', `${where}: the file is empty`)
  try {
    return await createImageBitmap(blob, asItIs)
  } catch (cause) {
    const svg = blob.type.startsWith('image/svg') ? '; show an SVG in an img or draw it on a canvas, and pass that' : ''
    throw new VitrineError('picture', `${where}: the browser can't decode this file (${blob.size} bytes, type "${blob.type}")${svg}`, { cause })
  }
}

function readCanvas(bitmap) {
  const { width, height } = bitmap
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  context.drawImage(bitmap, 0, 0)
  return context.getImageData(0, 0, width, height).data
}

let noise

/**
 * Some browsers add noise to what a canvas gives back, against fingerprinting.
 * Where that is a level here and there, this says so; where it is all noise, no
 * picture can be read, and it throws.
 */
function canvasNoise() {
  if (noise === undefined) {
    const side = 16
    const context = new OffscreenCanvas(side, side).getContext('2d', { willReadFrequently: true })
    const sent = new ImageData(side, side)
    sent.data.forEach((_, i) => { sent.data[i] = i % 4 === 3 ? 255 : (i * 37) % 256 })
    context.putImageData(sent, 0, 0)
    const worst = context.getImageData(0, 0, side, side).data.reduce((most, v, i) => Math.max(most, Math.abs(v - sent.data[i])), 0)
    noise = worst === 0 ? '' : worst <= 2 ? 'this browser adds noise to the pixels of a canvas' : null
  }
  if (noise === null) {
    throw new VitrineError('picture', 'image: this browser hides the pixels of pictures from pages; allow this page to read canvas data, or pass {data, width, height}')
  }
  return noise
}

function opaque(data) {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false
  return true
}

function sameWhereOpaque(a, b) {
  for (let i = 0; i < a.length; i += 4) {
    if (a[i + 3] !== b[i + 3]) return false
    if (a[i + 3] === 255 && (a[i] !== b[i] || a[i + 1] !== b[i + 1] || a[i + 2] !== b[i + 2])) return false
  }
  return true
}

let webgl

/** One WebGL2 context for all pictures, with a framebuffer whose texture is read; null where there is none. */
function reader() {
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

async function readWebGL(bitmap, tile) {
  const gl = reader()
  if (!gl) return null
  const { width, height } = bitmap
  const data = new Uint8Array(4 * width * height)
  gl.pixelStorei(gl.PACK_ROW_LENGTH, width)
  for (let y = 0; y < height; y += tile) {
    for (let x = 0; x < width; x += tile) {
      const w = Math.min(tile, width - x)
      const h = Math.min(tile, height - y)
      const whole = w === width && h === height
      const part = whole ? bitmap : await createImageBitmap(bitmap, x, y, w, h, asItIs)
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, part)
      if (!whole) part.close()
      gl.readPixels(0, 0, w, h, gl.RGBA, gl.UNSIGNED_BYTE, data.subarray(4 * (y * width + x)))
    }
  }
  return gl.getError() === gl.NO_ERROR ? data : null
}
