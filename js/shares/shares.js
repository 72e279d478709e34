// The other shares of a model, as its first worker sees them: it starts their
// workers, hands them the weights that it reads, and gives them their jobs. The
// messages are described in share-worker.js.

import { again, Exchange, never, takeBuffer } from './exchange.js'
import { lockName, watch } from '../common/locks.js'
import { trustedWorker } from '../common/trusted-worker.js'

/** Weights are handed on in pieces of this size, of which so many are on their way to a share: 2 MB. */
const pieceBytes = 1 << 16
const pieces = 32

export class Shares {
  #version
  #modules
  #memory
  #changed
  #workers = []
  #exchange = null
  #failure = null // why the shares are no more: {code, message}
  #unwatch = null // AbortController of the watch over the workers

  /** How many bytes of WebAssembly memory each share has. */
  memory = []

  /**
   * modules() gives the compiled modules that shares need, memory() the buffer of
   * Go's memory; changed() is called when it is worth asking again.
   */
  constructor({ version, modules, memory, changed }) {
    this.#version = version
    this.#modules = modules
    this.#memory = memory
    this.#changed = changed
  }

  /** What Go calls, by name (wasm/peers.go, wasm/shares.go). */
  calls() {
    return Object.fromEntries(
      ['startShares', 'sharesReady', 'handFile', 'hand', 'handEnd', 'start', 'sum', 'met', 'failure', 'endShares'].map((name) => [name, (...rest) => this[name](...rest)]),
    )
  }

  /** Starts all shares but the first, instead of those there were. options are those of wasm/share.go, but index. */
  startShares(options) {
    this.#end()
    this.#failure = null
    this.#unwatch = new AbortController()
    const count = options.workers
    const ports = joined(count)
    this.#exchange = new Exchange(0, ports[0], { memory: this.#memory, changed: this.#changed })
    this.#workers = ports.slice(1).map((own, i) => this.#startWorker({ ...options, index: i + 1 }, own))
    this.memory = this.#workers.map(() => 0)
  }

  #startWorker(options, ports) {
    const { index, workers: count } = options
    const share = { free: Array.from({ length: pieces }, () => new ArrayBuffer(pieceBytes)), tokens: [], ready: false }
    const failed = (code, what) => this.#fail(code, `worker ${index + 1} of ${count} has ended: ${what}; the next call starts it anew`)
    const lock = lockName()
    // Written out in one expression, so that bundlers see the file.
    const Worker = trustedWorker()
    share.worker = new Worker(new URL('./share-worker.js', import.meta.url), { type: 'module', name: `vitrine ${index + 1}` })
    share.worker.onerror = (event) => {
      event.preventDefault()
      if (event.message) return failed('internal', event.message)
      failed('network', `${new URL('./share-worker.js', import.meta.url).href} could not be loaded; it must lie beside vitrine.js, and the page's policy must allow it (worker-src)`)
    }
    share.worker.onmessage = ({ data: message }) => {
      switch (message.type) {
        case 'begun':
          watch(lock, this.#unwatch.signal, () => failed('internal', 'something ended it'))
          break
        case 'ready':
          share.ready = true
          this.memory[index - 1] = message.memory
          break
        case 'joined':
          this.memory[index - 1] = message.memory
          return
        case 'piece':
          share.free.push(message.buffer)
          break
        case 'tokens':
          share.tokens.push(message.buffer)
          return
        case 'failed':
          return failed(message.code, message.message)
      }
      this.#changed()
    }
    const { kernels, engine } = this.#modules()
    share.worker.postMessage({ type: 'load', version: this.#version, engine, kernels, ports, lock, options }, ports.filter(Boolean))
    return share
  }

  #fail(code, message) {
    if (this.#failure) return
    this.#failure = { code, message }
    this.#end()
    this.#changed()
  }

  #end() {
    this.#unwatch?.abort()
    for (const { worker } of this.#workers) {
      worker.onmessage = worker.onerror = null
      worker.terminate()
    }
    this.#workers = []
    this.#exchange?.close()
  }

  /** Why the shares are no more, or null. */
  failure() {
    return this.#failure
  }

  /** Ends the shares, which could not be loaded: {code, message} say why. */
  endShares({ code, message }) {
    this.#fail(code, message)
  }

  /** 0 when all shares are loaded. */
  sharesReady() {
    if (this.#failure) return never
    return this.#workers.every(({ ready }) => ready) ? 0 : again
  }

  /** Begins to hand on a file; absent tells that there is none of the name. */
  handFile(name, size, absent) {
    this.#post({ type: 'file', file: { name, size, absent } })
  }

  /** Hands on the first of length bytes at an address, and gives how many. */
  hand(at, length) {
    if (this.#failure) return never
    if (!this.#workers.every(({ free }) => free.length > 0)) return again
    const count = Math.min(length, pieceBytes)
    const data = new Uint8Array(this.#memory(), at, count)
    for (const { worker, free } of this.#workers) {
      const buffer = free.pop()
      new Uint8Array(buffer).set(data)
      worker.postMessage({ type: 'piece', buffer, length: count }, [buffer])
    }
    return count
  }

  /** Ends the file. */
  handEnd() {
    this.#post({ type: 'piece', buffer: null, length: 0 })
  }

  /** Starts a job with length values of tokens at an address. */
  start(job, at, length) {
    if (this.#failure) return never
    const number = ++this.#exchange.job
    const values = new Float32Array(this.#memory(), at, length)
    for (const { worker, tokens } of this.#workers) {
      const buffer = takeBuffer(tokens, 4 * length)
      new Float32Array(buffer).set(values)
      worker.postMessage({ type: 'job', number, job, buffer }, [buffer])
    }
    return 0
  }

  /** See Exchange. */
  sum(at, length) {
    return this.#failure ? never : this.#exchange.sum(at, length)
  }

  /** See Exchange. */
  met() {
    return this.#failure ? never : this.#exchange.met()
  }

  #post(message) {
    for (const { worker } of this.#workers) worker.postMessage(message)
  }
}

/** Ports that join each of count shares with each other: [share][other share], null for itself. */
function joined(count) {
  const ports = Array.from({ length: count }, () => Array(count).fill(null))
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      const { port1, port2 } = new MessageChannel()
      ports[i][j] = port1
      ports[j][i] = port2
    }
  }
  return ports
}
