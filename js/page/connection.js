// The page's side of a model: sends calls to the worker, resolves or rejects them with
// its answers, and starts another worker after a failure.
//
// # Messages between the page and the model's worker
//
// Each message is an object with a type and these fields:
//
//   page → worker
//     load      {version, folder, device, dtype, kernels, workers, integrity, network, lock}   first, once
//     inspect   {version, folder, network, size}   first, once, instead of load and call; size: [height, width] or null; network: {cache, headers, stallMs, retryMs, ownFetch}, where ownFetch says that the option fetch is there
//     engine    {module}                     vitrine.wasm, compiled; null where the page can't compile it
//     call      {id, call, options, inputs, image, abortable}   inputs: {texts}, {text}, {logits} or {}; image: an object of page/image.js, or an array of them
//     cancel    {id}                         the page has aborted the call
//   worker → page
//     progress  {progress: {stage, file, loaded, total}} while loading, {id, progress: {done, total}} in a call
//     request   {request: {url, status, bytes, from}}   one request to the network has ended
//     fetch     {url, init, port}            the page sends this request by the option fetch, and answers on the port (worker/fetch.js)
//     loaded    {info}                       the model can be called
//     inspected {inspection}                 the worker is of no more use
//     info      {info}                       fields of info that have changed
//     result    {id, value, memory}          the call has succeeded; memory: as in info
//     error     {id, code, message}          the call has failed
//     failed    {code, message}              the worker has failed and ends
//
// The worker runs one call at a time, in the order in which they arrive.

import { taintedError } from '../common/bitmap.js'
import { VitrineError } from '../common/errors.js'
import { watchLock } from '../common/locks.js'
import { transfers } from './image.js'
import { startModel } from './start.js'

const closed = 'the model is closed; load it again'

/** The connection to the worker of one model. */
export class Connection {
  #name // of the model
  #load // the message of that type
  #requests = []
  #fetch // the option
  #pageFetch // that of the worker
  #worker // null after a failure
  #info
  #starting = null // a promise while another worker is started
  #lifetime // AbortController, aborted when the worker ends: stops its start and the watch on its lock
  #calls = new Map() // id → {resolve, reject, onProgress}
  #lastId = 0
  #sent = Promise.resolve() // resolves when all calls so far have been sent
  #closed = false

  /** Starts a worker and loads the model: resolves to a Connection. Parameters and errors are those of startModel. */
  static async open(nameOrUrl, load, { signal, onProgress, fetch }) {
    const connection = new Connection(nameOrUrl, load, fetch)
    connection.#adopt(await connection.#start(signal, onProgress))
    return connection
  }

  /** Use open. */
  constructor(nameOrUrl, load, fetch) {
    this.#name = nameOrUrl
    this.#load = load
    this.#fetch = fetch
  }

  /** Starts a worker: resolves and rejects as startModel does. */
  #start(signal, onProgress) {
    return startModel(this.#name, this.#load, { signal, onProgress, requests: this.#requests, fetch: this.#fetch })
  }

  /** Makes a result of startModel the worker of this connection. */
  #adopt({ worker, info, lock, pageFetch }) {
    this.#worker = worker
    this.#pageFetch = pageFetch
    this.#info = info
    this.#lifetime = new AbortController()
    worker.onmessage = ({ data }) => this.#receive(data)
    worker.onerror = (event) => {
      event.preventDefault?.()
      this.#fail('internal', `the worker failed (${event.message})`)
    }
    worker.onmessageerror = () => this.#fail('internal', 'a message of the worker could not be read')
    watchLock(lock, this.#lifetime.signal, () => this.#fail('internal', 'something ended the worker'))
  }

  /** Info of vitrine.d.ts, as it is now. */
  get info() {
    return { ...this.#info, requests: this.#requests }
  }

  /**
   * Makes a call: resolves to its value. options has signal and onProgress besides the
   * fields that are sent. picture is a promise of the call's image or images (image.js), or
   * undefined; inputs has the other inputs. Calls are sent in the order in which they are
   * made. Rejects with a VitrineError, or with signal.reason after an abort.
   */
  async call(call, { signal, onProgress, ...options }, inputs, picture) {
    picture?.catch(() => {}) // sending reports it, but perhaps later than the browser looks for handlers
    signal?.throwIfAborted()
    if (this.#closed) throw new VitrineError('closed', closed)
    const id = ++this.#lastId
    const answer = new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject, onProgress }))
    const abort = () => {
      this.#worker?.postMessage({ type: 'cancel', id })
      this.#end(id)?.reject(signal.reason)
    }
    const ended = () => signal?.removeEventListener('abort', abort)
    signal?.addEventListener('abort', abort)
    answer.then(ended, ended)
    const sending = this.#sent.then(() => this.#ready()).then(() => picture).then((image) => this.#send({ type: 'call', id, call, options, inputs, image, abortable: Boolean(signal) }))
    sending.catch((error) => this.#end(id)?.reject(error))
    // The next call need not wait for the picture of a call that was aborted.
    this.#sent = Promise.race([sending, answer]).catch(() => {})
    return answer
  }

  /** Terminates the worker. Running and later calls reject with the code 'closed'. */
  close() {
    if (this.#closed) return
    this.#closed = true
    this.#terminate('closed', closed)
  }

  /** Removes a call that ends, and gives it; undefined where it has ended already. */
  #end(id) {
    const call = this.#calls.get(id)
    this.#calls.delete(id)
    return call
  }

  /** Terminates a worker that has failed, and rejects its calls. The next call starts another worker. */
  #fail(code, message) {
    this.#terminate(code, `${message}; the next call starts it anew`)
  }

  /** Terminates the worker, and rejects all calls with a VitrineError. */
  #terminate(code, message) {
    this.#lifetime.abort()
    this.#worker?.terminate()
    this.#pageFetch?.end()
    this.#worker = null
    for (const id of this.#calls.keys()) this.#end(id).reject(new VitrineError(code, message))
  }

  /** Resolves when a worker runs. Rejects as startModel does. */
  async #ready() {
    if (this.#worker || this.#closed) return
    this.#lifetime = new AbortController()
    this.#starting ??= this.#start(this.#lifetime.signal)
      .then((started) => this.#adopt(started))
      .finally(() => (this.#starting = null))
    await this.#starting
  }

  /** Posts a message `call`, unless the call has ended. Throws a VitrineError of the code 'picture' for a bitmap that can't be transferred. */
  #send(message) {
    const images = message.image ? [message.image].flat() : []
    if (!this.#calls.has(message.id)) {
      for (const { bitmap } of images) bitmap?.close()
      return
    }
    try {
      this.#worker.postMessage(message, images.flatMap(transfers))
    } catch (cause) {
      throw images.some(({ bitmap }) => bitmap) ? taintedError('image', cause) : cause
    }
  }

  /** Handles a message of the worker. */
  #receive(message) {
    switch (message.type) {
      case 'request':
        return this.#requests.push(message.request)
      case 'fetch':
        return this.#pageFetch.answer(message)
      case 'info':
        return (this.#info = { ...this.#info, ...message.info })
      case 'progress':
        return this.#calls.get(message.id)?.onProgress?.(message.progress)
      case 'result':
        this.#info.memory = message.memory
        return this.#end(message.id)?.resolve(message.value)
      case 'error':
        return this.#end(message.id)?.reject(new VitrineError(message.code, message.message))
      case 'failed':
        return this.#fail(message.code, message.message)
    }
  }
}
