import { html } from '../vendor/lit-html/lit-html.js'
import { ref } from '../vendor/lit-html/directives/ref.js'

/**
 * Which label's map is shown, and how the maps of all labels are painted.
 * @typedef {{chosen: string|null, paint: (label: string, canvas: HTMLCanvasElement) => boolean}} SmallMaps
 *   chosen is null where no label's map is shown; paint tells whether there is a map
 */

/**
 * The small square beside a label or class. Pressing it shows the map of the label; while
 * such maps are shown, each square is its own map in small.
 * @param {string} label
 * @param {SmallMaps} maps
 * @param {(label: string) => void} show called when it is pressed
 */
export const mapSquare = (label, { chosen, paint }, show) => {
  const name = `Which patches speak for ${label}`
  const draw = (canvas) => {
    if (canvas && (chosen === null || !paint(label, canvas))) canvas.width = canvas.height = 0
  }
  return html`<button type="button" class="map-button" title=${name} aria-label=${name} aria-pressed=${label === chosen}
    @click=${() => show(label)}><canvas width="0" height="0" ${ref(draw)}></canvas></button>`
}
