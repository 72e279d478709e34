// The one error type of Vitrine.

/**
 * What every failure is, but an abort (that rejects with signal.reason). `code`
 * is stable; vitrine.d.ts lists the codes. `message` names the file or argument,
 * what was found, what is supported and what to do.
 */
export class VitrineError extends Error {
  constructor(code, message, options) {
    super(message, options)
    this.name = 'VitrineError'
    this.code = code
  }
}

/** {code, message} of any error, to be sent. */
export function described(error) {
  if (error.code && error.message) return { code: error.code, message: error.message }
  return { code: 'internal', message: `a mistake in Vitrine: ${error.message ?? error}` }
}

/** The VitrineError of an argument or option: where it stands, what was found, what is wanted. */
export function wrong(where, found, wanted) {
  return new VitrineError('option', `${where}: found ${describe(found)}, want ${wanted}`)
}

/** A value as an error quotes it, in at most some 60 characters. */
export function describe(value) {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? value.slice(0, 57) + '…' : value)
  if (Array.isArray(value)) return value.length > 4 ? `an array of ${value.length}` : `[${value.map(describe).join(', ')}]`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol' || Object(value) !== value) return String(value)
  return `an object (${typeName(value)})`
}

/** The class of an object, also of one from another window: 'ImageData', 'Blob', 'Object' … */
export function typeName(value) {
  return Object.prototype.toString.call(value).slice(8, -1)
}
