// The view as a link: what is chosen is written after the # of the address. Only what
// differs from the first view is written.

import { samples } from '../picture/samples.js'
import { firstLabels } from '../ranking/labels.js'

/** The model that comes with the page. */
export const ownModel = './models/emoji-clip'

/** A model on the hub: two names around one slash. */
export const hubName = /^[\w-][\w.-]*\/[\w-][\w.-]*$/

/** The choices that a link can name. */
const choices = {
  sample: samples,
  method: ['raw', 'rollout', 'pool', 'dense', 'contribution', 'colors'],
  device: ['auto', 'webgpu', 'simd', 'scalar'],
  dtype: ['auto', 'f32', 'f16', 'q8'],
}

/**
 * What a link can name: the model and how it runs, what it is asked, and which map is
 * shown. label is the label of that map; patches is how many a picture may have at most.
 * @typedef {{model?: string, device?: string, dtype?: string, labels?: string[], template?: string,
 *   sample?: string, method?: string, layer?: number, head?: number|null, label?: string|null,
 *   patches?: number|null}} View
 */

/**
 * Reads a link. Anyone can write one, so values that make no sense are left out.
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
 * Writes a view as the part of an address after the #.
 * @param {View & {usual: string, layers: number}} view usual: the map that is shown first
 *   for the model; layers: how many the model has
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
 * Gives the options of load that a view asks for.
 * @param {View} view
 * @returns {{device?: string, dtype?: string}} without those that are the default
 */
export function loadOptions({ device = 'auto', dtype = 'auto' }) {
  return { ...(device !== 'auto' && { device }), ...(dtype !== 'auto' && { dtype }) }
}
