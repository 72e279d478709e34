import { byId, make } from '../page/dom.js'
import { markMapButtons } from '../page/mapbutton.js'
import { Attention } from './attention.js'
import { paintMap, paintPixels } from './colourmap.js'
import { Colors } from './colors.js'
import { PatchReader } from './patch.js'
import { largest, Relevance } from './relevance.js'
import { paintSight, sightOf } from './sight.js'
import { Thumbs } from './thumbs.js'

/**
 * A map, ready to be shown: values of patches, or their colours; low and high are
 * the ends of the scale that all maps of its kind share.
 * @typedef {{grid: [number, number], values?: Float32Array, signed?: boolean, low?: number, high?: number,
 *   rgb?: Float32Array, title: string, words: string, note: string, read: (patch: number) => string}} Shown
 */

/** The kinds of map, as the select groups them: name of the group, then value and text of each. */
const attentionKinds = ['Attention', [['raw', 'attention'], ['rollout', 'rollout'], ['pool', 'pooling head']]]
const relevanceKinds = ['About a label', [['dense', 'relevance'], ['contribution', 'contribution']]]
const colorKinds = ['Features', [['colors', 'colours']]]

const isRelevance = (method) => method === 'dense' || method === 'contribution'

/**
 * Which kind of map a model begins with: its colours where it has neither labels nor classes.
 * @param {{tasks: readonly string[]}} info
 * @returns {string}
 */
export function usualMap({ tasks }) {
  return tasks.includes('rank') || tasks.includes('classify') || !tasks.includes('features') ? 'raw' : 'colors'
}

/** All maps that a model has of a picture: one large over it, others as small squares. */
export class Maps {
  #attention = new Attention()
  #relevance = new Relevance()
  #colors = new Colors()
  #reader = new PatchReader()
  #thumbs
  #changed
  #info = null
  #asksPool = false // whether the model may have a pooling head, which is not known yet
  #label = null // null: the best one
  #asked = { texts: [], best: '' }
  #controls = {
    method: byId('method'), layer: byId('layer'), head: byId('head'),
    look: byId('look'), scale: byId('scale'), strength: byId('strength'),
  }

  /** @param {() => void} changed called when the visitor chooses another map */
  constructor(changed) {
    this.#changed = changed
    this.#thumbs = new Thumbs(byId('thumbs'), (layer, head) => {
      this.choose({ method: 'raw', layer, head })
      changed()
    })
    const { method, layer, head, look, scale, strength } = this.#controls
    for (const control of [method, layer, head]) {
      control.addEventListener('change', () => {
        this.#show()
        changed()
      })
    }
    for (const control of [look, scale, strength]) control.addEventListener('input', () => this.#show())
  }

  /** @returns {{method: string, layer: number, head: number|null, label: string|null}} head null: the mean; label null: the best */
  get chosen() {
    const { method, layer, head } = this.#controls
    return {
      method: method.value,
      layer: Number(layer.value),
      head: head.value === 'mean' || head.value === '' ? null : Number(head.value),
      label: isRelevance(method.value) ? this.#label : null,
    }
  }

  /** @returns {string} the label whose map is shown, '' where there is none */
  get subject() {
    return this.#asked.texts.includes(this.#label) ? this.#label : this.#asked.best
  }

  /**
   * Chooses a map; what the model doesn't have is left as it is.
   * @param {import('../page/link.js').View} choice
   */
  choose({ method, layer, head, label }) {
    const set = (control, value) => {
      if ([...control.options].some((option) => option.value === value)) control.value = value
    }
    if (method !== undefined) set(this.#controls.method, method)
    if (layer !== undefined) set(this.#controls.layer, String(layer))
    if (head !== undefined) set(this.#controls.head, head === null ? 'mean' : String(head))
    if (label !== undefined) this.#label = label
    this.#show()
  }

  /**
   * Shows the map of a label; of the one that is shown, the usual map again.
   * @param {string} label
   */
  toggle(label) {
    const relevant = isRelevance(this.chosen.method)
    if (relevant && label === this.subject) this.choose({ method: usualMap(this.#info), label: null })
    else this.choose({ method: relevant ? this.chosen.method : 'dense', label })
    this.#changed()
  }

  /**
   * Takes a model: which maps, layers and heads there are.
   * @param {object} info of the model
   */
  offer(info) {
    const { tasks, shapes: { layers, heads, prefix } } = info
    this.#info = info
    this.#forget()
    this.#label = null
    this.#asksPool = prefix === 0 && tasks.includes('embedImage')
    const kinds = []
    if (tasks.includes('attention')) kinds.push(attentionKinds)
    if (tasks.includes('relevance')) kinds.push(relevanceKinds)
    if (tasks.includes('features')) kinds.push(colorKinds)
    this.#controls.method.replaceChildren(...kinds.map(([label, methods]) =>
      make('optgroup', { label }, ...methods.filter(([value]) => value !== 'pool' || this.#asksPool).map(([value, text]) => new Option(text, value)))))
    this.#controls.method.value = usualMap(info)
    if (this.#asksPool) this.#poolOption.hidden = true
    const count = (n) => Array.from({ length: n }, (_, i) => [String(i), String(i)])
    setOptions(this.#controls.layer, count(layers), String(layers - 1))
    setOptions(this.#controls.head, [['mean', 'mean'], ...count(heads)], 'mean')
    byId('maps-part').hidden = !kinds.length
    byId('no-maps').hidden = kinds.length > 0
  }

  /**
   * Shows the picture as the model sees it.
   * @param {ImageData} pixels
   */
  showPicture(pixels) {
    const sight = sightOf(pixels, this.#info.preprocess)
    paintSight(byId('seen'), pixels, sight)
    byId('sight').style.setProperty('--aspect', String(sight.toWidth / sight.toHeight))
    this.#forget()
  }

  /**
   * Gets the chosen map and shows it.
   * @param {import('../../js/vitrine.d.ts').Model} model
   * @param {ImageData} pixels
   * @param {object} options of the call
   * @param {{texts: string[], options: object, best: string}} asked labels or names of
   *   classes, how they are written, and the one that fits best
   * @returns {Promise<[number, number]|undefined>} rows and columns of the map, where there is one
   */
  async answer(model, pixels, options, asked) {
    if (byId('maps-part').hidden) return undefined
    this.#asked = asked
    if (this.#asksPool) await this.#askPool(model, pixels, options)
    const { method } = this.chosen
    await this.#source(method).fetch(model, pixels, this.chosen, options, { texts: asked.texts, options: asked.options })
    return this.#show()
  }

  /** @returns {HTMLOptionElement|null} the kind that not all models without a class token have */
  get #poolOption() {
    return this.#controls.method.querySelector('[value=pool]')
  }

  /** Finds out, once for each model, whether it has a pooling head, by asking for its map. */
  async #askPool(model, pixels, options) {
    this.#asksPool = false
    try {
      await this.#attention.fetchPool(model, pixels, options)
      this.#poolOption.hidden = false
    } catch (error) {
      if (error.code !== 'option') throw error
      this.#poolOption.remove() // if it was chosen, by a link, the first one is now
    }
  }

  /** Forgets the maps of the picture before. */
  #forget() {
    for (const source of [this.#attention, this.#relevance, this.#colors]) source.forget()
  }

  /** @param {string} method @returns {Attention|Relevance|Colors} */
  #source(method) {
    return method === 'colors' ? this.#colors : isRelevance(method) ? this.#relevance : this.#attention
  }

  /**
   * Paints the chosen map, its legend and the small ones.
   * @returns {[number, number]|undefined} its rows and columns, where it is there
   */
  #show() {
    const choice = { ...this.chosen, label: this.subject }
    const { method, layer, head } = choice
    const attention = !isRelevance(method) && method !== 'colors'
    byId('layer-field').hidden = isRelevance(method) || method === 'pool'
    byId('head-field').hidden = !attention || method === 'pool'
    this.#controls.head.disabled = method === 'rollout' // it is over the mean of all heads
    byId('thumbs-frame').hidden = !attention
    for (const id of ['legend', 'look-field', 'scale-field']) byId(id).hidden = method === 'colors'
    const shown = this.#source(method).shown(choice)
    if (!shown) {
      this.#showNone(isRelevance(method) && !this.#asked.texts.length)
      return undefined
    }
    byId('map-title').textContent = shown.title
    byId('map-words').textContent = shown.words
    byId('map-note').textContent = shown.note
    const common = this.#controls.scale.value === 'common'
    const strength = Number(this.#controls.strength.value) / 100
    if (shown.rgb) paintPixels(byId('map'), shown.grid, (i) => [...shown.rgb.subarray(i * 3, i * 3 + 3), strength].map((part) => part * 255))
    else this.#paint(shown, common, strength)
    if (attention) this.#thumbs.show(this.#attention.stack, (l, h) => this.#attention.mapOf(l, h), common ? shown.high : null, method === 'raw' ? [layer, head] : null)
    markMapButtons(isRelevance(method) ? choice.label : null, (label, canvas) => this.#paintSmall(method, label, canvas, common ? shown.high : null))
    this.#reader.show(shown.grid, shown.read)
    return shown.grid
  }

  /**
   * Says that there is no map of a label without one; another is on its way.
   * @param {boolean} wordless whether a map of a label is chosen, and there is no label
   */
  #showNone(wordless) {
    if (!wordless) return
    byId('map-words').textContent = 'There is no label. Relevance is about one: write a word first.'
    byId('map').width = 0
    this.#reader.show(null)
  }

  /**
   * Paints values over the picture, and their legend.
   * @param {Shown} shown
   * @param {boolean} common whether on the scale of all maps of its kind
   * @param {number} strength 0 to 1
   */
  #paint({ grid, values, signed, low, high }, common, strength) {
    const most = largest(values)
    if (!common) [low, high] = signed ? [-most, most] : [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
    const chosen = this.#controls.look.value
    const look = signed && chosen === 'ember' ? 'signed' : chosen
    // In the light of a lamp, what speaks against a label lies in the dark too.
    paintMap(byId('map'), values, grid, { low: signed ? 0 : low, high, look, strength })
    byId('legend-low').textContent = low.toFixed(3).replace('-', '−')
    byId('legend-high').textContent = high.toFixed(3)
    const ramp = Float32Array.from({ length: 128 }, (_, i) => (signed ? i / 63.5 - 1 : i / 127))
    paintMap(byId('legend-bar'), ramp, [1, 128], { low: 0, high: 1, look, strength: 1 })
  }

  /**
   * Paints the map of a label into its square.
   * @param {string} method
   * @param {string} label
   * @param {HTMLCanvasElement} canvas
   * @param {number|null} high end of the scale of all; null: each its own
   * @returns {boolean} Whether there is one.
   */
  #paintSmall(method, label, canvas, high) {
    const map = this.#relevance.mapOf(method, label)
    if (!map) return false
    paintMap(canvas, map.contrast, map.grid, { low: 0, high: high ?? largest(map.contrast), look: 'signed', strength: 1 })
    return true
  }
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
