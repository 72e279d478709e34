// The worker of one model: it runs vitrine.wasm and gets the pixels out of
// pictures. Messages, each an object with a type:
//
//   from the page
//     load    {version, folder, device, dtype, kernels, workers, integrity, cache, lock}   the first, once
//     engine  {module}                         vitrine.wasm; null where the page can't compile it
//     call    {id, call, options, image, abortable}   image as image.js makes it, or several
//     cancel  {id}                                     the page has given the call up
//   to the page
//     progress  {progress: {stage, file, loaded, total}}, or of a call {id, progress: {done, total}}
//     request   {request: {url, status, bytes}}     one request to the network has ended
//     loaded    {info}
//     failed    {code, message}             nothing works any more
//     changed   {info}                      what of info has changed
//     result    {id, value, memory}, error {id, code, message}
//
// Calls are run one after the other. What Go and this file say to each other is
// described in wasm/main.go.

import '../wasm_exec.js'
import { described, VitrineError } from '../common/errors.js'
import { failed } from '../common/failure.js'
import { decode } from './pixels.js'
import { notingFetch } from './fetch.js'
import { startEngine } from '../common/engine.js'
import { hold } from '../common/locks.js'
import { Shares } from '../shares/shares.js'

const version = 'dev'

const jobs = new Map() // id → AbortController
let compiled // resolves the next promise
const module = new Promise((resolve) => (compiled = resolve)) // the engine, as the page sends it
let engine
let shares
let queue = Promise.resolve()
let running = 0 // the id of the call that is in Go
let images = [] // of that call, where it has several
let pixels = 'exact'

onmessage = ({ data: message }) => {
  switch (message.type) {
    case 'load':
      load(message).catch(failed)
      break
    case 'engine':
      compiled(message.module)
      break
    case 'call':
      jobs.set(message.id, new AbortController())
      queue = queue.then(() => run(message))
      break
    case 'cancel':
      jobs.get(message.id)?.abort()
      if (message.id === running) engine.cancel()
  }
}

async function load({ version: page, folder, device, dtype, kernels, workers, integrity, cache, lock }) {
  sameVersion('worker.js', version, page)
  if (workers > 1 && !globalThis.Worker) throw new VitrineError('unsupported', `workers: found ${workers}, but this browser lets a worker start no other ones; leave workers out`)
  await hold(lock)
  const tell = progressTeller()
  const note = (request) => postMessage({ type: 'request', request })
  globalThis.fetch = notingFetch(cache, note)
  for (const file of first) globalThis.fetch.ahead(fileUrl(folder, file))
  shares = new Shares({ version, modules: () => engine.modules, memory: () => engine.memory(), changed: () => engine.wake() })
  tell({ stage: 'engine', file: 'vitrine.wasm', loaded: 0, total: null })
  engine = await startEngine({
    device,
    kernels,
    module,
    fetchFile: globalThis.fetch,
    note,
    weights: (loaded, total) => tell({ stage: 'weights', file: 'model.safetensors', loaded, total: total < 0 ? null : total }),
    changed: (info) => postMessage({ type: 'changed', info }),
    crashed: failed,
    calls: { ...shares.calls(), nextImage, embedded },
  })
  sameVersion('vitrine.wasm', engine.version, page)
  const cores = globalThis.Worker ? navigator.hardwareConcurrency : 0
  const info = await engine.load({ folder, device, dtype, workers, cores, integrity })
  postMessage({ type: 'loaded', info: { ...info, pixels, memory: memoryNow() } })
}

/** What Go asks for first. It comes while vitrine.wasm starts. */
const first = ['config.json', 'preprocessor_config.json', 'model.safetensors']

/** The address of a file in a model's folder, as Go makes it (wasm/fetch.go). */
function fileUrl(folder, file) {
  const url = new URL(folder)
  url.pathname += file
  return url.href
}

/** The bytes of WebAssembly memory of each worker. */
function memoryNow() {
  return { wasm: [engine.memory().byteLength, ...shares.memory] }
}

function sameVersion(file, found, page) {
  if (found === page) return
  throw new VitrineError('version', `${file} is of the build ${found}, but vitrine.js of ${page}; put the files of one build into the folder js/, and reload the page past its cache`)
}

/** A function that passes on progress, at most 20 times a second and at the start and end of each stage. */
function progressTeller() {
  let last = { at: -Infinity }
  return (progress) => {
    const now = performance.now()
    if (progress.stage === last.stage && progress.loaded !== progress.total && now - last.at < 50) return
    last = { stage: progress.stage, at: now }
    postMessage({ type: 'progress', progress })
  }
}

async function run({ id, call, options, image, abortable }) {
  const { signal } = jobs.get(id)
  try {
    const start = performance.now()
    images = Array.isArray(image) ? image : []
    const input = image && image !== images ? await inputOf(image, signal) : undefined
    const decodeMs = performance.now() - start
    signal.throwIfAborted()
    running = id
    const value = await engine.call({ call, ...options, count: images.length, abortable }, input)
    if (input) value.ms &&= { ...value.ms, decode: decodeMs }
    postMessage({ type: 'result', id, value, memory: memoryNow() }, buffersOf(value))
  } catch (error) {
    // Of a call that was given up, nobody wants to know.
    if (!signal.aborted) postMessage({ type: 'error', id, ...described(error) })
  }
  running = 0
  jobs.delete(id)
}

/** Gives Go an image of the running call, by done(null, {picture} or {values}), and lets go of it. */
function nextImage(i, done) {
  const image = images[i]
  images[i] = null
  inputOf(image, jobs.get(running).signal).then(
    ({ data, ...input }) => {
      engine.put(data)
      done(null, input)
    },
    (error) => done(described(error)),
  )
}

/** Is told by Go how many of the running call's images or texts are done. */
function embedded(done, total) {
  postMessage({ type: 'progress', id: running, progress: { done, total } })
}

/** What Go gets of an image: {data: TypedArray, picture: {width, height}} or {data, values: {shape, grid}}. */
async function inputOf(image, signal) {
  if (image.values) return { data: new Uint8Array(image.data), values: image.values }
  if (image.data) return { data: new Uint8Array(image.data), picture: { width: image.width, height: image.height } }
  const source = image.bitmap ?? image.blob ?? (await fetchPicture(image.url, signal))
  const { data, width, height, inexact } = await decode(source, { where: image.url })
  if (inexact && pixels !== inexact) {
    pixels = inexact
    postMessage({ type: 'changed', info: { pixels } })
  }
  return { data, picture: { width, height } }
}

async function fetchPicture(url, signal) {
  let response
  try {
    response = await fetch(url, { signal })
    if (response.ok) return await response.blob()
    await response.body.getReader().cancel()
  } catch (cause) {
    throw new VitrineError('network', `${url}: the picture can't be reached (${cause.message}); check the address, and that its host lets this page read it (CORS)`, { cause })
  }
  throw new VitrineError('network', `${url}: instead of the picture the host answers ${response.status}`)
}

/** The buffers of a result's Float32Arrays, which are given to the page. */
function buffersOf(value) {
  if (value instanceof Float32Array) return [value.buffer]
  return Object(value) === value ? Object.values(value).flatMap(buffersOf) : []
}
