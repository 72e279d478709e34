import { html } from '../vendor/lit-html/lit-html.js'
import { ref } from '../vendor/lit-html/directives/ref.js'
import { arrows, within } from '../parts/keys.js'
import { paintMap } from './colourmap.js'

/**
 * All maps of a model in small: a column for each layer, a row for each head, with the mean
 * over heads in the first row. They are one radio group: arrow keys move in it.
 * @param {{layers: number, heads: number, grid: [number, number]}} stack
 * @param {{mapOf: (layer: number, head: number|null) => Float32Array, high: number|null,
 *   chosen: [number, number|null]|null, choose: (layer: number, head: number|null) => void}} options
 *   high: the value at the bright end of all maps, null: each has its own; chosen: layer and head
 */
export function thumbs({ layers, heads, grid }, { mapOf, high, chosen, choose }) {
  const rows = [null, ...Array(heads).keys()]
  const isChosen = (layer, head) => chosen !== null && chosen[0] === layer && chosen[1] === head

  const move = (event) => {
    const step = arrows[event.key]
    const button = event.target.closest('button')
    if (!step || !button) return
    event.preventDefault()
    const layer = within(Number(button.dataset.layer) + step[0], layers - 1)
    const row = within(Number(button.dataset.row) + step[1], heads)
    choose(layer, rows[row])
    event.currentTarget.querySelector(`[data-layer="${layer}"][data-row="${row}"]`).focus()
  }

  const thumb = (head, row, layer) => {
    const name = head === null ? `Layer ${layer}, mean of all heads` : `Layer ${layer}, head ${head}`
    const on = isChosen(layer, head)
    const tabbable = on || (chosen === null && layer === 0 && head === null)
    const paint = (canvas) => {
      if (!canvas) return
      const values = mapOf(layer, head)
      const [low, bright] = high === null ? [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))] : [0, high]
      paintMap(canvas, values, grid, { low, high: bright, look: 'ember', strength: 1 })
    }
    return html`<button type="button" class="thumb" role="radio" aria-label=${name} title=${name} aria-checked=${on} tabindex=${tabbable ? 0 : -1}
      data-layer=${layer} data-row=${row} @click=${() => choose(layer, head)}><canvas width="1" height="1" ${ref(paint)}></canvas></button>`
  }

  const columns = [...Array(layers).keys()]
  return html`<div class="thumbs" id="thumbs" role="radiogroup" aria-label="All layers and heads" .style=${`--layers: ${layers}`} @keydown=${move}>
    <span class="thumb-name" aria-hidden="true">layer</span>${columns.map((layer) => html`<span class="thumb-name" aria-hidden="true">${layer}</span>`)}
    ${rows.map((head, row) => html`<span class="thumb-name side" aria-hidden="true">${head === null ? 'mean' : `head ${head}`}</span>${columns.map((layer) => thumb(head, row, layer))}`)}
  </div>`
}
