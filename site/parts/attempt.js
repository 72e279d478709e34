import { byId } from './dom.js'

/**
 * Turns a failure into a sentence with the code that programs see.
 * @param {Error & {code?: string}} error
 * @returns {string}
 */
export function sayError(error) {
  return error.code && typeof error.code === 'string' ? `${error.message} (${error.code})` : error.message
}

/**
 * Runs one part of an answer. Where it fails, that is said at its place, and the
 * other parts go on.
 * @param {string} place id of the element that says why it failed
 * @param {() => Promise<unknown>} part
 */
export async function attempt(place, part) {
  const words = byId(place)
  try {
    await part()
    words.hidden = true
  } catch (error) {
    if (error.code === 'closed') return // another model has taken its place, and answers
    words.textContent = sayError(error)
    words.hidden = false
  }
}
