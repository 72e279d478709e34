// The worker of one model: runs vitrine.wasm, and reads the pixels of pictures. Calls
// between this script and Go are described in common/engine.js.
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

import '../wasm_exec.js'
import { startEngine } from '../common/engine.js'
import { asMessage, VitrineError } from '../common/errors.js'
import { reportFailure } from '../common/failure.js'
import { holdLock } from '../common/locks.js'
import { Shares } from '../shares/shares.js'
import { browserFetch, pageFetch, reportingFetch } from './fetch.js'
import { decode } from './pixels.js'
import { ModelFiles } from './transport.js'

const version = 'dev'

/** The files of a model that Go asks for first. They are fetched while vitrine.wasm starts. */
const firstFiles = ['config.json', 'preprocessor_config.json', 'processor_config.json', 'model.safetensors']

const abortControllers = new Map() // id → AbortController of a call that has not ended
let resolveModule
const module = new Promise((resolve) => (resolveModule = resolve)) // the compiled vitrine.wasm, from the page
let engine
let shares
let files // the ModelFiles
let fetchOther // the fetch of pictures and kernels
let queue = Promise.resolve() // resolves when all calls so far have ended
let running = 0 // the id of the call that Go runs
let images = [] // of that call, if it has several
let pixels = 'exact' // info.pixels
let weightsFile = 'model.safetensors' // that Go has asked for last

onmessage = ({ data: message }) => {
  switch (message.type) {
    case 'load':
      load(message).catch(reportFailure)
      break
    case 'inspect':
      inspect(message).catch(reportFailure)
      break
    case 'engine':
      resolveModule(message.module)
      break
    case 'call':
      abortControllers.set(message.id, new AbortController())
      queue = queue.then(() => run(message))
      break
    case 'cancel':
      abortControllers.get(message.id)?.abort()
      if (message.id === running) engine.cancel()
  }
}

/** Loads the model and posts `loaded`. Parameters are those of the message. */
async function load({ version: pageVersion, folder, device, dtype, kernels, workers, integrity, network, lock }) {
  checkVersion('worker.js', version, pageVersion)
  if (workers > 1 && !globalThis.Worker) throw new VitrineError('unsupported', `workers: found ${workers}, but this browser does not let a worker start other workers; leave workers out`)
  await holdLock(lock)
  const reportProgress = throttledProgress()
  shares = new Shares({ version, modules: () => engine.modules, memory: () => engine.memory(), wake: () => engine.wake() })
  reportProgress({ stage: 'engine', file: 'vitrine.wasm', loaded: 0, total: null })
  await start({
    folder,
    network,
    pageVersion,
    device,
    kernels,
    onProgress: (loaded, total) => reportProgress({ stage: 'weights', file: weightsFile, loaded, total: total < 0 ? null : total }),
    methods: { ...shares.methods(), nextImage, batchProgress },
  })
  const cores = globalThis.Worker ? navigator.hardwareConcurrency : 0
  const info = await repeated(() => engine.load({ folder, device, dtype, workers, cores, integrity }))
  postMessage({ type: 'loaded', info: { ...info, pixels, memory: memoryInfo() } })
}

/** Inspects the model and posts `inspected`. Parameters are those of the message. */
async function inspect({ version: pageVersion, folder, network, size }) {
  checkVersion('worker.js', version, pageVersion)
  await start({ folder, network, pageVersion, device: 'scalar' }) // no product is computed
  const inspection = await repeated(() => engine.inspect({ folder, options: { size } }))
  postMessage({ type: 'inspected', inspection })
}

/** Resolves to what attempt resolves to. Repeats it where it fails and the files may be others now; warnings tell why. */
async function repeated(attempt) {
  const warnings = []
  for (;;) {
    const result = await attempt().catch((error) => ({ error, thrown: true }))
    const why = result.error && files.startAgain(result.error)
    if (why) warnings.push(why)
    else if (result.thrown) throw result.error
    else return { ...result, warnings: [...warnings, ...result.warnings] }
  }
}

/** Starts vitrine.wasm as the engine of this worker, while the first files of the model's folder arrive. options are some of startEngine's. */
async function start({ folder, network, pageVersion, ...options }) {
  const onRequest = (request) => postMessage({ type: 'request', request })
  const plain = reportingFetch(browserFetch, onRequest)
  fetchOther = (url, init) => plain(url, { ...init, cache: network.cache })
  files = new ModelFiles(folder, network.ownFetch ? reportingFetch(pageFetch, onRequest) : plain, network)
  globalThis.fetch = (url, init) => { // Go's
    weightsFile = /[^/?#]+\.(?:safetensors|bin)(?=$|[?#])/.exec(url)?.[0] ?? weightsFile
    return files.fetch(url, init)
  }
  for (const file of firstFiles) files.prefetch(file)
  engine = await startEngine({
    ...options,
    module,
    fetchFile: fetchOther,
    onRequest,
    onInfo: (info) => postMessage({ type: 'info', info }),
    onExit: reportFailure,
  })
  checkVersion('vitrine.wasm', engine.version, pageVersion)
}

/** info.memory: the bytes of WebAssembly memory of each worker. */
function memoryInfo() {
  return { wasm: [engine.memory().byteLength, ...shares.memory] }
}

/** Throws unless a file is of the same build as vitrine.js. */
function checkVersion(file, found, pageVersion) {
  if (found === pageVersion) return
  throw new VitrineError('version', `${file} is of the build ${found}, but vitrine.js of ${pageVersion}; put the files of one build into the folder js/, and reload the page past its cache`)
}

/** A function that posts progress: the start and end of each stage, and between them at most 20 messages a second. */
function throttledProgress() {
  let last = { time: -Infinity }
  return (progress) => {
    const now = performance.now()
    if (progress.stage === last.stage && progress.loaded !== progress.total && now - last.time < 50) return
    last = { stage: progress.stage, time: now }
    postMessage({ type: 'progress', progress })
  }
}

/** Runs a call and posts its `result` or `error`. Parameters are those of the message. Never rejects. */
async function run({ id, call, options, inputs, image, abortable }) {
  const { signal } = abortControllers.get(id)
  try {
    const start = performance.now()
    images = Array.isArray(image) ? image : []
    const input = image && image !== images ? await inputOf(image, signal) : undefined
    const decodeMs = performance.now() - start
    signal.throwIfAborted()
    running = id
    const value = await engine.call({ call, options, ...inputs, count: images.length, abortable }, input)
    if (input) value.ms &&= { ...value.ms, decode: decodeMs }
    postMessage({ type: 'result', id, value, memory: memoryInfo() }, buffersOf(value))
  } catch (error) {
    // The page has rejected an aborted call already.
    if (!signal.aborted) postMessage({ type: 'error', id, ...asMessage(error) })
  }
  running = 0
  abortControllers.delete(id)
}

/** Method for Go: puts image i of the running call into Go's memory and calls done(null, {picture} or {values}), or done(error). */
function nextImage(i, done) {
  const image = images[i]
  images[i] = null // frees it
  inputOf(image, abortControllers.get(running).signal).then(
    ({ data, ...input }) => {
      engine.put(data)
      done(null, input)
    },
    (error) => done(asMessage(error)),
  )
}

/** Method for Go: reports how many images or texts of the running call are done. */
function batchProgress(done, total) {
  postMessage({ type: 'progress', id: running, progress: { done, total } })
}

/**
 * Go's input of an image that the page has sent: resolves to {data, picture: {width,
 * height}} with RGBA bytes, or {data, values: {shape, grid}} with float32 values as
 * bytes. Rejects with a VitrineError of the code 'picture', 'network' or 'unsupported'.
 */
async function inputOf(image, signal) {
  if (image.values) return { data: new Uint8Array(image.data), values: image.values }
  if (image.data) return { data: new Uint8Array(image.data), picture: { width: image.width, height: image.height } }
  const source = image.bitmap ?? image.blob ?? (await fetchPicture(image.url, signal))
  const { data, width, height, inexact } = await decode(source, { name: image.url })
  if (inexact && pixels !== inexact) {
    pixels = inexact
    postMessage({ type: 'info', info: { pixels } })
  }
  return { data, picture: { width, height } }
}

/** Resolves to the Blob of a picture's file. Rejects with a VitrineError of the code 'network'. */
async function fetchPicture(url, signal) {
  let response
  try {
    response = await fetchOther(url, { signal })
    if (response.ok) return await response.blob()
    await response.body.getReader().cancel()
  } catch (cause) {
    throw new VitrineError('network', `${url}: the picture can't be reached (${cause.message}); check the address, and that its host lets this page read it (CORS)`, { cause })
  }
  throw new VitrineError('network', `${url}: the host answers ${response.status} instead of the picture; check the address`)
}

/** The buffers of all Float32Arrays in a result, to be transferred to the page. */
function buffersOf(value) {
  if (value instanceof Float32Array) return [value.buffer]
  return Object(value) === value ? Object.values(value).flatMap(buffersOf) : []
}
