import { byId, make } from '../page/dom.js'

/** What happens at a stage, by the beginning of its name. */
const meanings = [
  ['pixels', 'resized, cropped, brought to the scale it was trained with'],
  ['patches', 'cut into squares; a row is the pixels of one'],
  ['tokens', 'each patch becomes a token, a row of the width of the model'],
  ['embeddings', 'told where they are; class and register tokens put before them'],
  ['block', 'each token reads from all, then thinks for itself'],
  ['last', 'brought to one scale'],
  ['pooled', 'one row for the whole picture'],
  ['embedding', 'the row that is compared'],
  ['logits', 'a number for each class'],
  ['visual tokens', 'what a language model reads of it'],
]

/** The way of the picture through the model, stage by stage; looked at on demand. */
export class TraceView {
  #details = byId('trace-details')

  /** @param {() => void} opened called when the visitor wants to see it */
  constructor(opened) {
    this.#details.addEventListener('toggle', () => { if (this.#details.open) opened() })
  }

  /**
   * Shows the way of a picture, where the visitor looks at it.
   * @param {import('../../js/vitrine.d.ts').Model} model
   * @param {ImageData} pixels
   * @param {object} options of the call
   */
  async answer(model, pixels, options) {
    if (!this.#details.open) return
    const stages = await model.trace(pixels, options)
    const most = stages.reduce((longest, { ms }) => Math.max(longest, ms), 0) || 1
    byId('trace-rows').replaceChildren(...stages.map(({ stage, shape, ms }) => {
      const bar = make('span', { class: 'bar', 'aria-hidden': 'true' })
      bar.style.setProperty('--share', String(ms / most))
      const meaning = meanings.find(([name]) => stage.startsWith(name) && (name !== 'embedding' || stage === name))?.[1] ?? ''
      return make('tr', {},
        make('th', { scope: 'row' }, stage, bar),
        make('td', { class: 'meaning' }, meaning),
        make('td', { class: 'number' }, shape.join(' × ')),
        make('td', { class: 'number' }, ms.toFixed(1)))
    }))
    const total = stages.reduce((sum, { ms }) => sum + ms, 0)
    byId('trace-total').textContent = `(${stages.length}, ${total.toFixed(0)} ms in all)`
  }
}
