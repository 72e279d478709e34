// The view as an address: what is chosen stands after the #, so that a view is a
// link. Only what differs from the beginning is written.

import { firstLabels } from './labels.js'
import { samples } from './picture.js'

/** The model that comes with the page. */
export const ownModel = './models/emoji-clip'

/** Two names around one slash: a model on the hub. */
export const hubName = /^[\w-][\w.-]*\/[\w-][\w.-]*$/

/** The choices that a link can name. */
const choices = {
  sample: samples,
  method: ['raw', 'rollout', 'pool', 'dense', 'contribution', 'colors'],
  device: ['auto', 'webgpu', 'simd', 'scalar'],
  dtype: ['auto', 'f32', 'f16', 'q8'],
}

/**
 * What a link can say: the model and how it is run, what it is asked, and which map
 * is shown; label is the one whose map that is, patches the most that a picture may have.
 * @typedef {{model?: string, device?: string, dtype?: string, labels?: string[], template?: string,
 *   sample?: string, method?: string, layer?: number, head?: number|null, label?: string|null,
 *   patches?: number|null}} View
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
  if (text('label', 200)) view.label = text('label', 200)
  for (const [key, values] of Object.entries(choices)) if (values.includes(given.get(key))) view[key] = given.get(key)
  for (const key of ['layer', 'head']) if (/^\d{1,3}$/.test(given.get(key))) view[key] = Number(given.get(key))
  if (given.get('head') === 'mean') view.head = null
  if (/^[1-9]\d{0,3}$/.test(given.get('patches'))) view.patches = Number(given.get('patches'))
  return view
}

/**
 * Writes a view as what stands after the #.
 * @param {View & {usual: string, layers: number}} view usual: the map that the model
 *   begins with; layers: how many it has
 * @returns {string} '' for the first view
 */
export function writeLink({ model, device, dtype, labels, template, sample, method, layer, head, label, patches, usual, layers }) {
  const out = new URLSearchParams()
  if (model !== ownModel) out.set('model', model)
  for (const [key, value] of Object.entries(loadOptions({ device, dtype }))) out.set(key, value)
  if (sample && sample !== samples[0]) out.set('sample', sample)
  if (labels.join('\n') !== firstLabels.join('\n')) for (const each of labels) out.append('labels', each)
  if (template !== '{}') out.set('template', template)
  if (method !== usual) out.set('method', method)
  if (layer !== layers - 1) out.set('layer', String(layer))
  if (head !== null && method === 'raw') out.set('head', String(head))
  if (label) out.set('label', label)
  if (patches) out.set('patches', String(patches))
  return String(out)
}

/**
 * How a view wants its model run.
 * @param {View} view
 * @returns {{device?: string, dtype?: string}} options of load, without what is the rule
 */
export function loadOptions({ device = 'auto', dtype = 'auto' }) {
  return { ...(device !== 'auto' && { device }), ...(dtype !== 'auto' && { dtype }) }
}
