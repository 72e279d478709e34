// The other shares of a model, as the model's worker sees them: starts their workers,
// relays the weights that Go reads, and sends them jobs.
//
// # Messages between the model's worker and a share worker
//
// Each message is an object with a type and these fields:
//
//   model's worker → share worker
//     load      {version, engine, kernels, ports, lock, options}   first, once; engine, kernels: compiled modules; options: of wasm/share.go
//     file      {file: {name, size, absent}}   a file of weights begins
//     chunk     {buffer, length}             the next bytes of the file; without a buffer its end
//     job       {number, job, buffer}        job: message in wasm/group.go; buffer: its tokens, float32
//   share worker → model's worker
//     locked    {}                           the worker holds the lock
//     ready     {memory}                     the weights are loaded
//     chunkFree {buffer}                     the buffer of a chunk, which can be used again
//     jobFree   {buffer}                     the buffer of a job, which can be used again
//     jobDone   {memory}                     the job has ended
//     failed    {code, message}              the worker has failed and ends
//
// memory is the bytes of WebAssembly memory. ports join the workers of all shares; exchange.js uses them.
//
// # Functions that Go calls in the model's worker, for the other shares
//
// They are methods of the object vitrine (common/engine.js):
//
//   startShares(options)        starts a worker for every other share, and ends those that run; options: of wasm/share.go, without index
//   sharesReady()               gives 0 once all shares are loaded
//   relayFile(name, size, absent)   begins a file of weights; absent: the model has no file of this name
//   relayChunk(address, length) sends the first bytes of a chunk to all shares, and gives how many
//   relayEnd()                  ends the file
//   startJob(job, address, length)   sends a job to all shares, with length float32 values of tokens; gives 0
//   sum(address, length)        sends length float32 values to all shares and sums theirs up; gives 0
//   finishSum()                 gives 0 once the sum is there, after sum has answered `again`
//   failure()                   gives null, or why the shares have ended: {code, message}
//   endShares(error)            ends the shares because they could not be loaded: {code, message}
//
// Instead of a result a method may give again (−1): Go waits for wake and asks once more; or never (−2): a share has
// ended, or the job was given up.

import { lockName, watchLock } from '../common/locks.js'
import { trustedWorker } from '../common/trusted-worker.js'
import { again, Exchange, never, takeBuffer } from './exchange.js'

/** Weights are relayed in chunks of this many bytes; at most maxChunks of them are on their way to a share: 2 MB. */
const chunkBytes = 1 << 16
const maxChunks = 32

/** The shares of one model other than the first. Its public methods for Go are described above. */
export class Shares {
  #version
  #modules
  #memory
  #wake
  #workers = [] // {worker, chunks, jobs, ready}: chunks and jobs are free buffers
  #exchange = null
  #failure = null // why the shares have ended: {code, message}
  #lifetime = null // AbortController, aborted when the workers end: stops the watch on their locks

  /** The bytes of WebAssembly memory of each share but the first. */
  memory = []

  /**
   * version is the build. modules() gives the compiled modules {engine, kernels},
   * memory() Go's memory, an ArrayBuffer. wake() is called when Go should ask again.
   */
  constructor({ version, modules, memory, wake }) {
    this.#version = version
    this.#modules = modules
    this.#memory = memory
    this.#wake = wake
  }

  /** The methods for Go, by name. */
  methods() {
    return Object.fromEntries(
      ['startShares', 'sharesReady', 'relayFile', 'relayChunk', 'relayEnd', 'startJob', 'sum', 'finishSum', 'failure', 'endShares'].map((name) => [name, (...args) => this[name](...args)]),
    )
  }

  startShares(options) {
    this.#end()
    this.#failure = null
    this.#lifetime = new AbortController()
    const ports = connectedPorts(options.workers)
    this.#exchange = new Exchange(0, ports[0], { memory: this.#memory, wake: this.#wake })
    this.#workers = ports.slice(1).map((own, i) => this.#startWorker({ ...options, index: i + 1 }, own))
    this.memory = this.#workers.map(() => 0)
  }

  /** Starts the worker of a share: an element of #workers. options: of wasm/share.go; ports: those of this share. */
  #startWorker(options, ports) {
    const { index, workers: count } = options
    const share = { chunks: Array.from({ length: maxChunks }, () => new ArrayBuffer(chunkBytes)), jobs: [], ready: false }
    const failed = (code, reason) => this.#fail(code, `worker ${index + 1} of ${count} has ended: ${reason}; the next call starts it anew`)
    const lock = lockName()
    const Worker = trustedWorker()
    // One expression, because bundlers recognise only this form.
    share.worker = new Worker(new URL('./share-worker.js', import.meta.url), { type: 'module', name: `vitrine ${index + 1}` })
    share.worker.onerror = (event) => {
      event.preventDefault()
      if (event.message) return failed('internal', event.message)
      failed('network', `${new URL('./share-worker.js', import.meta.url).href} could not be loaded; it must lie beside vitrine.js, and the page's policy must allow it (worker-src)`)
    }
    share.worker.onmessage = ({ data: message }) => {
      switch (message.type) {
        case 'locked':
          watchLock(lock, this.#lifetime.signal, () => failed('internal', 'something ended it'))
          break
        case 'ready':
          share.ready = true
          this.memory[index - 1] = message.memory
          break
        case 'chunkFree':
          share.chunks.push(message.buffer)
          break
        case 'jobFree':
          share.jobs.push(message.buffer)
          return
        case 'jobDone':
          this.memory[index - 1] = message.memory
          return
        case 'failed':
          return failed(message.code, message.message)
      }
      this.#wake()
    }
    const { kernels, engine } = this.#modules()
    share.worker.postMessage({ type: 'load', version: this.#version, engine, kernels, ports, lock, options }, ports.filter(Boolean))
    return share
  }

  /** Ends all shares because of a failure. Only the first failure counts. */
  #fail(code, message) {
    if (this.#failure) return
    this.#failure = { code, message }
    this.#end()
    this.#wake()
  }

  /** Terminates the workers and closes the ports. */
  #end() {
    this.#lifetime?.abort()
    for (const { worker } of this.#workers) {
      worker.onmessage = worker.onerror = null
      worker.terminate()
    }
    this.#workers = []
    this.#exchange?.close()
  }

  failure() {
    return this.#failure
  }

  endShares({ code, message }) {
    this.#fail(code, message)
  }

  sharesReady() {
    if (this.#failure) return never
    return this.#workers.every(({ ready }) => ready) ? 0 : again
  }

  relayFile(name, size, absent) {
    this.#post({ type: 'file', file: { name, size, absent } })
  }

  relayChunk(address, length) {
    if (this.#failure) return never
    if (!this.#workers.every(({ chunks }) => chunks.length > 0)) return again
    const count = Math.min(length, chunkBytes)
    const data = new Uint8Array(this.#memory(), address, count)
    for (const { worker, chunks } of this.#workers) {
      const buffer = chunks.pop()
      new Uint8Array(buffer).set(data)
      worker.postMessage({ type: 'chunk', buffer, length: count }, [buffer])
    }
    return count
  }

  relayEnd() {
    this.#post({ type: 'chunk', buffer: null, length: 0 })
  }

  startJob(job, address, length) {
    if (this.#failure) return never
    const number = ++this.#exchange.job
    const tokens = new Float32Array(this.#memory(), address, length)
    for (const { worker, jobs } of this.#workers) {
      const buffer = takeBuffer(jobs, 4 * length)
      new Float32Array(buffer).set(tokens)
      worker.postMessage({ type: 'job', number, job, buffer }, [buffer])
    }
    return 0
  }

  sum(address, length) {
    return this.#failure ? never : this.#exchange.sum(address, length)
  }

  finishSum() {
    return this.#failure ? never : this.#exchange.finishSum()
  }

  /** Posts a message to all shares. */
  #post(message) {
    for (const { worker } of this.#workers) worker.postMessage(message)
  }
}

/** Message ports that join every two of count shares: ports[i][j] leads from share i to share j; ports[i][i] is null. */
function connectedPorts(count) {
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
