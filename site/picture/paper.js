import { floodFill } from './fill.js'

/** Bounds of the canvas's longer side: enough to draw on, little enough to redraw. */
const smallest = 512
const largest = 1024

/** How many opened pictures undo remembers. */
const keptPictures = 6

/**
 * One thing done to the paper. The paper shows its marks in their order; undo removes
 * the last mark and draws the others again.
 * @typedef {{kind: 'blank'}
 *   | {kind: 'picture', bitmap: CanvasImageSource, pixels: ImageData, name: string}
 *   | {kind: 'fill', x: number, y: number, colour: string}
 *   | {kind: 'stroke', points: [number, number][], colour: string, size: number}} Mark
 */

/** The paper: a canvas that remembers what was drawn on it. */
export class Paper {
  /** @type {Mark[]} */
  #marks = [{ kind: 'blank' }]
  #context
  #changed

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} changed called after every change, also within a stroke
   */
  constructor(canvas, changed) {
    this.canvas = canvas
    // The pixels are read after every change: the browser keeps them where reading is fast.
    this.#context = canvas.getContext('2d', { willReadFrequently: true, alpha: false })
    this.#changed = changed
    this.#redraw()
  }

  /** @returns {boolean} Whether there is something to undo. */
  get canUndo() { return this.#marks.length > 1 }

  /** @returns {boolean} Whether nothing was drawn since the paper was blank. */
  get blank() { return this.#marks.at(-1).kind === 'blank' }

  /** @returns {string} Name of the opened picture while nothing is drawn on it, else ''. */
  get untouched() {
    const last = this.#marks.at(-1)
    return last.kind === 'picture' ? last.name : ''
  }

  /**
   * What the model gets: the pixels of the opened picture as long as nothing is drawn on
   * it, else those of the canvas. Opaque.
   * @returns {ImageData}
   */
  pixels() {
    const last = this.#marks.at(-1)
    if (last.kind === 'picture') return last.pixels
    return this.#context.getImageData(0, 0, this.canvas.width, this.canvas.height)
  }

  /**
   * Puts a picture on the paper.
   * @param {CanvasImageSource} bitmap
   * @param {ImageData} pixels the same picture, opaque, in its own size
   * @param {string} name
   */
  open(bitmap, pixels, name) {
    this.#marks.push({ kind: 'picture', bitmap, pixels, name })
    const starts = this.#marks.flatMap((mark, i) => mark.kind === 'picture' ? [i] : [])
    if (starts.length > keptPictures) this.#marks.splice(0, starts.at(-keptPictures))
    this.#redraw()
    this.#changed()
  }

  /** Makes the paper blank. */
  clear() {
    if (this.blank) return
    this.#marks.push({ kind: 'blank' })
    this.#redraw()
    this.#changed()
  }

  /** Undoes the last stroke, fill, picture or clearing. */
  undo() {
    if (!this.canUndo) return
    this.#marks.pop()
    this.#redraw()
    this.#changed()
  }

  /**
   * Fills an area.
   * @param {number} x in pixels of the canvas
   * @param {number} y
   * @param {string} colour #rrggbb
   */
  fill(x, y, colour) {
    this.#add({ kind: 'fill', x, y, colour })
    this.#changed()
  }

  /**
   * Begins a stroke, with a dot.
   * @param {number} x in pixels of the canvas
   * @param {number} y
   * @param {string} colour
   * @param {number} size diameter, in 512ths of the canvas's longer side
   */
  beginStroke(x, y, colour, size) {
    this.#add({ kind: 'stroke', points: [[x, y]], colour, size: size * this.#unit })
    this.#changed()
  }

  /**
   * Continues the stroke to a point.
   * @param {number} x in pixels of the canvas
   * @param {number} y
   */
  continueStroke(x, y) {
    const stroke = this.#marks.at(-1)
    if (stroke.kind !== 'stroke') return
    stroke.points.push([x, y])
    drawCurve(this.#context, stroke, stroke.points.length - 1)
    this.#changed()
  }

  /** Pixels of the canvas in a 512th of its longer side. */
  get #unit() { return Math.max(this.canvas.width, this.canvas.height) / smallest }

  /** @param {Mark} mark */
  #add(mark) {
    this.#marks.push(mark)
    this.#draw(mark)
  }

  /** Draws everything since the last mark that covers the whole paper. */
  #redraw() {
    const from = this.#marks.findLastIndex((mark) => mark.kind === 'blank' || mark.kind === 'picture')
    for (const mark of this.#marks.slice(from)) this.#draw(mark)
  }

  /** @param {Mark} mark */
  #draw(mark) {
    const context = this.#context
    if (mark.kind === 'blank') this.#cover(smallest, smallest)
    if (mark.kind === 'picture') {
      const { width, height } = mark.pixels
      const longer = Math.max(width, height)
      const scale = Math.min(Math.max(longer, smallest), largest) / longer
      this.#cover(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)))
      context.imageSmoothingQuality = 'high'
      context.drawImage(mark.bitmap, 0, 0, this.canvas.width, this.canvas.height)
    }
    if (mark.kind === 'fill') floodFill(context, mark.x, mark.y, mark.colour)
    if (mark.kind === 'stroke') for (let i = 0; i < mark.points.length; i++) drawCurve(context, mark, i)
  }

  /**
   * Gives the canvas a size and makes it white.
   * @param {number} width
   * @param {number} height
   */
  #cover(width, height) {
    this.canvas.width = width
    this.canvas.height = height
    this.#context.fillStyle = '#ffffff'
    this.#context.fillRect(0, 0, width, height)
  }
}

/**
 * Draws the curve that the i-th point adds to a stroke: from the middle of the line before
 * to the middle of this one, with the point between as control point. Few points then still
 * make a smooth stroke.
 * @param {CanvasRenderingContext2D} context
 * @param {{points: [number, number][], colour: string, size: number}} stroke
 * @param {number} i
 */
function drawCurve(context, { points, colour, size }, i) {
  const [x, y] = points[i]
  const [beforeX, beforeY] = points[Math.max(i - 1, 0)]
  const [firstX, firstY] = points[Math.max(i - 2, 0)]
  context.strokeStyle = colour
  context.lineWidth = size
  context.lineCap = context.lineJoin = 'round'
  context.beginPath()
  context.moveTo((firstX + beforeX) / 2, (firstY + beforeY) / 2)
  context.quadraticCurveTo(beforeX, beforeY, (beforeX + x) / 2, (beforeY + y) / 2)
  context.lineTo(x, y)
  context.stroke()
}
