import { make } from '../page/dom.js'
import { paintMap } from './colourmap.js'

/**
 * All maps of a model as small pictures: a column a layer, a row a head, the mean
 * over heads first. One radio group: arrow keys move in it, a click chooses.
 */
export class Thumbs {
  #element
  #choose
  #buttons = new Map() // "layer head" → button
  #layers = 0
  #rows = [] // heads in the order of their rows, null for the mean
  #sizes = ''

  /**
   * @param {HTMLElement} element
   * @param {(layer: number, head: number|null) => void} choose
   */
  constructor(element, choose) {
    this.#element = element
    this.#choose = choose
    element.addEventListener('keydown', (event) => this.#move(event))
  }

  /**
   * @param {{layers: number, heads: number, grid: [number, number]}} stack
   * @param {(layer: number, head: number|null) => Float32Array} mapOf
   * @param {number|null} high value at the bright end of all maps; null: each its own
   * @param {[number, number|null]|null} chosen layer and head
   */
  show(stack, mapOf, high, chosen) {
    this.#build(stack)
    for (const { button, canvas, layer, head } of this.#buttons.values()) {
      const values = mapOf(layer, head)
      const own = high === null
      paintMap(canvas, values, stack.grid, {
        low: own ? values.reduce((a, b) => Math.min(a, b)) : 0,
        high: own ? values.reduce((a, b) => Math.max(a, b)) : high,
        look: 'ember',
        strength: 1,
      })
      const on = chosen !== null && chosen[0] === layer && chosen[1] === head
      button.setAttribute('aria-checked', String(on))
      button.tabIndex = on || (chosen === null && layer === 0 && head === null) ? 0 : -1
    }
  }

  /**
   * Makes the buttons, where the model has other sizes than the last one.
   * @param {{layers: number, heads: number}} stack
   */
  #build({ layers, heads }) {
    if (this.#sizes === `${layers} ${heads}`) return
    this.#sizes = `${layers} ${heads}`
    this.#layers = layers
    this.#rows = [null, ...Array.from({ length: heads }, (_, i) => i)]
    this.#buttons.clear()
    this.#element.style.setProperty('--layers', String(layers))
    const corner = make('span', { class: 'thumb-name', 'aria-hidden': 'true' }, 'layer')
    const names = Array.from({ length: layers }, (_, i) => make('span', { class: 'thumb-name', 'aria-hidden': 'true' }, String(i)))
    this.#element.replaceChildren(corner, ...names)
    for (const head of this.#rows) {
      this.#element.append(make('span', { class: 'thumb-name side', 'aria-hidden': 'true' }, head === null ? 'mean' : `head ${head}`))
      for (let layer = 0; layer < layers; layer++) this.#element.append(this.#makeButton(layer, head))
    }
  }

  /**
   * @param {number} layer
   * @param {number|null} head
   * @returns {HTMLElement}
   */
  #makeButton(layer, head) {
    const canvas = make('canvas', { width: 1, height: 1 })
    const name = head === null ? `Layer ${layer}, mean of all heads` : `Layer ${layer}, head ${head}`
    const button = make('button', { type: 'button', class: 'thumb', role: 'radio', 'aria-label': name, 'aria-checked': 'false', title: name }, canvas)
    button.addEventListener('click', () => this.#choose(layer, head))
    this.#buttons.set(`${layer} ${head}`, { button, canvas, layer, head })
    return button
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    const at = [...this.#buttons.values()].find(({ button }) => button === event.target)
    if (!way || !at) return
    event.preventDefault()
    const layer = Math.min(Math.max(at.layer + way[0], 0), this.#layers - 1)
    const row = Math.min(Math.max(this.#rows.indexOf(at.head) + way[1], 0), this.#rows.length - 1)
    const { button } = this.#buttons.get(`${layer} ${this.#rows[row]}`)
    this.#choose(layer, this.#rows[row])
    button.focus()
  }
}
