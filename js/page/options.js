// The options of each call and their types. The engine checks upper limits that depend
// on the model.

import { VitrineError, describe, typeName, wrong } from '../common/errors.js'

/** [accepts(value), what is supported] by kind. */
const kinds = {
  boolean: [(v) => typeof v === 'boolean', 'true or false'],
  string: [(v) => typeof v === 'string', 'a string'],
  workers: [(v) => v === 'auto' || (Number.isInteger(v) && v >= 1 && v <= 0x7fffffff), "'auto' or a whole number from 1"],
  function: [(v) => typeof v === 'function', 'a function'],
  count: [(v) => Number.isInteger(v) && v >= 1 && v <= 0x7fffffff, 'a whole number from 1'],
  index: [(v) => Number.isInteger(v) && v >= 0 && v <= 0x7fffffff, 'a whole number from 0'],
  size: [
    (v) => Array.isArray(v) && v.length === 2 && v.every((n) => Number.isInteger(n) && n >= 1 && n <= 0x7fffffff),
    '[height, width] in pixels, whole numbers from 1',
  ],
  template: [
    (v) => typeof v === 'string' || (Array.isArray(v) && v.length > 0 && v.every((t) => typeof t === 'string')),
    'a string with {}, or several in an array',
  ],
  texts: [(v) => Array.isArray(v) && v.length > 0 && v.every((t) => typeof t === 'string'), 'an array of strings'],
  layers: [(v) => Array.isArray(v) && v.length > 0 && v.every((n) => Number.isInteger(n) && Math.abs(n) <= 0x7fffffff), 'an array of whole numbers'],
  experiment: [isExperiment, 'an object with order (an array of patch numbers), positions, causal (true or false)'],
  signal: [(v) => v === null || typeName(v) === 'AbortSignal', 'an AbortSignal'],
}

/** Whether a value is an Experiment of vitrine.d.ts. */
function isExperiment(v) {
  if (Object(v) !== v || Array.isArray(v)) return false
  const fields = {
    order: (order) => Array.isArray(order) && order.length > 0 && order.every((n) => Number.isInteger(n) && n >= 0 && n <= 0x7fffffff),
    positions: kinds.boolean[0],
    causal: kinds.boolean[0],
  }
  return Object.entries(v).every(([name, value]) => Object.hasOwn(fields, name) && (value === undefined || fields[name](value)))
}

const image = { signal: 'signal', size: 'size', maxPatches: 'count', experiment: 'experiment' }

/** The options of each call, with a key of kinds or an array of the supported values. */
const known = {
  load: {
    device: ['auto', 'webgpu', 'simd', 'scalar'],
    dtype: ['auto', 'f32', 'f16', 'q8'],
    kernels: ['auto', 'relaxed', 'plain'],
    workers: 'workers',
    revision: 'string',
    integrity: 'string',
    cache: ['default', 'no-store', 'reload', 'no-cache', 'force-cache'],
    host: 'string',
    signal: 'signal',
    onProgress: 'function',
  },
  embedImage: { ...image, normalize: 'boolean' },
  embedImages: { ...image, normalize: 'boolean', onProgress: 'function' },
  embedText: { signal: 'signal', normalize: 'boolean', template: 'template' },
  embedTexts: { signal: 'signal', normalize: 'boolean', template: 'template', onProgress: 'function' },
  rank: { ...image, template: 'template' },
  classify: { ...image, topK: 'count' },
  attention: { ...image, layer: 'index', head: 'index', method: ['raw', 'rollout', 'pool'], full: 'boolean' },
  attentionStack: image,
  relevance: { ...image, method: ['dense', 'contribution'], against: 'texts', template: 'template' },
  trace: image,
  colors: { ...image, layer: 'index' },
  features: { ...image, layer: 'index' },
  visualTokens: { ...image, layers: 'layers', strategy: ['default', 'full'] },
  losses: { signal: 'signal' },
  tokenize: { signal: 'signal' },
}

/**
 * A checked copy of the options of a call, without options that are undefined. Throws
 * a VitrineError of the code 'option' for an unknown name or a wrong value.
 */
export function checked(call, options = {}) {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw wrong(`${call}: options`, options, 'an object')
  }
  const names = known[call]
  const out = {}
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(names, name)) {
      throw new VitrineError('option', `${call}: there is no option ${describe(name)}; supported are ${Object.keys(names).join(', ')}`)
    }
    if (value === undefined) continue
    check(`${call}: ${name}`, value, names[name])
    out[name] = value
  }
  return out
}

/** Throws unless a value is of a kind: a key of kinds, or an array of the supported values. */
function check(name, value, kind) {
  if (Array.isArray(kind)) {
    if (!kind.includes(value)) throw wrong(name, value, `one of ${kind.map((v) => `'${v}'`).join(', ')}`)
    return
  }
  const [accepts, supported] = kinds[kind]
  if (!accepts(value)) throw wrong(name, value, supported)
}

/** checked for load, which also checks the options against each other. */
export function checkedLoad(options) {
  const out = checked('load', options)
  if (out.device === 'scalar' && (out.kernels ?? 'auto') !== 'auto') throw wrong('load: kernels', out.kernels, "'auto' where device is 'scalar', which runs without SIMD kernels")
  return out
}

/** A checked copy of an array of strings; name is that of the argument. The engine refuses empty arrays. */
export function checkedTexts(name, texts) {
  if (!Array.isArray(texts)) throw wrong(name, texts, 'an array of strings')
  texts.forEach((text, i) => {
    if (typeof text !== 'string') throw wrong(`${name}[${i}]`, text, 'a string')
  })
  return [...texts]
}
