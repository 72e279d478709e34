import { byId } from './dom.js'
import { paintMap } from './colourmap.js'
import { paintSight, sightOf } from './sight.js'
import { Thumbs } from './thumbs.js'

/** Names of the nine parts of a picture, row by row. */
const parts = ['the upper left', 'the upper middle', 'the upper right', 'the left', 'the middle', 'the right', 'the lower left', 'the lower middle', 'the lower right']

/**
 * Says in words where a map is strongest: in which ninth it is on average.
 * @param {ArrayLike<number>} values [rows * columns]
 * @param {[number, number]} grid
 * @returns {string} one of parts
 */
export function sayWhere(values, [rows, columns]) {
  const sums = new Float64Array(9)
  const counts = new Float64Array(9)
  for (let i = 0; i < rows * columns; i++) {
    const part = 3 * Math.floor(Math.floor(i / columns) * 3 / rows) + Math.floor(i % columns * 3 / columns)
    sums[part] += values[i]
    counts[part]++
  }
  const means = sums.map((sum, part) => (counts[part] ? sum / counts[part] : -Infinity))
  return parts[means.indexOf(Math.max(...means))]
}

/** The attention maps: one large over the picture, all as thumbnails. */
export class AttentionView {
  #stack = null
  #rollout = null
  #changed
  #values = null // of the map that is shown
  #patch = null // index of the patch that is read
  #thumbs
  #controls = {
    method: byId('method'), layer: byId('layer'), head: byId('head'),
    look: byId('look'), scale: byId('scale'), strength: byId('strength'),
  }

  /** @param {() => void} changed called when the visitor chooses another map */
  constructor(changed) {
    this.#changed = changed
    this.#thumbs = new Thumbs(byId('thumbs'), (layer, head) => {
      this.choose({ method: 'raw', layer, head })
      this.#changed()
    })
    const { method, layer, head, look, scale, strength } = this.#controls
    for (const control of [method, layer, head]) {
      control.addEventListener('change', () => {
        this.#show()
        this.#changed()
      })
    }
    for (const control of [look, scale, strength]) control.addEventListener('input', () => this.#show())
    this.#readPatches()
  }

  /** @returns {{method: string, layer: number, head: number|null}} head null: the mean over heads */
  get chosen() {
    const { method, layer, head } = this.#controls
    return {
      method: method.value,
      layer: Number(layer.value),
      head: head.value === 'mean' || head.value === '' ? null : Number(head.value),
    }
  }

  /**
   * Chooses a map; what the model doesn't have is left as it is.
   * @param {{method?: string, layer?: number, head?: number|null}} choice
   */
  choose({ method, layer, head }) {
    const set = (control, value) => {
      if ([...control.options].some((option) => option.value === value)) control.value = value
    }
    if (method !== undefined) set(this.#controls.method, method)
    if (layer !== undefined) set(this.#controls.layer, String(layer))
    if (head !== undefined) set(this.#controls.head, head === null ? 'mean' : String(head))
    this.#show()
  }

  /**
   * Takes the sizes of a model: which layers and heads there are.
   * @param {{layers: number, heads: number}} shapes
   */
  offer({ layers, heads }) {
    const count = (n) => Array.from({ length: n }, (_, i) => [String(i), String(i)])
    setOptions(this.#controls.layer, count(layers), String(layers - 1))
    setOptions(this.#controls.head, [['mean', 'mean'], ...count(heads)], 'mean')
    this.#stack = this.#rollout = null
  }

  /**
   * Shows the picture as the model sees it.
   * @param {ImageData} pixels
   * @param {object} info of the model
   */
  showPicture(pixels, info) {
    const sight = sightOf(pixels, info.preprocess)
    paintSight(byId('seen'), pixels, sight)
    byId('sight').style.setProperty('--aspect', String(sight.toWidth / sight.toHeight))
  }

  /**
   * Shows the maps of a picture.
   * @param {{data: Float32Array, layers: number, heads: number, grid: [number, number]}|null} stack
   *   data is [layers, heads, rows * columns]; null: as it was
   * @param {Float32Array|null} rollout [rows * columns], where rollout is chosen
   */
  showMaps(stack, rollout) {
    if (stack) this.#stack = stack
    this.#rollout = rollout
    this.#show()
  }

  /**
   * One map of the stack.
   * @param {number} layer
   * @param {number|null} head null: the mean over heads
   * @returns {Float32Array} [rows * columns]
   */
  #mapOf(layer, head) {
    const { data, heads, grid } = this.#stack
    const size = grid[0] * grid[1]
    const from = layer * heads * size
    if (head !== null) return data.subarray(from + head * size, from + (head + 1) * size)
    const mean = new Float32Array(size)
    for (let i = 0; i < heads * size; i++) mean[i % size] += data[from + i] / heads
    return mean
  }

  /** Paints the chosen map, its legend and the thumbnails. */
  #show() {
    const { method, layer, head } = this.chosen
    this.#controls.head.disabled = method === 'rollout' // it is over the mean of all heads
    if (!this.#stack || (method === 'rollout' && !this.#rollout)) return
    const { grid } = this.#stack
    const values = method === 'rollout' ? this.#rollout : this.#mapOf(layer, head)
    const common = this.#controls.scale.value === 'common'
    const [low, high] = common ? [0, max(this.#stack.data)] : [min(values), max(values)]
    const look = this.#controls.look.value
    const strength = Number(this.#controls.strength.value) / 100
    paintMap(byId('map'), values, grid, { low, high, look, strength })
    this.#showLegend(low, high, look)
    byId('attention-words').textContent = `Strongest in ${sayWhere(values, grid)}. ${sayMap({ method, layer, head })}.`
    this.#thumbs.show(this.#stack, (l, h) => this.#mapOf(l, h), common ? high : null, method === 'raw' ? [layer, head] : null)
    this.#values = values
    this.#readPatch()
  }

  /**
   * @param {number} low value at the dark end
   * @param {number} high
   * @param {string} look
   */
  #showLegend(low, high, look) {
    byId('legend-low').textContent = low.toFixed(3)
    byId('legend-high').textContent = high.toFixed(3)
    const ramp = Float32Array.from({ length: 128 }, (_, i) => i / 127)
    paintMap(byId('legend-bar'), ramp, [1, 128], { low: 0, high: 1, look, strength: 1 })
  }

  /** Lets a patch be read by pointer and by arrow keys. */
  #readPatches() {
    const sight = byId('sight')
    sight.addEventListener('pointermove', (event) => {
      if (!this.#stack) return
      const [rows, columns] = this.#stack.grid
      const box = sight.getBoundingClientRect()
      const column = Math.floor((event.clientX - box.left) / box.width * columns)
      const row = Math.floor((event.clientY - box.top) / box.height * rows)
      this.#patch = row < 0 || column < 0 || row >= rows || column >= columns ? null : row * columns + column
      this.#readPatch()
    })
    sight.addEventListener('pointerleave', () => {
      this.#patch = null
      this.#readPatch()
    })
    sight.addEventListener('keydown', (event) => {
      if (!this.#stack) return
      const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key]
      if (!way) return
      event.preventDefault()
      const [rows, columns] = this.#stack.grid
      const at = this.#patch ?? 0
      const row = Math.min(Math.max(Math.floor(at / columns) + way[0], 0), rows - 1)
      const column = Math.min(Math.max(at % columns + way[1], 0), columns - 1)
      this.#patch = this.#patch === null ? 0 : row * columns + column
      this.#readPatch()
    })
    sight.addEventListener('blur', () => {
      this.#patch = null
      this.#readPatch()
    })
  }

  /** Says the value of the patch that is pointed at, and frames it. */
  #readPatch() {
    const mark = byId('patch-mark')
    const words = byId('patch')
    if (this.#patch !== null && this.#patch >= (this.#values?.length ?? 0)) this.#patch = null
    mark.hidden = this.#patch === null
    if (this.#patch === null) {
      words.textContent = 'Point at a patch, or use the arrow keys, to read it.'
      return
    }
    const [rows, columns] = this.#stack.grid
    const row = Math.floor(this.#patch / columns)
    const column = this.#patch % columns
    for (const [name, value] of [['--row', row / rows], ['--column', column / columns], ['--rows', 1 / rows], ['--columns', 1 / columns]]) {
      mark.style.setProperty(name, String(value))
    }
    const value = this.#values[this.#patch]
    words.textContent = `Row ${row}, column ${column}: ${value.toFixed(4)}, ${(value * rows * columns).toFixed(2)} times an even share.`
  }
}

/**
 * @param {{method: string, layer: number, head: number|null}} map
 * @returns {string} its name in words
 */
export function sayMap({ method, layer, head }) {
  if (method === 'rollout') return `Attention followed up to layer ${layer}`
  return head === null ? `Layer ${layer}, mean of all heads` : `Layer ${layer}, head ${head}`
}

/**
 * Fills a select.
 * @param {HTMLSelectElement} select
 * @param {[string, string][]} options value and text
 * @param {string} chosen its value
 */
function setOptions(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)))
  select.value = chosen
}

/** @param {ArrayLike<number>} values @returns {number} */
const max = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity)
/** @param {ArrayLike<number>} values @returns {number} */
const min = (values) => values.reduce((a, b) => Math.min(a, b), Infinity)
