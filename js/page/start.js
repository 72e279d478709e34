// Starts a model's worker and loads the model there. The messages are described in
// connection.js.

import { VitrineError } from '../common/errors.js'
import { lockName } from '../common/locks.js'
import { trustedWorker } from '../common/trusted-worker.js'
import { isHubId } from './folder.js'

/**
 * Starts a worker and loads the model there: resolves to {worker, info, lock}, where
 * lock is the name of a lock that the worker holds. load is the message of that type
 * without lock. The worker's requests are added to the array requests. Rejects with a
 * VitrineError, or with signal.reason after an abort; the worker is terminated then.
 */
export async function startModel(nameOrUrl, load, { signal, onProgress, requests }) {
  const lock = lockName()
  const { worker, answer } = await startWith(nameOrUrl, { ...load, lock }, { signal, onProgress, requests })
  return { worker, info: answer.info, lock }
}

/** Inspects a model in a worker of its own, which ends then: resolves to the Inspection. inspect is the message of that type. Rejects as startModel does. */
export async function inspectModel(nameOrUrl, inspect, { signal }) {
  const { worker, answer } = await startWith(nameOrUrl, inspect, { signal, requests: [] })
  worker.terminate()
  const { inspection } = answer
  if (inspection.error) inspection.error.message += hint(nameOrUrl, inspection.error.code)
  return inspection
}

/** Starts a worker with its first message: resolves to {worker, answer}, where answer is the message `loaded` or `inspected`. Rejects as startModel does. */
function startWith(nameOrUrl, first, { signal, onProgress, requests }) {
  const worker = startWorker()
  return new Promise((resolve, reject) => {
    const fail = (error) => {
      signal?.removeEventListener('abort', abort)
      worker.terminate()
      reject(error)
    }
    const abort = () => fail(signal.reason)
    signal?.addEventListener('abort', abort)
    worker.onerror = (event) => fail(workerError(event))
    worker.onmessage = ({ data: message }) => {
      switch (message.type) {
        case 'progress':
          return onProgress?.(message.progress)
        case 'request':
          return requests.push(message.request)
        case 'failed':
          return fail(new VitrineError(message.code, message.message + hint(nameOrUrl, message.code)))
        case 'loaded':
        case 'inspected':
          signal?.removeEventListener('abort', abort)
          resolve({ worker, answer: message })
      }
    }
    worker.postMessage(first)
    void compileEngine(requests).then((module) => worker.postMessage({ type: 'engine', module }))
  })
}

/**
 * Compiles vitrine.wasm while the worker starts: resolves to a WebAssembly.Module, and
 * adds the request to requests. Resolves to null where that fails: the worker tries
 * again and reports the reason.
 */
async function compileEngine(requests) {
  const { href: url } = new URL('./vitrine.wasm', import.meta.url)
  try {
    const module = await WebAssembly.compileStreaming(fetch(url))
    requests.push({ url, status: 200, bytes: performance.getEntriesByName(url).at(-1)?.decodedBodySize ?? 0 })
    return module
  } catch {
    return null
  }
}

/** The end of the message for a hub id that was not found and may have meant a folder; '' for other errors. */
function hint(name, code) {
  if (!isHubId(name) || (code !== 'network' && code !== 'not-found')) return ''
  return `; ${name} was taken for a hub id: write ./${name} for a folder beside this page`
}

/** Starts worker.js: a Worker. Throws a VitrineError that says what the browser demands where it refuses. */
function startWorker() {
  const Worker = trustedWorker()
  try {
    // One expression, because bundlers recognise only this form.
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'vitrine' })
  } catch (cause) {
    const script = new URL('./worker.js', import.meta.url)
    const remedy = script.origin === location.origin
      ? "the page's policy must allow it (worker-src 'self')"
      : `a worker must come from the page's own origin, ${location.origin}: copy the folder js/ to this site and import vitrine.js from there`
    throw new VitrineError('network', `${script.href}: the worker can't be started; ${remedy} (${cause.message})`, { cause })
  }
}

/** The VitrineError of an ErrorEvent of the worker. An event without a message means that a script could not be loaded. */
function workerError(event) {
  event.preventDefault?.()
  if (event.message) return new VitrineError('internal', `the worker failed: ${event.message}`)
  const script = new URL('./worker.js', import.meta.url).href
  return new VitrineError('network', `${script}: could not be loaded; it and the other files of the folder js/ must lie beside vitrine.js, be served as JavaScript and be allowed by the page's policy (worker-src, script-src)`)
}
