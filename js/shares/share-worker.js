// The worker of a share of a model, other than the first share: runs vitrine.wasm for
// its heads and MLP columns of every block.
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
// # Functions that Go calls in a share worker
//
// They are methods of the object vitrine (common/engine.js):
//
//   nextFile()                  gives the next file, {name, size, absent}; null until one begins
//   readChunk(address, length)  copies at most length bytes of the file to an address, and gives how many; 0 at its end
//   nextJob()                   gives the next job, message in wasm/group.go; null until there is one
//   readTokens(address, length) copies the tokens of that job, length float32 values
//   sum(address, length)        sends length float32 values to all shares and sums theirs up; gives 0
//   finishSum()                 gives 0 once the sum is there, after sum has answered `again`
//   failure()                   gives null: a share other than the first does not know why another has ended
//   jobDone()                   the job has ended
//   failed(error)               the share has failed: {code, message}; the worker ends
//
// Instead of a result a method may give again (−1): Go waits for wake and asks once more; or never (−2): the job was
// given up.

import '../wasm_exec.js'
import { startEngine } from '../common/engine.js'
import { reportFailure } from '../common/failure.js'
import { holdLock } from '../common/locks.js'
import { again, Exchange } from './exchange.js'

const version = 'dev'

const files = [] // messages `file` and `chunk` that Go has not read, in their order
const jobs = [] // messages `job` that Go has not read
let engine
let exchange
let consumed = 0 // how many bytes of the first chunk Go has read

onmessage = ({ data: message }) => {
  switch (message.type) {
    case 'load':
      load(message).catch(reportFailure)
      return
    case 'file':
    case 'chunk':
      files.push(message)
      break
    case 'job':
      exchange.end(message.number - 1) // the first share has given it up, unless it is done
      jobs.push(message)
      break
  }
  engine?.wake()
}

/** Loads the share and posts `ready`. Parameters are those of the message. */
async function load({ version: workerVersion, engine: module, kernels, ports, lock, options }) {
  if (workerVersion !== version) throw new Error(`share-worker.js is of the build ${version}, but worker.js of ${workerVersion}`)
  await holdLock(lock)
  postMessage({ type: 'locked' })
  engine = await startEngine({
    device: options.device,
    modules: { engine: module, kernels },
    onExit: reportFailure,
    methods: {
      nextFile,
      readChunk,
      nextJob,
      readTokens,
      sum: (address, length) => exchange.sum(address, length),
      finishSum: () => exchange.finishSum(),
      failure: () => null,
      jobDone: () => postMessage({ type: 'jobDone', memory: engine.memory().byteLength }),
      failed: reportFailure,
    },
  })
  exchange = new Exchange(options.index, ports, { memory: engine.memory, wake: engine.wake })
  await engine.share(options)
  postMessage({ type: 'ready', memory: engine.memory().byteLength })
}

/** Method for Go, see above. Drops the chunks of the file before that Go has not read. */
function nextFile() {
  while (files.length > 0) {
    const message = files.shift()
    if (message.type === 'file') return message.file
    freeChunk(message)
  }
  return null
}

/** Method for Go, see above. */
function readChunk(address, length) {
  if (files.length === 0) return again
  const [chunk] = files
  if (!chunk.buffer) return 0
  const count = Math.min(length, chunk.length - consumed)
  new Uint8Array(engine.memory(), address, count).set(new Uint8Array(chunk.buffer, consumed, count))
  consumed += count
  if (consumed === chunk.length) freeChunk(files.shift())
  return count
}

/** Sends the buffer of a chunk back. */
function freeChunk({ buffer }) {
  consumed = 0
  if (buffer) postMessage({ type: 'chunkFree', buffer }, [buffer])
}

/** Method for Go, see above. Also makes the job the current one of the exchange. */
function nextJob() {
  if (jobs.length === 0) return null
  exchange.job = jobs[0].number
  return jobs[0].job
}

/** Method for Go, see above. */
function readTokens(address, length) {
  const { buffer } = jobs.shift()
  new Float32Array(engine.memory(), address, length).set(new Float32Array(buffer, 0, length))
  postMessage({ type: 'jobFree', buffer }, [buffer])
}
