import { sayWhere } from './where.js'

/** Which patches of one picture speak for each label. */
export class Relevance {
  /** By method: what was asked, and the map of each label. */
  #answers = {}
  #others = ''
  #prefix = 0 // class and register tokens of the model

  /**
   * Gets the maps of all labels in one call, where they aren't there yet.
   * @param {import('../../js/vitrine.d.ts').Model} model
   * @param {ImageData} pixels
   * @param {{method: 'dense'|'contribution'}} choice
   * @param {object} options of the call
   * @param {{texts: string[], options: {template?: string}}} asked labels, or names of classes
   */
  async fetch(model, pixels, { method }, options, asked) {
    const { tasks, shapes } = model.info
    this.#prefix = shapes.prefix
    this.#others = tasks.includes('rank') ? 'your other labels' : 'the other classes in the list'
    const question = JSON.stringify(asked)
    if (this.#answers[method]?.question === question) return
    const maps = asked.texts.length ? (await model.relevance(pixels, asked.texts, { ...options, ...asked.options, method })).maps : []
    this.#answers[method] = { question, maps: new Map(maps.map((map) => [map.label, map])) }
  }

  /**
   * @param {string} method
   * @param {string} label
   * @returns {import('../../js/vitrine.d.ts').LabelMap|undefined}
   */
  mapOf(method, label) {
    return this.#answers[method]?.maps.get(label)
  }

  /**
   * @param {string} method
   * @returns {number} the largest absolute value of all labels
   */
  reach(method) {
    let most = 0
    for (const { contrast } of this.#answers[method].maps.values()) most = Math.max(most, largest(contrast))
    return most
  }

  /**
   * @param {{method: string, label: string}} choice
   * @returns {import('./maps.js').Shown|null} null where it isn't there yet
   */
  shown({ method, label }) {
    const map = this.mapOf(method, label)
    if (!map) return null
    const { contrast, data, grid, similarity, rest } = map
    const others = this.#answers[method].maps.size > 1 ? this.#others : 'nothing in particular'
    const reach = this.reach(method)
    return {
      grid,
      values: contrast,
      signed: true,
      low: -reach,
      high: reach,
      title: `What speaks for “${label}”`,
      words: `Most for “${label}” in ${sayWhere(contrast, grid)}. ${method === 'dense' ? saySimilarity(similarity) : this.#sayParts(similarity, rest)}`,
      note: `Relevance is about this label: warm patches speak for it more than for ${others}, blue ones less. Attention is not about a label.`,
      read: (i) => `${signed(contrast[i])} beside ${others}, ${signed(data[i])} by itself.`,
    }
  }

  /**
   * @param {number} similarity of picture and label
   * @param {number} rest the part that no patch gave
   * @returns {string}
   */
  #sayParts(similarity, rest) {
    const elsewhere = this.#prefix ? 'the class token and biases' : 'biases'
    return `Patches gave ${signed(similarity - rest, 3)} of the similarity ${signed(similarity, 3)}; ${elsewhere} gave ${signed(rest, 3)}.`
  }
}

/** @param {number} similarity @returns {string} */
const saySimilarity = (similarity) => `The whole picture's similarity is ${signed(similarity, 3)}.`

/** @param {number} value @param {number} digits @returns {string} with a true minus sign */
const signed = (value, digits = 4) => value.toFixed(digits).replace('-', '−')

/**
 * @param {ArrayLike<number>} values
 * @returns {number} the largest absolute value
 */
export function largest(values) {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
}
