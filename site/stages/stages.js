import { html, render } from '../vendor/lit-html/lit-html.js'
import { bar, errorLine } from '../parts/templates.js'

/** What happens at a stage, by the beginning of its name. */
const meanings = [
  ['pixels', 'resized, cropped, brought to the scale the model was trained with'],
  ['patches', 'cut into squares; a row is the pixels of one'],
  ['tokens', 'each patch becomes a token, a row of the width of the model'],
  ['embeddings', 'each token learns its position; class and register tokens come first'],
  ['block', 'each token reads from all tokens, then is transformed by itself'],
  ['last', 'normalised to one scale'],
  ['pooled', 'one row for the whole picture'],
  ['embedding', 'the row that is compared'],
  ['logits', 'a number for each class'],
  ['visual tokens', 'what a language model reads of the picture'],
]

/** @param {string} stage @returns {string} */
const meaningOf = (stage) =>
  meanings.find(([name]) => stage.startsWith(name) && (name !== 'embedding' || stage === name))?.[1] ?? ''

/** The stages that the picture goes through in the model; computed only while they are looked at. */
export class StagesView {
  #section
  #opened
  /** @type {import('../../js/vitrine.d.ts').Stage[]} */
  #stages = []
  error = ''

  /**
   * @param {HTMLElement} section
   * @param {() => void} opened called when the visitor opens the table
   */
  constructor(section, opened) {
    this.#section = section
    this.#opened = opened
    this.update()
  }

  /**
   * Shows the stages of a picture, where the visitor looks at them.
   * @param {import('../../js/vitrine.d.ts').Model} model
   * @param {ImageData} pixels
   * @param {object} options of the call
   */
  async answer(model, pixels, options) {
    if (!this.#section.querySelector('details').open) return
    this.#stages = await model.trace(pixels, options)
    this.update()
  }

  update() {
    const longest = this.#stages.reduce((most, { ms }) => Math.max(most, ms), 0) || 1
    const total = this.#stages.reduce((sum, { ms }) => sum + ms, 0)
    render(html`
      <h2 id="trace-title">Stage by stage</h2>
      <p>From pixels to an answer, for the picture in view.</p>
      <details id="trace-details" @toggle=${({ target }) => target.open && this.#opened()}>
        <summary>The stages ${this.#stages.length ? `(${this.#stages.length}, ${total.toFixed(0)} ms in all)` : ''}</summary>
        <div class="scroll tall" tabindex="0" role="region" aria-label="Stages"><table class="plain stages"><caption class="sr">Stages of the model, in their order</caption>
          <thead><tr><th scope="col">Stage</th><th scope="col" class="meaning">What happens</th><th scope="col" class="number">Shape</th><th scope="col" class="number">ms</th></tr></thead>
          <tbody id="trace-rows">${this.#stages.map(({ stage, shape, ms }) => html`<tr>
            <th scope="row">${stage}${bar(ms / longest)}</th>
            <td class="meaning">${meaningOf(stage)}</td>
            <td class="number">${shape.join(' × ')}</td>
            <td class="number">${ms.toFixed(1)}</td>
          </tr>`)}</tbody>
        </table></div>
      </details>
      ${errorLine('trace-error', this.error)}`, this.#section)
  }
}
