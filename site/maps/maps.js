import { html, noChange, nothing, render } from '../vendor/lit-html/lit-html.js'
import { choices, errorLine, selectField } from '../parts/templates.js'
import { Attention } from './attention.js'
import { paintMap, paintPixels } from './colourmap.js'
import { Colors } from './colors.js'
import { PatchReader } from './patchreader.js'
import { paintView, preprocessView } from './preprocess.js'
import { largest, Relevance } from './relevance.js'
import { thumbs } from './thumbs.js'

/**
 * A map, ready to be shown: values of patches, or their colours; low and high are the
 * ends of the scale that all maps of its kind share.
 * @typedef {{grid: [number, number], values?: Float32Array, signed?: boolean, low?: number, high?: number,
 *   rgb?: Float32Array, title: string, words: string, note: string, read: (patch: number) => string}} Shown
 */

/** The kinds of map that a task gives: name of the group, then value and text of each. */
const kinds = {
  attention: ['Attention', [['raw', 'attention'], ['rollout', 'rollout'], ['pool', 'pooling head']]],
  relevance: ['About a label', [['dense', 'relevance'], ['contribution', 'contribution']]],
  features: ['Features', [['colors', 'colours']]],
}

const looks = [['ember', 'colour'], ['light', 'light']]
const scales = [['own', 'this map'], ['common', 'all maps']]

const isRelevance = (method) => method === 'dense' || method === 'contribution'

/**
 * Gives the kind of map that is shown first for a model: its colours, where it has neither
 * labels nor classes.
 * @param {{tasks: readonly string[]}} info
 * @returns {string}
 */
export function usualMap({ tasks }) {
  return tasks.includes('rank') || tasks.includes('classify') || !tasks.includes('features') ? 'raw' : 'colors'
}

/** All maps of a picture: one large over the picture, others in small. */
export class Maps {
  #section
  #patches
  #ranking
  #changed
  #attention = new Attention()
  #relevance = new Relevance()
  #colors = new Colors()
  #reader
  /** @type {object|null} of the model */
  #info = null
  #pool = false // whether the model has a pooling head
  #asksPool = false // whether that is still to be found out
  #method = 'raw'
  #layer = 0
  #head = null // null: the mean
  #label = null // null: the best one
  #shownAs = { look: 'ember', scale: 'own', strength: 60 } // strength in per cent
  #asked = { texts: [], best: '' }
  /** @type {{title: string, words: string, note: string}} of the map that is seen */
  #said = { title: 'Where it looked', words: '', note: '' }
  #ends = [0, 0] // of the legend
  error = ''

  /**
   * @param {HTMLElement} section
   * @param {import('../model/patches.js').Patches} patches
   * @param {import('../ranking/ranking.js').Ranking} ranking takes the small maps of labels
   * @param {() => void} changed called when the visitor chooses another map
   */
  constructor(section, patches, ranking, changed) {
    this.#section = section
    this.#patches = patches
    this.#ranking = ranking
    this.#changed = changed
    this.update()
    this.#reader = new PatchReader(section.querySelector('#view'), section.querySelector('#patch-mark'), section.querySelector('#patch'))
  }

  /** @returns {{method: string, layer: number, head: number|null, label: string|null}} head null: the mean; label null: the best */
  get chosen() {
    return { method: this.#method, layer: this.#layer, head: this.#head, label: isRelevance(this.#method) ? this.#label : null }
  }

  /** @returns {string} the label whose map is shown, '' where there is none */
  get subject() {
    return this.#asked.texts.includes(this.#label) ? this.#label : this.#asked.best
  }

  /**
   * Chooses a map. Parts of the choice that the model doesn't have are ignored.
   * @param {import('../model/link.js').View} choice
   */
  choose({ method, layer, head, label }) {
    const { layers, heads } = this.#info.shapes
    if (this.#methods.includes(method)) this.#method = method
    if (layer < layers) this.#layer = layer
    if (head === null || head < heads) this.#head = head
    if (label !== undefined) this.#label = label
    this.#show()
  }

  /**
   * Shows the map of a label; where it is shown already, the usual map again.
   * @param {string} label
   */
  toggle(label) {
    const relevant = isRelevance(this.#method)
    if (relevant && label === this.subject) this.choose({ method: usualMap(this.#info), label: null })
    else this.choose({ method: relevant ? this.#method : 'dense', label })
    this.#changed()
  }

  /**
   * Takes a model with its maps, layers and heads.
   * @param {object} info of the model
   */
  offer(info) {
    const { tasks, shapes } = info
    this.#info = info
    this.#forget()
    this.#pool = false
    this.#asksPool = shapes.prefix === 0 && tasks.includes('embedImage')
    this.#method = usualMap(info)
    this.#layer = shapes.layers - 1
    this.#head = this.#label = null
    this.update()
  }

  /**
   * Shows the picture as the model gets it.
   * @param {ImageData} pixels
   */
  showPicture(pixels) {
    const view = preprocessView(pixels, this.#info.preprocess)
    paintView(this.#canvas('seen'), pixels, view)
    this.#section.querySelector('#view').style.setProperty('--aspect', String(view.toWidth / view.toHeight))
    this.#forget()
  }

  /**
   * Gets the chosen map and shows it.
   * @param {import('../../js/vitrine.d.ts').Model} model
   * @param {ImageData} pixels
   * @param {object} options of the call
   * @param {{texts: string[], options: object, best: string}} asked labels or names of
   *   classes, how they are written, and the one that fits best
   */
  async answer(model, pixels, options, asked) {
    if (!this.#methods.length) return
    this.#asked = asked
    if (this.#asksPool) await this.#askPool(model, pixels, options)
    await this.#source.fetch(model, pixels, this.chosen, options, { texts: asked.texts, options: asked.options })
    this.#show()
  }

  /** @returns {[string, [string, string, boolean][]][]} the kinds of map that the model has or may have, in groups */
  get #groups() {
    return Object.entries(kinds).filter(([task]) => this.#info?.tasks.includes(task)).map(([, [name, methods]]) =>
      [name, methods.filter(([value]) => value !== 'pool' || this.#pool || this.#asksPool).map(([value, text]) => [value, text, value === 'pool' && !this.#pool])])
  }

  /** @returns {string[]} values of the kinds */
  get #methods() {
    return this.#groups.flatMap(([, methods]) => methods.map(([value]) => value))
  }

  /** @returns {Attention|Relevance|Colors} where the chosen map comes from */
  get #source() {
    return this.#method === 'colors' ? this.#colors : isRelevance(this.#method) ? this.#relevance : this.#attention
  }

  /** Finds out, once for each model, whether it has a pooling head, by asking for its map. */
  async #askPool(model, pixels, options) {
    this.#asksPool = false
    try {
      await this.#attention.fetchPool(model, pixels, options)
      this.#pool = true
    } catch (error) {
      if (error.code !== 'option') throw error
      if (this.#method === 'pool') this.#method = usualMap(this.#info) // a link chose it
    }
  }

  /** Forgets the maps of the picture before. */
  #forget() {
    this.#attention = new Attention()
    this.#relevance = new Relevance()
    this.#colors = new Colors()
  }

  /** Shows the chosen map, its legend and the small maps, where they are there. */
  #show() {
    const choice = { ...this.chosen, label: this.subject }
    const shown = this.#source.shown(choice)
    if (shown) {
      this.#said = shown
      this.#paint(shown)
      const high = this.#shownAs.scale === 'common' ? shown.high : null
      this.#ranking.showSmallMaps({
        chosen: isRelevance(this.#method) ? choice.label : null,
        paint: (label, canvas) => this.#paintSmall(label, canvas, high),
      })
      this.#reader.show(shown.grid, shown.read)
      this.#patches.grid = shown.grid
    } else if (isRelevance(this.#method) && !this.#asked.texts.length) {
      this.#said = { ...this.#said, words: 'There is no label. Relevance is about one: write a word first.' }
      this.#canvas('map').width = 0
      this.#reader.show(null)
    }
    this.update()
  }

  /**
   * Paints a map over the picture, and its legend.
   * @param {Shown} shown
   */
  #paint({ grid, values, rgb, signed, low, high }) {
    const strength = this.#shownAs.strength / 100
    if (rgb) {
      paintPixels(this.#canvas('map'), grid, (i) => [...rgb.subarray(i * 3, i * 3 + 3), strength].map((part) => part * 255))
      return
    }
    if (this.#shownAs.scale === 'own') {
      const most = largest(values)
      ;[low, high] = signed ? [-most, most] : [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
    }
    const look = signed && this.#shownAs.look === 'ember' ? 'signed' : this.#shownAs.look
    // With the lamp, patches that speak against a label are dark too.
    paintMap(this.#canvas('map'), values, grid, { low: signed ? 0 : low, high, look, strength })
    this.#ends = [low, high]
    const ramp = Float32Array.from({ length: 128 }, (_, i) => (signed ? i / 63.5 - 1 : i / 127))
    paintMap(this.#canvas('legend-bar'), ramp, [1, 128], { low: 0, high: 1, look, strength: 1 })
  }

  /**
   * Paints the map of a label into its square.
   * @param {string} label
   * @param {HTMLCanvasElement} canvas
   * @param {number|null} high end of the scale of all; null: each has its own
   * @returns {boolean} Whether there is one.
   */
  #paintSmall(label, canvas, high) {
    const map = this.#relevance.mapOf(this.#method, label)
    if (!map) return false
    paintMap(canvas, map.contrast, map.grid, { low: 0, high: high ?? largest(map.contrast), look: 'signed', strength: 1 })
    return true
  }

  /** @param {string} id @returns {HTMLCanvasElement} */
  #canvas(id) {
    return this.#section.querySelector(`#${id}`)
  }

  update() {
    render(this.#template, this.#section)
  }

  get #template() {
    const { title, words, note } = this.#said
    const method = this.#method
    const colours = method === 'colors'
    const attention = !colours && !isRelevance(method)
    const { layers = 0, heads = 0 } = this.#info?.shapes ?? {}
    const numbers = (count) => Array.from({ length: count }, (_, i) => [String(i), String(i)])
    const chooseMap = (key) => (value) => {
      this.choose({ [key]: key === 'method' ? value : value === 'mean' ? null : Number(value) })
      this.#changed()
    }
    const showAs = (key) => (value) => {
      this.#shownAs[key] = value
      this.#show()
    }
    const some = !this.#info || this.#methods.length > 0
    return html`
      <h2 id="map-title">${title}</h2>
      <div id="maps-part" ?hidden=${!some}>
        <figure class="view-figure">
          <div class="stage">
            <div class="view" id="view" tabindex="0" role="application" aria-label="Map over the picture" aria-describedby="map-words patch">
              <canvas id="seen" width="64" height="64"></canvas>
              <canvas id="map" width="8" height="8"></canvas>
              <div class="patch-mark" id="patch-mark" hidden></div>
            </div>
          </div>
          <figcaption>
            <div class="legend" ?hidden=${colours}><span class="legend-end">${this.#ends[0].toFixed(3).replace('-', '−')}</span><canvas id="legend-bar" width="128" height="1" aria-hidden="true"></canvas><span class="legend-end">${this.#ends[1].toFixed(3)}</span></div>
            <p class="whisper" id="map-words">${words}</p>
            <p class="whisper reading" id="patch" aria-live="polite">Point at a patch, or use the arrow keys, to read it.</p>
          </figcaption>
        </figure>
        <div class="toolrow pickers">
          ${selectField('Map', 'method', this.#groups.map(([name, methods]) => html`<optgroup label=${name}>${choices(methods, method)}</optgroup>`), { change: chooseMap('method') })}
          ${selectField('Layer', 'layer', choices(numbers(layers), String(this.#layer)), { change: chooseMap('layer'), hidden: isRelevance(method) || method === 'pool' })}
          ${selectField('Head', 'head', choices([['mean', 'mean'], ...numbers(heads)], String(this.#head ?? 'mean')), {
            change: chooseMap('head'), hidden: !attention || method === 'pool', disabled: method === 'rollout', // which is over the mean of all heads
          })}
        </div>
        ${this.#patches.field}
        <div class="thumbs-frame" ?hidden=${!attention}>${!attention ? nothing : this.#attention.stack ? this.#thumbs : noChange}</div>
        <div class="toolrow">
          ${selectField('Shown as', 'look', choices(looks, this.#shownAs.look), { change: showAs('look'), hidden: colours })}
          ${selectField('Scale', 'scale', choices(scales, this.#shownAs.scale), { change: showAs('scale'), hidden: colours })}
          <label class="field strength">Strength <input type="range" min="0" max="100" value="60" @input=${({ target }) => showAs('strength')(Number(target.value))}></label>
        </div>
        <p class="whisper" id="map-note">${note}</p>
        ${errorLine('map-error', this.error)}
      </div>
      <p class="whisper" ?hidden=${some}>This model gives no maps.</p>`
  }

  get #thumbs() {
    return thumbs(this.#attention.stack, {
      mapOf: (layer, head) => this.#attention.mapOf(layer, head),
      high: this.#shownAs.scale === 'common' ? this.#attention.high : null,
      chosen: this.#method === 'raw' ? [this.#layer, this.#head] : null,
      choose: (layer, head) => {
        this.choose({ method: 'raw', layer, head })
        this.#changed()
      },
    })
  }
}
