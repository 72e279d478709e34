import { byId, copy, themeColour } from '../page/dom.js'

/** The embedding as a row of bars, up for positive numbers and down for negative ones. */
export class EmbeddingView {
  /** @type {Float32Array|null} */
  #values = null
  #at = null // index of the bar that is read
  #canvas = byId('embedding-bars')

  constructor() {
    const button = byId('copy-embedding')
    button.addEventListener('click', () => copy(button, JSON.stringify(Array.from(this.#values))))
    new ResizeObserver(() => this.draw()).observe(this.#canvas)
    this.#readBars()
  }

  /** @param {Float32Array|null} values null: there are none */
  show(values) {
    this.#values = values
    byId('copy-embedding').disabled = !values
    if (values) byId('embedding-size').textContent = values.length.toLocaleString('en')
    this.draw()
    this.#read()
  }

  /** Draws the bars in the colours of the theme. */
  draw() {
    const canvas = this.#canvas
    const sharp = devicePixelRatio
    const width = canvas.width = Math.round(canvas.clientWidth * sharp)
    const height = canvas.height = Math.round(canvas.clientHeight * sharp)
    const context = canvas.getContext('2d')
    context.fillStyle = themeColour('--line')
    context.fillRect(0, Math.round(height / 2), width, 1)
    if (!this.#values) return
    const most = this.#values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1
    const up = themeColour('--accent')
    const down = themeColour('--ink-soft')
    const slot = width / this.#values.length
    const gap = slot >= 3 * sharp ? sharp : 0
    for (const [i, value] of this.#values.entries()) {
      const tall = value / most * height / 2
      context.globalAlpha = this.#at === null || this.#at === i ? 1 : 0.35
      context.fillStyle = value > 0 ? up : down
      context.fillRect(i * slot, height / 2 - Math.max(tall, 0), slot - gap, Math.abs(tall))
    }
    context.globalAlpha = 1
  }

  /** Lets a bar be read by pointer and by arrow keys. */
  #readBars() {
    const canvas = this.#canvas
    const go = (at) => {
      this.#at = at === null ? null : Math.min(Math.max(at, 0), this.#values.length - 1)
      this.draw()
      this.#read()
    }
    canvas.addEventListener('pointermove', (event) => {
      if (this.#values) go(Math.floor(event.offsetX / canvas.clientWidth * this.#values.length))
    })
    canvas.addEventListener('pointerleave', () => { if (this.#values) go(null) })
    canvas.addEventListener('blur', () => { if (this.#values) go(null) })
    canvas.addEventListener('keydown', (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
      if (!by || !this.#values) return
      event.preventDefault()
      go(this.#at === null ? 0 : this.#at + by)
    })
  }

  /** Says the number that is pointed at, or what the row is as a whole. */
  #read() {
    const words = byId('embedding-reading')
    if (!this.#values) return
    if (this.#at === null) words.textContent = 'Point at a bar, or use the arrow keys, to read it. The row has length 1.'
    else words.textContent = `Number ${this.#at}: ${this.#values[this.#at].toFixed(6)}`
  }
}
