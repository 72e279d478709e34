// Errors, and how they describe values.

/**
 * The error of every failure except an abort, which rejects with signal.reason. code
 * is stable; vitrine.d.ts lists the codes. message names the file or argument, what
 * was found, what is supported and what to do.
 */
export class VitrineError extends Error {
  constructor(code, message, options) {
    super(message, options)
    this.name = 'VitrineError'
    this.code = code
  }
}

/** {code, message} of any error, for a message to another thread. Errors without a code are bugs of Vitrine: 'internal'. */
export function asMessage(error) {
  if (error.code && error.message) return { code: error.code, message: error.message }
  return { code: 'internal', message: `a mistake in Vitrine: ${error.message ?? error}` }
}

/** The VitrineError of a wrong argument or option: its name, the value found, what is supported. */
export function wrong(name, found, supported) {
  return new VitrineError('option', `${name}: found ${describe(found)}, want ${supported}`)
}

/** A value as errors quote it, in about 60 characters at most. */
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
