// Vision transformers in the browser: load a model, then ask it about pictures.
// vitrine.d.ts describes everything that is exported here.
//
// The model runs in a module worker of its own, so the page never waits for it.
// The files beside this one are found by import.meta.url.

import { VitrineError } from './common/errors.js'
import { lockName } from './common/locks.js'
import { Model } from './page/model.js'
import { checkedLoad } from './page/options.js'
import { folderOf, isHubId } from './page/folder.js'
import { trustedWorker } from './common/trusted-worker.js'

export { VitrineError }

/** The build. The worker and vitrine.wasm must be of the same one. */
export const version = 'dev'

/**
 * Loads a model and gives it (see model.js). nameOrUrl is the URL of a folder or
 * a hub id (see place.js). An abort ends the worker: nothing is left behind.
 */
export async function load(nameOrUrl, options) {
  const { signal, onProgress, cache = 'default', device = 'auto', dtype = 'auto', kernels = 'auto', workers = 'auto', integrity = '', revision, host } = checkedLoad(options)
  const folder = folderOf(nameOrUrl, { host, revision })
  signal?.throwIfAborted()
  const requests = []
  const message = { type: 'load', version, folder, device, dtype, kernels, workers: workers === 'auto' ? 0 : workers, integrity, cache }
  const start = (signal, onProgress) => startModel(nameOrUrl, message, { signal, onProgress, requests })
  return new Model(await start(signal, onProgress), start, requests)
}

/**
 * Starts a worker and loads the model there: {worker, info, lock}, where the worker
 * holds the lock. Its requests are added to requests.
 */
function startModel(nameOrUrl, message, { signal, onProgress, requests }) {
  const worker = startWorker()
  const lock = lockName()
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      signal?.removeEventListener('abort', abort)
      settle(value)
    }
    const fail = (error) => {
      worker.terminate()
      end(reject, error)
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
          return end(resolve, { worker, info: message.info, lock })
      }
    }
    worker.postMessage({ ...message, lock })
    compileEngine(requests).then((module) => worker.postMessage({ type: 'engine', module }))
  })
}

/**
 * Compiles vitrine.wasm while the worker starts, and adds the request to requests.
 * Where that fails, it gives null: the worker tries again and says what is wrong.
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

/** What may have been meant where a hub id was not found. */
function hint(name, code) {
  if (!isHubId(name) || (code !== 'network' && code !== 'not-found')) return ''
  return `; ${name} was taken for a hub id: write ./${name} for a folder beside this page`
}

/** Starts worker.js; where the browser refuses, a VitrineError says what it needs. */
function startWorker() {
  // Written out in one expression, so that bundlers see the file.
  const Worker = trustedWorker()
  try {
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'vitrine' })
  } catch (cause) {
    const script = new URL('./worker.js', import.meta.url)
    const where = script.origin === location.origin
      ? "the page's policy must allow it (worker-src 'self')"
      : `a worker must come from the page's own origin, ${location.origin}: copy the folder js/ to this site and import vitrine.js from there`
    throw new VitrineError('network', `${script.href}: the worker can't be started; ${where} (${cause.message})`, { cause })
  }
}

/** An error of the worker outside of all calls. Without a message its files could not be loaded. */
function workerError(event) {
  event.preventDefault?.()
  if (event.message) return new VitrineError('internal', `the worker failed: ${event.message}`)
  const script = new URL('./worker.js', import.meta.url).href
  return new VitrineError('network', `${script}: could not be loaded; it and the other files of the folder js/ must lie beside vitrine.js, be served as JavaScript and be allowed by the page's policy (worker-src, script-src)`)
}
