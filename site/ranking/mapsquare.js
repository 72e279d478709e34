// A small square beside each label and class: pressed, it shows the map of what it
// stands for; while such maps are shown, each square is its own map, in small.

import { make } from './dom.js'

/**
 * Makes the square of a label.
 * @param {string} text the label
 * @param {(text: string) => void} show called with its label when it is pressed
 * @returns {HTMLButtonElement}
 */
export function mapButton(text, show) {
  const button = make('button', { type: 'button', class: 'map-button', 'aria-pressed': 'false' }, make('canvas', { width: 0, height: 0 }))
  button.addEventListener('click', () => show(button.dataset.mapOf))
  nameMapButton(button, text)
  return button
}

/**
 * Gives a square another label.
 * @param {HTMLButtonElement} button
 * @param {string} text
 */
export function nameMapButton(button, text) {
  button.dataset.mapOf = text
  button.title = `Which patches speak for ${text}`
  button.setAttribute('aria-label', button.title)
}

/**
 * Marks the label whose map is shown, and paints all squares.
 * @param {string|null} chosen null: no label's map is shown
 * @param {(text: string, canvas: HTMLCanvasElement) => boolean} paint tells whether there is a map
 */
export function markMapButtons(chosen, paint) {
  for (const button of document.querySelectorAll('[data-map-of]')) {
    const text = button.dataset.mapOf
    button.setAttribute('aria-pressed', String(text === chosen))
    const canvas = button.firstElementChild
    if (chosen === null || !paint(text, canvas)) canvas.width = canvas.height = 0
  }
}
