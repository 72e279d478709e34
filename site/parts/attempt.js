import { sayError } from './words.js'

/**
 * Runs one part of an answer. A failure is reported, and the other parts go on.
 * @param {(words: string) => void} report is called with the failure in words, '' where there is none
 * @param {() => Promise<unknown>} part
 */
export async function attempt(report, part) {
  try {
    await part()
    report('')
  } catch (error) {
    if (error.code === 'closed') return // another model has replaced this one, and answers
    report(sayError(error))
  }
}
