import { html, render } from '../vendor/lit-html/lit-html.js'
import { copy } from '../parts/copy.js'
import { arrows, within } from '../parts/keys.js'
import { errorLine } from '../parts/templates.js'

/** The embedding as a row of bars, up for positive numbers and down for negative ones. */
export class EmbeddingView {
  #section
  /** @type {Float32Array|null} */
  #values = null
  /** @type {number|null} index of the bar that is read */
  #index = null
  #texts = false // whether the model embeds texts too
  error = ''

  /** @param {HTMLElement} section */
  constructor(section) {
    this.#section = section
    this.update()
    new ResizeObserver(() => this.#draw()).observe(this.#canvas)
    document.addEventListener('themechange', () => this.#draw())
  }

  /**
   * Takes a model. Where it embeds no pictures, the section is hidden.
   * @param {readonly string[]} tasks
   */
  offer(tasks) {
    this.#section.hidden = !tasks.includes('embedImage')
    this.#texts = tasks.includes('embedText')
    this.show(null)
  }

  /** @param {Float32Array|null} values null: there are none yet */
  show(values) {
    this.#values = values
    this.update()
  }

  get #canvas() {
    return this.#section.querySelector('canvas')
  }

  update() {
    render(html`
      <h2 id="embedding-title">The embedding</h2>
      <div class="beside">
        <p>The model keeps of the picture only this row of ${(this.#values?.length ?? 128).toLocaleString('en')} numbers. ${this.#texts
          ? html`<span id="embedding-words">A word becomes such a row too; their similarity is the cosine between the two.</span>` : ''}</p>
        <button type="button" ?disabled=${!this.#values} @click=${(event) => copy(event.target, JSON.stringify(Array.from(this.#values)))}>Copy as JSON</button>
      </div>
      <canvas class="bars" tabindex="0" role="application" aria-label="The embedding as bars" aria-describedby="embedding-reading"
        @pointermove=${(event) => this.#read(Math.floor(event.offsetX / event.target.clientWidth * (this.#values?.length ?? 0)))}
        @pointerleave=${() => this.#read(null)} @blur=${() => this.#read(null)} @keydown=${this.#step}></canvas>
      <p class="whisper reading" id="embedding-reading" aria-live="polite">${this.#index === null || !this.#values
        ? 'Point at a bar, or use the arrow keys, to read it. The row has length 1.'
        : `Number ${this.#index}: ${this.#values[this.#index].toFixed(6)}`}</p>
      ${errorLine('embedding-error', this.error)}`, this.#section)
    this.#draw()
  }

  /** @param {number|null} index of the bar to read */
  #read(index) {
    if (!this.#values) return
    this.#index = index === null ? null : within(index, this.#values.length - 1)
    this.update()
  }

  #step = (event) => {
    const step = arrows[event.key]?.[0]
    if (!step || !this.#values) return
    event.preventDefault()
    this.#read(this.#index === null ? 0 : this.#index + step)
  }

  /** Draws the bars in the colours of the theme. */
  #draw() {
    const canvas = this.#canvas
    const ratio = devicePixelRatio
    const width = canvas.width = Math.round(canvas.clientWidth * ratio)
    const height = canvas.height = Math.round(canvas.clientHeight * ratio)
    const context = canvas.getContext('2d')
    const colour = (name) => getComputedStyle(canvas).getPropertyValue(name)
    context.fillStyle = colour('--line')
    context.fillRect(0, Math.round(height / 2), width, 1)
    if (!this.#values) return
    const most = this.#values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1
    const [up, down] = [colour('--accent'), colour('--ink-soft')]
    const step = width / this.#values.length
    const gap = step >= 3 * ratio ? ratio : 0
    for (const [i, value] of this.#values.entries()) {
      const tall = value / most * height / 2
      context.globalAlpha = this.#index === null || this.#index === i ? 1 : 0.35
      context.fillStyle = value > 0 ? up : down
      context.fillRect(i * step, height / 2 - Math.max(tall, 0), step - gap, Math.abs(tall))
    }
  }
}
