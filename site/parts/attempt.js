import { sayError } from './words.js'

/**
 * Runs one part of an answer. Its failure is shown, and the other parts go on.
 * @param {{error: string, update: () => void}} part shows error, which is '' where nothing failed
 * @param {() => Promise<unknown>} task
 */
export async function attempt(part, task) {
  try {
    await task()
    part.error = ''
  } catch (error) {
    if (error.code === 'closed') return // another model has replaced this one, and answers
    part.error = sayError(error)
  }
  part.update()
}
