// A loaded model on the page's side: it sends calls to the worker and hands the
// answers out. The messages are described in worker.js.

import { tainted } from '../common/bitmap.js'
import { VitrineError, wrong } from '../common/errors.js'
import { watch } from '../common/locks.js'
import { snapshot, snapshots, transfers } from './image.js'
import { checked, checkedTexts } from './options.js'

const closed = 'the model is closed; load it again'

/** What load gives. The methods are described in vitrine.d.ts. */
export class Model {
  #worker // null where it has failed
  #start
  #starting = null // a promise while a worker is started anew
  #watch // AbortController: of the watch over the worker, and of its start
  #calls = new Map() // id → {fulfil, fail, onProgress}
  #lastId = 0
  #sent = Promise.resolve() // when all calls so far have been sent
  #closed = false
  #info
  #requests

  /**
   * Takes a worker with the model: {worker, info, lock}. start(signal) gives another
   * one, where this one fails. Requests are added to requests.
   */
  constructor(started, start, requests) {
    this.#start = start
    this.#requests = requests
    this.#adopt(started)
  }

  #adopt({ worker, info, lock }) {
    this.#worker = worker
    this.#info = info
    this.#watch = new AbortController()
    worker.onmessage = ({ data }) => this.#receive(data)
    worker.onerror = (event) => {
      event.preventDefault?.()
      this.#fail('internal', `the worker failed (${event.message})`)
    }
    worker.onmessageerror = () => this.#fail('internal', 'a message of the worker could not be read')
    watch(lock, this.#watch.signal, () => this.#fail('internal', 'something ended the worker'))
  }

  /** Ends the worker, which has failed, and its calls. The next call starts another one. */
  #fail(code, message) {
    this.#halt(code, `${message}; the next call starts it anew`)
  }

  #halt(code, message) {
    this.#watch.abort()
    this.#worker?.terminate()
    this.#worker = null
    for (const { fail } of this.#calls.values()) fail(new VitrineError(code, message))
  }

  /** Resolves when there is a worker. */
  async #ready() {
    if (this.#worker || this.#closed) return
    this.#watch = new AbortController()
    this.#starting ??= this.#start(this.#watch.signal)
      .then((started) => this.#adopt(started))
      .finally(() => (this.#starting = null))
    await this.#starting
  }

  /** What the model is and what runs it, as it is now: a frozen object. */
  get info() {
    return frozen({ ...this.#info, requests: this.#requests })
  }

  /** {embedding, ms} of an image. */
  async embedImage(image, options) {
    const { normalize = true, ...rest } = checked('embedImage', options)
    return this.#call('embedImage', { ...rest, raw: !normalize }, snapshot(image))
  }

  /** {embeddings, ms} of images, which use the model together. */
  async embedImages(images, options) {
    const { normalize = true, ...rest } = checked('embedImages', options)
    return this.#call('embedImages', { ...rest, raw: !normalize }, snapshots(images))
  }

  /** {embeddings, truncated} of texts. */
  async embedText(texts, options) {
    const { normalize = true, ...rest } = checked('embedText', options)
    return this.#call('embedText', { ...withTemplates(rest), raw: !normalize, texts: checkedTexts('texts', texts) })
  }

  /** The same of many texts, with progress. */
  async embedTexts(texts, options) {
    const { normalize = true, ...rest } = checked('embedTexts', options)
    return this.#call('embedText', { ...withTemplates(rest), raw: !normalize, texts: checkedTexts('texts', texts) })
  }

  /** {ranking, method, ms} of labels for an image. */
  async rank(image, labels, options) {
    const rest = withTemplates(checked('rank', options))
    return this.#call('rank', { ...rest, texts: checkedTexts('labels', labels) }, snapshot(image))
  }

  /** {classes, ms} of an image. */
  async classify(image, options) {
    return this.#call('classify', checked('classify', options), snapshot(image))
  }

  /** {data, grid, …} of one attention map of an image. */
  async attention(image, options) {
    return this.#call('attention', checked('attention', options), snapshot(image))
  }

  /** {data, layers, heads, grid} of all attention maps of an image. */
  async attentionStack(image, options) {
    return this.#call('attentionStack', checked('attentionStack', options), snapshot(image))
  }

  /** {method, maps} of labels: which patches of an image speak for each. */
  async relevance(image, labels, options) {
    const rest = withTemplates(checked('relevance', options))
    return this.#call('relevance', { ...rest, texts: checkedTexts('labels', labels) }, snapshot(image))
  }

  /** [{stage, shape, ms}]: the way of an image through the model. */
  async trace(image, options) {
    return this.#call('trace', checked('trace', options), snapshot(image))
  }

  /** {data, grid, explained, ms}: the patches of an image in the colours of their features. */
  async colors(image, options) {
    return this.#call('colors', checked('colors', options), snapshot(image))
  }

  /** {data, shape, grid, ms}: a vector for each patch of an image. */
  async features(image, options) {
    return this.#call('features', checked('features', options), snapshot(image))
  }

  /** {data, shape, ms}: what a language model with this tower gets to see of an image. */
  async visualTokens(image, options) {
    return this.#call('visualTokens', checked('visualTokens', options), snapshot(image))
  }

  /** {clip, siglip, pairs, mean} of the logits of a batch of pairs, [texts][images]. */
  async losses(logits, options) {
    const square = Array.isArray(logits) && logits.length > 0 && logits.every((row) => Array.isArray(row) && row.length === logits.length && row.every(Number.isFinite))
    if (!square) throw wrong('logits', logits, 'a square of numbers: one row a text, one column a picture, pairs on the diagonal')
    return this.#call('losses', { ...checked('losses', options), logits: logits.flat() })
  }

  /** {ids, pieces, truncated} of a text. */
  async tokenize(text, options) {
    if (typeof text !== 'string') throw wrong('text', text, 'a string')
    return this.#call('tokenize', { ...checked('tokenize', options), text })
  }

  /** Ends the worker and gives the memory back. Calls that run, and later ones, fail with 'closed'. */
  close() {
    if (this.#closed) return
    this.#closed = true
    this.#halt('closed', closed)
  }

  /**
   * Sends one call, with what a promise gives of its image or images. Calls are sent
   * in their order.
   */
  async #call(call, { signal, onProgress, ...options }, part) {
    part?.catch(() => {}) // send reports it, but maybe later
    signal?.throwIfAborted()
    if (this.#closed) throw new VitrineError('closed', closed)
    const id = ++this.#lastId
    const done = new Promise((resolve, reject) => {
      const settle = (how) => (value) => {
        this.#calls.delete(id)
        signal?.removeEventListener('abort', abort)
        how(value)
      }
      const fail = settle(reject)
      const abort = () => {
        this.#worker?.postMessage({ type: 'cancel', id })
        fail(signal.reason)
      }
      signal?.addEventListener('abort', abort)
      this.#calls.set(id, { fulfil: settle(resolve), fail, onProgress })
    })
    const send = this.#sent.then(() => this.#ready()).then(() => part).then((image) => this.#send({ type: 'call', id, call, options, image, abortable: Boolean(signal) }))
    // A call that was given up while its picture was awaited holds up no other.
    this.#sent = Promise.race([send, done]).catch(() => {})
    send.catch((error) => this.#calls.get(id)?.fail(error))
    return done
  }

  #send(message) {
    const images = message.image ? [message.image].flat() : []
    if (!this.#calls.has(message.id)) {
      for (const { bitmap } of images) bitmap?.close()
      return
    }
    try {
      this.#worker.postMessage(message, images.flatMap(transfers))
    } catch (cause) {
      throw images.some(({ bitmap }) => bitmap) ? tainted('image', cause) : cause
    }
  }

  #receive(message) {
    switch (message.type) {
      case 'request':
        return this.#requests.push(message.request)
      case 'changed':
        return (this.#info = { ...this.#info, ...message.info })
      case 'progress':
        return this.#calls.get(message.id)?.onProgress?.(message.progress)
      case 'result':
        this.#info.memory = message.memory
        return this.#calls.get(message.id)?.fulfil(message.value)
      case 'error':
        return this.#calls.get(message.id)?.fail(new VitrineError(message.code, message.message))
      case 'failed':
        return this.#fail(message.code, message.message)
    }
  }
}

/** The options with template as an array. */
function withTemplates({ template, ...rest }) {
  return { ...rest, template: template === undefined ? [] : [template].flat() }
}

/** A frozen copy of plain data. */
function frozen(value) {
  if (Object(value) !== value) return value
  return Object.freeze(Array.isArray(value) ? value.map(frozen) : Object.fromEntries(Object.entries(value).map(([key, v]) => [key, frozen(v)])))
}
