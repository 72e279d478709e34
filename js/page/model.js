// A loaded model as the caller sees it: checks the arguments of each call and passes the
// call on to the connection. The methods are those of calls.js; vitrine.d.ts describes them.

import { wrong } from '../common/errors.js'
import { calls } from './calls.js'
import { snapshot, snapshots } from './image.js'
import { checked, checkedTexts } from './options.js'

/** By kind of input: a function of the argument that gives what is sent, checked. */
const inputs = {
  labels: (labels) => ({ texts: checkedTexts('labels', labels) }),
  texts: (texts) => ({ texts: checkedTexts('texts', texts) }),
  text(text) {
    if (typeof text !== 'string') throw wrong('text', text, 'a string')
    return { text }
  },
  logits(logits) {
    const square = Array.isArray(logits) && logits.length > 0 && logits.every((row) => Array.isArray(row) && row.length === logits.length && row.every(Number.isFinite))
    if (!square) throw wrong('logits', logits, 'a square of numbers: one row a text, one column a picture, pairs on the diagonal')
    return { logits: logits.flat() }
  },
}

/** By kind of input: a function of the argument that gives a promise of the image or images that are sent. */
const images = { image: snapshot, images: snapshots }

/** The result of load. */
export class Model {
  #connection

  static {
    for (const [name, { inputs, options }] of Object.entries(calls)) {
      Object.defineProperty(Model.prototype, name, {
        async value(...args) {
          return this.#call(name, inputs, args, checked(name, options, args[inputs.length]))
        },
      })
    }
  }

  /** connection is a Connection whose worker has loaded the model. */
  constructor(connection) {
    this.#connection = connection
  }

  /** What the model is and what runs it, as it is now: a frozen object. */
  get info() {
    return frozen(this.#connection.info)
  }

  /** Makes a call of calls.js: args are its inputs, of the kinds in kinds. Pictures are read last, when all else is checked. */
  #call(name, kinds, args, options) {
    const sent = Object.assign({}, ...kinds.map((kind, i) => inputs[kind]?.(args[i])))
    const i = kinds.findIndex((kind) => kind in images)
    return this.#connection.call(name, options, sent, i < 0 ? undefined : images[kinds[i]](args[i]))
  }

  /** Terminates the worker and frees all memory. Running and later calls reject with the code 'closed'. */
  close() {
    this.#connection.close()
  }
}

/** A deeply frozen copy of plain data. */
function frozen(value) {
  if (Object(value) !== value) return value
  return Object.freeze(Array.isArray(value) ? value.map(frozen) : Object.fromEntries(Object.entries(value).map(([key, v]) => [key, frozen(v)])))
}
