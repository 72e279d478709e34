/** One picture in the colours of its patch features: patches of similar colour are similar to the model. */
export class Colors {
  /** @type {Map<number, import('../../js/vitrine.d.ts').Colors>} by layer */
  #layers = new Map()
  #last = 0

  /**
   * Gets the colours of a layer, where they aren't there yet; those of the last layer are
   * taken after the last norm.
   * @param {import('../../js/vitrine.d.ts').Model} model
   * @param {ImageData} pixels
   * @param {{layer: number}} choice
   * @param {object} options of the call
   */
  async fetch(model, pixels, { layer }, options) {
    this.#last = model.info.shapes.layers - 1
    if (this.#layers.has(layer)) return
    this.#layers.set(layer, await model.colors(pixels, layer === this.#last ? options : { ...options, layer }))
  }

  /**
   * @param {{layer: number}} choice
   * @returns {import('./maps.js').Shown|null} null where it isn't there yet
   */
  shown({ layer }) {
    const colors = this.#layers.get(layer)
    if (!colors) return null
    const { data, grid, explained } = colors
    const percent = explained.map((share) => Math.round(share * 100))
    return {
      grid,
      rgb: data,
      title: 'What it tells apart',
      words: `Layer ${layer}${layer === this.#last ? ', after the last norm' : ''}. Red, green and blue hold ${percent[0]}, ${percent[1]} and ${percent[2]} % of the differences between patches.`,
      note: 'Patches of similar colour are similar to the model. The colours are the three directions in which its patches differ most; they are not about a label.',
      read: (i) => ['red', 'green', 'blue'].map((name, part) => `${name} ${data[i * 3 + part].toFixed(2)}`).join(', ') + '.',
    }
  }
}
