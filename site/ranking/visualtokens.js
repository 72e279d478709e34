import { html } from '../vendor/lit-html/lit-html.js'
import { ref } from '../vendor/lit-html/directives/ref.js'
import { paintMap } from '../maps/colourmap.js'
import { errorLine } from '../parts/templates.js'

/** What a picture costs a language model, and what the model reads of it. */
export class VisualTokens {
  /** @type {{data: Float32Array, shape: [number, number]}|null} */
  tokens = null
  error = ''
  #ranking

  /** @param {import('./ranking.js').Ranking} ranking shows it */
  constructor(ranking) {
    this.#ranking = ranking
  }

  update() {
    const [count, width] = this.tokens?.shape ?? []
    const paint = (canvas) => {
      if (!canvas || !this.tokens) return
      const { data, shape } = this.tokens
      const [low, high] = [data.reduce((a, b) => Math.min(a, b)), data.reduce((a, b) => Math.max(a, b))]
      paintMap(canvas, data, shape, { low, high, look: 'ember', strength: 1 })
    }
    this.#ranking.visualTokens = html`<div id="visual-tokens">
      <p>This model is the eye of a language model. <span id="visual-tokens-words">${count
        ? `This picture costs it ${count} tokens, and ten pictures ${count * 10}. Each takes the position of one token of text, as a row of ${width} numbers.` : ''}</span></p>
      <canvas width="1" height="1" role="img" aria-label="What the language model reads: a row for each of its tokens" aria-describedby="visual-tokens-words" ${ref(paint)}></canvas>
      ${errorLine('visual-tokens-error', this.error)}
    </div>`
    this.#ranking.update()
  }
}
