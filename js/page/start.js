// Starts a model's worker and loads the model there. The messages are described in
// connection.js.

import { VitrineError } from '../common/errors.js'
import { lockName } from '../common/locks.js'
import { trustedWorker } from '../common/trusted-worker.js'
import { PageFetch } from './fetch.js'
import { isHubId } from './folder.js'

/**
 * Starts a worker and loads the model there: resolves to {worker, info, lock, pageFetch},
 * where lock is the name of a lock that the worker holds, and pageFetch answers its
 * messages `fetch`. load is the message of that type without lock; fetch is the option.
 * The worker's requests are added to the array requests. Rejects with a VitrineError, or
 * with signal.reason after an abort; the worker is terminated then.
 */
export async function startModel(nameOrUrl, load, { signal, onProgress, requests, fetch }) {
  const lock = lockName()
  const { worker, answer, pageFetch } = await startWith(nameOrUrl, { ...load, lock }, { signal, onProgress, requests, fetch })
  return { worker, info: answer.info, lock, pageFetch }
}

/** Inspects a model in a worker of its own, which ends then: resolves to the Inspection. inspect is the message of that type. Rejects as startModel does. */
export async function inspectModel(nameOrUrl, inspect, { signal, fetch }) {
  const requests = []
  const { worker, answer, pageFetch } = await startWith(nameOrUrl, inspect, { signal, requests, fetch })
  worker.terminate()
  pageFetch.end()
  const { inspection } = answer
  if (inspection.error) inspection.error.message += hint(nameOrUrl, inspect.folder, requests)
  return inspection
}

/** Starts a worker with its first message: resolves to {worker, answer, pageFetch}, where answer is the message `loaded` or `inspected`. Rejects as startModel does. */
function startWith(nameOrUrl, first, { signal, onProgress, requests, fetch }) {
  const worker = startWorker()
  const pageFetch = new PageFetch(fetch)
  return new Promise((resolve, reject) => {
    const fail = (error) => {
      signal?.removeEventListener('abort', abort)
      worker.terminate()
      pageFetch.end()
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
        case 'fetch':
          return pageFetch.answer(message)
        case 'failed':
          return fail(new VitrineError(message.code, message.message + hint(nameOrUrl, first.folder, requests)))
        case 'loaded':
        case 'inspected':
          signal?.removeEventListener('abort', abort)
          resolve({ worker, answer: message, pageFetch })
      }
    }
    worker.postMessage(first)
    void compileEngine(requests).then((module) => worker.postMessage({ type: 'engine', module }))
  })
}

let compiled = null // the promise of the page's one WebAssembly.Module: a compiled module keeps some 10 MB, even after its workers have ended

/**
 * Compiles vitrine.wasm while the worker starts: resolves to a WebAssembly.Module. The
 * first call adds the request to requests; later ones get the same module. Resolves to
 * null where that fails: the worker tries again and reports the reason, and so does the
 * next call.
 */
function compileEngine(requests) {
  const { href: url } = new URL('./vitrine.wasm', import.meta.url)
  const compile = async () => {
    try {
      const module = await WebAssembly.compileStreaming(fetch(url))
      requests.push({ url, status: 200, bytes: performance.getEntriesByName(url).at(-1)?.decodedBodySize ?? 0, from: 0 })
      return module
    } catch {
      return (compiled = null)
    }
  }
  return (compiled ??= compile())
}

/**
 * The end of the message for a hub id that may have meant a folder: the host gave no file,
 * and answered 401 or 404 for config.json (the hub answers 401 for what it doesn't have);
 * '' for other errors.
 */
function hint(name, folder, requests) {
  const asked = requests.filter(({ url }) => url.startsWith(folder.split('{')[0]))
  const absent = asked.some(({ url, status }) => /\bconfig\.json/.test(url) && (status === 401 || status === 404))
  if (!isHubId(name) || !absent || asked.some(({ status }) => status === 200)) return ''
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
