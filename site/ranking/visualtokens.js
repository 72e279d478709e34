import { html } from '../vendor/lit-html/lit-html.js'
import { ref } from '../vendor/lit-html/directives/ref.js'
import { paintMap } from '../maps/colourmap.js'
import { errorLine } from '../parts/templates.js'

/**
 * What a picture costs a language model, and what the model reads of it.
 * @param {{data: Float32Array, shape: [number, number]}|null} tokens null: there are none yet
 * @param {string} error why there are none; '' where nothing failed
 */
export const visualTokens = (tokens, error) => {
  const [count, width] = tokens?.shape ?? [1, 1]
  const paint = (canvas) => {
    if (!canvas || !tokens) return
    const { data } = tokens
    const [low, high] = [data.reduce((a, b) => Math.min(a, b)), data.reduce((a, b) => Math.max(a, b))]
    paintMap(canvas, data, [count, width], { low, high, look: 'ember', strength: 1 })
  }
  return html`<div id="visual-tokens">
    <p>This model is the eye of a language model. <span id="visual-tokens-words">${tokens
      ? `This picture costs it ${count} tokens, and ten pictures ${count * 10}. Each takes the position of one token of text, as a row of ${width} numbers.` : ''}</span></p>
    <canvas width="1" height="1" role="img" aria-label="What the language model reads: a row for each of its tokens" aria-describedby="visual-tokens-words" ${ref(paint)}></canvas>
    ${errorLine('visual-tokens-error', error)}
  </div>`
}
