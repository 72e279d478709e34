// Checks options by their kinds in calls.js. The engine checks upper limits that depend on
// the model.

import { VitrineError, describe, typeName, wrong } from '../common/errors.js'
import { inspectOptions, loadOptions } from './calls.js'

/** Whether a value is an array with at least one element, all of which test accepts. */
const listOf = (test) => (v) => Array.isArray(v) && v.length > 0 && v.every(test)
const isText = (v) => typeof v === 'string'
const isWhole = (v) => Number.isInteger(v) && Math.abs(v) <= 0x7fffffff
const isIndex = (v) => isWhole(v) && v >= 0
const isCount = (v) => isWhole(v) && v >= 1

/** Whether a value is an object of headers that HTTP allows. */
function isHeaders(v) {
  try {
    return typeName(v) === 'Object' && Object.values(v).every(isText) && Boolean(new Headers(v))
  } catch {
    return false
  }
}

/** [accepts(value), what is supported] by kind. */
const kinds = {
  boolean: [(v) => typeof v === 'boolean', 'true or false'],
  string: [isText, 'a string'],
  workers: [(v) => v === 'auto' || isCount(v), "'auto' or a whole number from 1"],
  headers: [isHeaders, 'an object of names and values of HTTP headers, all strings'],
  function: [(v) => typeof v === 'function', 'a function'],
  count: [isCount, 'a whole number from 1'],
  index: [isIndex, 'a whole number from 0'],
  size: [(v) => listOf(isCount)(v) && v.length === 2, '[height, width] in pixels, whole numbers from 1'],
  template: [(v) => isText(v) || listOf(isText)(v), 'a string with {}, or several in an array'],
  strings: [listOf(isText), 'an array of strings'],
  integers: [listOf(isWhole), 'an array of whole numbers'],
  indices: [listOf(isIndex), 'an array of whole numbers from 0'],
  signal: [(v) => v === null || typeName(v) === 'AbortSignal', 'an AbortSignal'],
}

/**
 * A checked copy of the options of a call, without options that are undefined; a single
 * template becomes an array. known has the kind of each option, as calls.js does. Throws a
 * VitrineError of the code 'option' for an unknown name or a wrong value.
 */
export function checked(call, known, options = {}) {
  return checkedMembers(call, '', known, options)
}

/** checked for the members of an object; path is the object's option and a dot, or ''. */
function checkedMembers(call, path, known, options) {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw wrong(`${call}: ${path.slice(0, -1) || 'options'}`, options, 'an object')
  }
  const out = {}
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(known, name)) {
      throw new VitrineError('option', `${call}: there is no option ${describe(path + name)}; supported are ${Object.keys(known).map((other) => path + other).join(', ')}`)
    }
    if (value !== undefined) out[name] = checkedValue(call, path + name, known[name], value)
  }
  return out
}

/** A value of a kind: a key of kinds, an array of the supported values, or an object of kinds. */
function checkedValue(call, name, kind, value) {
  if (Array.isArray(kind)) {
    if (!kind.includes(value)) throw wrong(`${call}: ${name}`, value, `one of ${kind.map((v) => `'${v}'`).join(', ')}`)
    return value
  }
  if (typeof kind === 'object') return checkedMembers(call, `${name}.`, kind, value)
  const [accepts, supported] = kinds[kind]
  if (!accepts(value)) throw wrong(`${call}: ${name}`, value, supported)
  return kind === 'template' ? [value].flat() : value
}

/** checked for load, which also checks the options against each other. */
export function checkedLoad(options) {
  const out = checked('load', loadOptions, options)
  if (out.device === 'scalar' && (out.kernels ?? 'auto') !== 'auto') throw wrong('load: kernels', out.kernels, "'auto' where device is 'scalar', which runs without SIMD kernels")
  return out
}

/** checked for inspect. */
export function checkedInspect(options) {
  return checked('inspect', inspectOptions, options)
}

/** A checked copy of an array of strings; name is that of the argument. The engine refuses empty arrays. */
export function checkedTexts(name, texts) {
  if (!Array.isArray(texts)) throw wrong(name, texts, 'an array of strings')
  texts.forEach((text, i) => {
    if (typeof text !== 'string') throw wrong(`${name}[${i}]`, text, 'a string')
  })
  return [...texts]
}
