import { sayWhere } from './where.js'

/** The attention maps of one picture: those of all layers and heads, the rollout, and the pooling head's. */
export class Attention {
  /** @type {import('../../js/vitrine.d.ts').AttentionStack|null} all layers and heads */
  stack = null
  /** @type {import('../../js/vitrine.d.ts').AttentionMap|null} */
  #rollout = null
  /** @type {import('../../js/vitrine.d.ts').AttentionMap|null} */
  #pool = null
  #prefix = 0 // class and register tokens of the model

  /**
   * Gets what the chosen map needs, where it isn't there yet.
   * @param {import('../../js/vitrine.d.ts').Model} model
   * @param {ImageData} pixels
   * @param {{method: string, layer: number}} choice
   * @param {object} options of the call
   */
  async fetch(model, pixels, { method, layer }, options) {
    this.#prefix = model.info.shapes.prefix
    this.stack ??= await model.attentionStack(pixels, options)
    if (method === 'rollout' && this.#rollout?.layer !== layer) this.#rollout = await model.attention(pixels, { ...options, method, layer })
    if (method === 'pool') await this.fetchPool(model, pixels, options)
  }

  /**
   * Gets the pooling head's map; rejects with the code 'option' where there is no such head.
   * @param {import('../../js/vitrine.d.ts').Model} model
   * @param {ImageData} pixels
   * @param {object} options of the call
   */
  async fetchPool(model, pixels, options) {
    this.#pool ??= await model.attention(pixels, { ...options, method: 'pool' })
  }

  /** @returns {number} the largest value of the stack */
  get high() {
    return this.stack.data.reduce((a, b) => Math.max(a, b), 0)
  }

  /**
   * Gives one map of the stack.
   * @param {number} layer
   * @param {number|null} head null: the mean over heads
   * @returns {Float32Array} [rows * columns]
   */
  mapOf(layer, head) {
    const { data, heads, grid } = this.stack
    const size = grid[0] * grid[1]
    const from = layer * heads * size
    if (head !== null) return data.subarray(from + head * size, from + (head + 1) * size)
    const mean = new Float32Array(size)
    for (let i = 0; i < heads * size; i++) mean[i % size] += data[from + i] / heads
    return mean
  }

  /**
   * @param {{method: string, layer: number, head: number|null}} choice
   * @returns {import('./maps.js').Shown|null} null where it isn't there yet
   */
  shown({ method, layer, head }) {
    if (!this.stack) return null
    const one = { rollout: this.#rollout, pool: this.#pool }[method]
    if (method !== 'raw' && !one) return null
    const values = one?.data ?? this.mapOf(layer, head)
    const { grid } = this.stack
    const reader = method === 'pool' ? 'the pooling head' : this.#prefix ? "the picture's own token" : 'the patches, in the mean,'
    return {
      grid,
      values,
      low: 0,
      high: this.high,
      title: 'Where it looked',
      words: `Strongest in ${sayWhere(values, grid)}. ${sayMap({ method, layer, head })}.`,
      note: `Attention says which patches ${reader} read from. It is not about a label: it stays the same whatever words you write.`,
      read: (i) => `${values[i].toFixed(4)}, ${(values[i] * values.length).toFixed(2)} times an even share.`,
    }
  }
}

/**
 * @param {{method: string, layer: number, head: number|null}} map
 * @returns {string} the name of the map in words
 */
function sayMap({ method, layer, head }) {
  if (method === 'pool') return 'The pooling head, after all layers'
  if (method === 'rollout') return `Attention followed up to layer ${layer}`
  return head === null ? `Layer ${layer}, mean of all heads` : `Layer ${layer}, head ${head}`
}
