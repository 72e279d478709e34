// The worker of a share of a model, other than the first: it runs vitrine.wasm for
// its part of every block. Messages, each an object with a type:
//
//   from the first share (shares.js)
//     load    {version, engine, kernels, ports, lock, options}   the first, once
//     file    {file: {name, size, absent}}     a file of weights begins
//     piece   {buffer, length}                 some of it; without a buffer its end
//     job     {number, job, buffer}            job as wasm/peers.go has it, buffer its tokens
//   to it
//     begun   {}                               the lock is held
//     ready   {memory}                         the weights are loaded
//     joined  {memory}                         a job is done
//     piece   {buffer}, tokens {buffer}        buffers that can be used again
//     failed  {code, message}                  nothing works any more
//
// memory is the bytes of WebAssembly memory. Partial sums go through the ports.

import '../wasm_exec.js'
import { again, Exchange } from './exchange.js'
import { failed } from '../common/failure.js'
import { startEngine } from '../common/engine.js'
import { hold } from '../common/locks.js'

const version = 'dev'

const files = [] // messages of the types file and piece, in their order
const jobs = []
let engine
let exchange
let taken = 0 // bytes of the first piece that Go has

onmessage = ({ data: message }) => {
  switch (message.type) {
    case 'load':
      load(message).catch(failed)
      return
    case 'file':
    case 'piece':
      files.push(message)
      break
    case 'job':
      exchange.end(message.number - 1) // it was given up, where it is not done
      jobs.push(message)
      break
  }
  engine?.wake()
}

async function load({ version: first, engine: module, kernels, ports, lock, options }) {
  if (first !== version) throw new Error(`share-worker.js is of the build ${version}, but worker.js of ${first}`)
  await hold(lock)
  postMessage({ type: 'begun' })
  engine = await startEngine({
    device: options.device,
    modules: { engine: module, kernels },
    crashed: failed,
    calls: {
      nextFile,
      take,
      nextJob,
      tokens,
      sum: (at, length) => exchange.sum(at, length),
      met: () => exchange.met(),
      failure: () => null,
      joined: () => postMessage({ type: 'joined', memory: engine.memory().byteLength }),
      failed,
    },
  })
  exchange = new Exchange(options.index, ports, { memory: engine.memory, changed: engine.wake })
  await engine.share(options)
  postMessage({ type: 'ready', memory: engine.memory().byteLength })
}

/** The next file that is handed on, or null where none has begun yet. What was not read of the last is left out. */
function nextFile() {
  while (files.length > 0) {
    const message = files.shift()
    if (message.type === 'file') return message.file
    giveBack(message)
  }
  return null
}

/** Puts at most length bytes of the file at an address; gives how many, 0 at its end. */
function take(at, length) {
  if (files.length === 0) return again
  const [piece] = files
  if (!piece.buffer) return 0
  const count = Math.min(length, piece.length - taken)
  new Uint8Array(engine.memory(), at, count).set(new Uint8Array(piece.buffer, taken, count))
  taken += count
  if (taken === piece.length) giveBack(files.shift())
  return count
}

function giveBack({ buffer }) {
  taken = 0
  if (buffer) postMessage({ type: 'piece', buffer }, [buffer])
}

/** The next job, or null. */
function nextJob() {
  if (jobs.length === 0) return null
  exchange.job = jobs[0].number
  return jobs[0].job
}

/** Puts the tokens of that job at an address. */
function tokens(at, length) {
  const { buffer } = jobs.shift()
  new Float32Array(engine.memory(), at, length).set(new Float32Array(buffer, 0, length))
  postMessage({ type: 'tokens', buffer }, [buffer])
}
