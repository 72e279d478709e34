// Runs vitrine.wasm in a worker, and turns its functions into promises.
//
// # Functions between a worker and vitrine.wasm
//
// The worker puts an object named vitrine into its global scope. Go calls its methods:
//
//   started(version, load, call, share, inspect, resume)   once; load to resume are functions, see below
//   floats(address, length)     gives a Float32Array: a copy of float32 values in Go's memory
//   openDevice()                resolves to a Device of gpu/webgpu.js
//   infoChanged(info)           a GPU has failed and the CPU computes from now on
//   nextImage(i, done)          in the model's worker, during embedImages: done(null, {picture} or {values}), after receive
//   batchProgress(done, total)  in the model's worker: how many images or texts of the call are done
//
// and the methods that wasm/shares.go and wasm/share.go describe. Go imports:
//
//   progress(loaded, total)     bytes of weights that are read, and of all weights; total is −1 where it is unknown
//   yield()                     the worker handles the messages that wait, and then calls resume
//
// The worker calls the functions that it got through started:
//
//   load(options, done)         loads the model; options: loadOptions in wasm/main.go; done(null, info)
//   call(request, done)         one call at a time; request: wasm/call.go; done(null, value)
//   share(options, done)        in a share worker, instead of load and call: shareOptions in wasm/share.go; done(null)
//   inspect(options, done)      instead of all these; options: inspectOptions in wasm/inspect.go; done(null, inspection)
//   resume()                    answers yield
//
// done(error) reports a failure as {code, message}. The worker also calls the exports:
//
//   receive(size)               makes room for size bytes of an image and gives its address; the worker fills it before call or done
//   cancel()                    the running call ends at its next pause
//   wake()                      Go asks again where a method has answered `again`; the export resume must follow

import { VitrineError } from './errors.js'
import { createKernels } from './kernels.js'

const wasmUrl = new URL('./vitrine.wasm', import.meta.url).href

/** The URL of each file of SIMD kernels that kernels.js reads. */
const kernelUrls = {
  'relaxed.wasm': new URL('./kernels/relaxed.wasm', import.meta.url).href,
  'plain.wasm': new URL('./kernels/plain.wasm', import.meta.url).href,
}

/**
 * Runs vitrine.wasm. wasm_exec.js must have been loaded: it defines Go. Parameters:
 *
 *   device      the option of load; 'scalar' connects no SIMD kernels
 *   kernels     the option of load
 *   module      a promise of the compiled vitrine.wasm; of null: it is fetched here
 *   modules     {engine, kernels} of another worker, compiled, instead of module
 *   fetchFile   fetches kernels, like fetch
 *   onRequest({url, status, bytes, from})   where vitrine.wasm is fetched here
 *   onProgress(loaded, total)         import progress
 *   onInfo(info)                      method infoChanged
 *   onExit(error)                     the Go runtime has exited unexpectedly
 *   methods     further methods for Go, by name
 *
 * Resolves to
 *
 *   version                the build of vitrine.wasm
 *   load(options)          resolves to the info; options without refused
 *   share(options)         loads a share; options without refused
 *   inspect(options)       resolves to the inspection
 *   call(request, input)   resolves to the value; input: {data, picture} or {data, values}, or undefined
 *   put(data)              copies an image that Go has asked for into Go's memory
 *   cancel()               export cancel
 *   wake()                 exports wake and resume
 *   memory()               Go's memory, an ArrayBuffer, valid until it grows
 *   modules                {engine, kernels}, compiled
 *
 * Rejects with a VitrineError of the code 'network', 'unsupported', 'device' or 'memory'.
 */
export async function startEngine({ device, kernels = 'auto', module: promised, modules, fetchFile, onRequest, onProgress = () => {}, onInfo, onExit, methods }) {
  const go = new globalThis.Go()
  const simd = createKernels()
  const choice = device === 'scalar' ? 'scalar' : kernels
  const read = modules ? compiledReader(modules.kernels) : fetchingReader(fetchFile)
  if (choice === 'auto') read('relaxed.wasm').catch(() => {}) // starts early; connect reports the failure
  const turn = new MessageChannel()
  let exports = null
  let entries
  globalThis.vitrine = {
    ...methods,
    started(version, load, call, share, inspect, resume) {
      entries = { version, load, call, share, inspect }
      turn.port1.onmessage = resume
    },
    openDevice: async () => (await import('../gpu/webgpu.js')).openDevice(), // loaded late: most pages need no GPU
    infoChanged: onInfo,
    floats: (address, length) => new Float32Array(exports.mem.buffer, address, length).slice(),
  }
  go.importObject.kern = simd.imports
  go.importObject.vitrine = { progress: onProgress, yield: () => turn.port2.postMessage(null) }

  const exitError = recordOutput()
  const compiled = modules?.engine ?? (await promised)
  const { module, instance } = await instantiate(compiled, go.importObject)
  if (!compiled) onRequest({ url: wasmUrl, status: 200, bytes: performance.getEntriesByName(wasmUrl).at(-1)?.decodedBodySize ?? 0, from: 0 })
  exports = instance.exports
  const report = await connect(simd, exports.mem, choice, read)
  const refused = Object.entries(report.refused).map(([name, reason]) => `${name}: ${reason}`).join('; ')
  go.run(instance).then(() => onExit(exitError()))

  const invoke = (entry, argument) =>
    new Promise((resolve, reject) => {
      entry(argument, (error, value) => (error ? reject(new VitrineError(error.code, error.message)) : resolve(value)))
    })
  const put = (data) => {
    const address = exports.receive(data.length) // may grow the memory, which replaces its buffer
    new Uint8Array(exports.mem.buffer, address, data.length).set(data)
  }
  return {
    version: entries.version,
    modules: { engine: module, kernels: report.compiled },
    load: (options) => invoke(entries.load, { ...options, refused }),
    share: (options) => invoke(entries.share, { ...options, refused }),
    inspect: (options) => invoke(entries.inspect, options),
    call(request, { data, ...input } = {}) {
      if (data) put(data)
      return invoke(entries.call, { ...request, ...input })
    },
    put,
    cancel: () => exports.cancel(),
    memory: () => exports.mem.buffer,
    wake() {
      exports.wake()
      exports.resume() // wake alone schedules no goroutine
    },
  }
}

/** Connects the kernels and gives the report of kernels.js. Throws a VitrineError where kernels that were asked for by name don't work. */
async function connect(simd, memory, choice, read) {
  try {
    return await simd.connect(memory, choice, read)
  } catch (cause) {
    throw new VitrineError('device', `${cause.message}; leave the option kernels out`, { cause })
  }
}

/** A function from the name of a kernel file to a promise of its bytes. Each file is fetched once. */
function fetchingReader(fetchFile) {
  const files = {}
  return (name) => (files[name] ??= fetchKernel(kernelUrls[name], fetchFile))
}

/** A function from the name of a kernel file to a promise of its module, where the first worker has connected it. */
function compiledReader(kernels) {
  return async (name) => {
    if (!kernels[name]) throw new Error('the first worker has none')
    return kernels[name]
  }
}

/** Resolves to the bytes of a kernel file. */
async function fetchKernel(url, fetchFile) {
  const response = await fetchFile(url)
  if (!response.ok) throw new Error(`${url}: the host answers ${response.status}`)
  return (await response.blob()).arrayBuffer()
}

/**
 * Records the end of what Go prints, which still goes to the console. Gives a function
 * that makes a VitrineError of it.
 */
function recordOutput() {
  const write = globalThis.fs.writeSync
  let text = ''
  globalThis.fs.writeSync = (fd, bytes) => {
    text = (text + new TextDecoder().decode(bytes)).slice(-100_000)
    return write.call(globalThis.fs, fd, bytes)
  }
  return () => {
    const line = text.match(/^(fatal error|panic|runtime):.*$/m)?.[0] ?? 'the engine ended'
    if (/out of memory|cannot allocate/.test(text)) {
      return new VitrineError('memory', 'the browser gives the model no more memory; take smaller pictures or a smaller model')
    }
    return new VitrineError('internal', `a mistake in Vitrine: ${line}; please report it`)
  }
}

/** Resolves to {module, instance} of vitrine.wasm. Fetches it where module is null. */
async function instantiate(module, imports) {
  if (module) return { module, instance: await WebAssembly.instantiate(module, imports) }
  let response
  try {
    response = await fetchWasm()
  } catch (cause) {
    throw new VitrineError('network', `${wasmUrl}: can't be reached (${cause.message})`, { cause })
  }
  if (!response.ok) throw new VitrineError('network', `${wasmUrl}: the host answers ${response.status}; it must lie beside vitrine.js`)
  try {
    if (/^application\/wasm\b/.test(response.headers.get('content-type') ?? '')) {
      return await WebAssembly.instantiateStreaming(response, imports)
    }
    const bytes = await response.arrayBuffer()
    if (new TextDecoder().decode(bytes.slice(0, 4)) !== '\0asm') throw new Error(`it begins with ${JSON.stringify(new TextDecoder().decode(bytes.slice(0, 15)))}`)
    return await WebAssembly.instantiate(bytes, imports)
  } catch (cause) {
    if (/unsafe-eval/.test(cause.message)) {
      throw new VitrineError('unsupported', `${wasmUrl}: the page's policy forbids WebAssembly; add 'wasm-unsafe-eval' to script-src`, { cause })
    }
    throw new VitrineError('network', `${wasmUrl}: is no WebAssembly of this build, or was cut off (${cause.message}); the host may have answered with another file`, { cause })
  }
}

/** The browser's own fetch, whose Response WebAssembly can stream and cache compiled code with. */
const fetchWasm = globalThis.fetch.bind(globalThis, wasmUrl)
