// Reports failures of a worker that belong to no call. Importing this module also
// reports uncaught errors and unhandled rejections.

import { asMessage } from './errors.js'

/** Sends the message `failed` and ends the worker. */
export function reportFailure(error) {
  postMessage({ type: 'failed', ...asMessage(error) })
  close()
}

addEventListener('error', (event) => {
  event.preventDefault()
  reportFailure(event.error ?? new Error(event.message))
})
addEventListener('unhandledrejection', (event) => {
  event.preventDefault()
  reportFailure(event.reason)
})
