import { byId } from '../page/dom.js'
import { paintMap } from './colourmap.js'

/**
 * Shows what a picture costs a language model, and what it gets to read.
 * @param {import('../../js/vitrine.d.ts').Model} model
 * @param {ImageData} pixels
 * @param {object} options of the call
 */
export async function showSlots(model, pixels, options) {
  const { data, shape: [slots, width] } = await model.visualTokens(pixels, options)
  byId('slots-words').textContent = `This picture costs it ${slots} slots, and ten pictures ${slots * 10}. Each takes the place of one token of text: a row of ${width} numbers.`
  const [low, high] = [data.reduce((a, b) => Math.min(a, b)), data.reduce((a, b) => Math.max(a, b))]
  paintMap(byId('slots-map'), data, [slots, width], { low, high, look: 'ember', strength: 1 })
}
