// The view as an address: what is chosen stands after the #, so that a view is a
// link. Only what differs from the beginning is written.

import { firstLabels } from './labels.js'
import { samples } from './picture.js'

/** The model that comes with the page. */
export const ownModel = './models/emoji-clip'

/** Two names around one slash: a model on the hub. */
export const hubName = /^[\w-][\w.-]*\/[\w-][\w.-]*$/

/**
 * What a link can say.
 * @typedef {{model?: string, labels?: string[], template?: string, sample?: string,
 *   method?: string, layer?: number, head?: number|null}} View
 */

/**
 * Reads the address. Anyone can write one, so what makes no sense is left out.
 * @param {string} hash with or without #
 * @returns {View}
 */
export function readLink(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ''))
  const view = {}
  const text = (key, most) => given.get(key)?.slice(0, most)
  if (text('model', 500)) view.model = text('model', 500)
  if (given.has('labels')) view.labels = given.getAll('labels').map((label) => label.slice(0, 200).trim()).filter(Boolean)
  if (text('template', 200)?.includes('{}')) view.template = text('template', 200)
  if (samples.includes(given.get('sample'))) view.sample = given.get('sample')
  if (['raw', 'rollout'].includes(given.get('method'))) view.method = given.get('method')
  if (/^\d{1,3}$/.test(given.get('layer'))) view.layer = Number(given.get('layer'))
  if (/^\d{1,3}$/.test(given.get('head'))) view.head = Number(given.get('head'))
  if (given.get('head') === 'mean') view.head = null
  return view
}

/**
 * Writes a view as what stands after the #.
 * @param {View & {layers: number}} view layers: how many the model has
 * @returns {string} '' for the first view
 */
export function writeLink({ model, labels, template, sample, method, layer, head, layers }) {
  const out = new URLSearchParams()
  if (model !== ownModel) out.set('model', model)
  if (sample && sample !== samples[0]) out.set('sample', sample)
  if (labels.join('\n') !== firstLabels.join('\n')) for (const label of labels) out.append('labels', label)
  if (template !== '{}') out.set('template', template)
  if (method !== 'raw') out.set('method', method)
  if (layer !== layers - 1) out.set('layer', String(layer))
  if (head !== null && method === 'raw') out.set('head', String(head))
  return String(out)
}
