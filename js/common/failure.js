// How a worker of Vitrine ends when something in it fails that no call waits for.

import { described } from './errors.js'

/** Reports that nothing works any more, and ends the worker. */
export function failed(error) {
  postMessage({ type: 'failed', ...described(error) })
  close()
}

addEventListener('error', (event) => {
  event.preventDefault()
  failed(event.error ?? new Error(event.message))
})
addEventListener('unhandledrejection', (event) => {
  event.preventDefault()
  failed(event.reason)
})
