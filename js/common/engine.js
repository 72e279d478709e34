// Starts vitrine.wasm and makes its functions promises. wasm_exec.js must have
// been loaded: it defines Go.

import { VitrineError } from './errors.js'
import { createKernels } from './kernels.js'

const file = new URL('./vitrine.wasm', import.meta.url).href

/** The SIMD kernels by the names that kernels.js asks for. */
const kernelFiles = {
  'relaxed.wasm': new URL('./kernels/relaxed.wasm', import.meta.url).href,
  'plain.wasm': new URL('./kernels/plain.wasm', import.meta.url).href,
}

/**
 * Runs vitrine.wasm, with SIMD kernels unless device is 'scalar': those named by
 * kernels, or the best. module is a promise of the compiled vitrine.wasm, or of null:
 * then it is loaded here. Kernels are loaded, or modules has both compiled, as the
 * engine's own modules has. fetchFile gets the kernels, note is told of a request for
 * vitrine.wasm, weights(loaded, total) of the bytes of weights, changed(info) of a
 * fallback from the GPU, and crashed(error) of the end of Go, which is not to come.
 * calls are functions that Go finds by their names. Gives
 *
 *   version
 *   load(options)          resolves to the info; options are those of wasm/main.go
 *   call(request, input)   input is {data, picture} or {data, values}, or undefined
 *   put(data)              gives the running call data that it has asked for
 *   cancel()               ends the running call at its next pause
 *   share(options)         loads another share of a model; options are those of wasm/share.go
 *   wake()                 tells Go that it is worth asking calls again
 *   memory()               the buffer of Go's memory, as long as it doesn't grow
 *   modules                {engine, kernels}, compiled
 */
export async function startEngine({ device, kernels = 'auto', module: sent, modules, fetchFile, note = () => {}, weights = () => {}, changed = () => {}, crashed, calls }) {
  const go = new globalThis.Go()
  const simd = createKernels()
  const choice = device === 'scalar' ? 'scalar' : kernels
  const read = modules ? handOut(modules.kernels) : readKernels(fetchFile)
  if (choice === 'auto') read('relaxed.wasm').catch(() => {}) // while vitrine.wasm comes; connect reports it
  const turn = new MessageChannel()
  let exports
  let entries
  globalThis.vitrine = {
    ...calls,
    started(version, load, call, share, resume) {
      entries = { version, load, call, share }
      turn.port1.onmessage = resume
    },
    openDevice: async () => (await import('../gpu/webgpu.js')).openDevice(), // most pages need none
    changed,
    floats: (at, length) => new Float32Array(exports.mem.buffer, at, length).slice(),
  }
  go.importObject.kern = simd.imports
  go.importObject.vitrine = { progress: weights, yield: () => turn.port2.postMessage(null) }

  const lastWords = listen()
  const given = modules?.engine ?? (await sent)
  const { module, instance } = await instantiate(given, go.importObject)
  if (!given) note({ url: file, status: 200, bytes: performance.getEntriesByName(file).at(-1)?.decodedBodySize ?? 0 })
  exports = instance.exports
  const { refused, compiled } = await connect(simd, exports.mem, choice, read)
  const refusals = Object.entries(refused).map(([name, why]) => `${name}: ${why}`).join('; ')
  go.run(instance).then(() => crashed(lastWords()))

  const ask = (entry, argument) =>
    new Promise((resolve, reject) => {
      entry(argument, (error, value) => (error ? reject(new VitrineError(error.code, error.message)) : resolve(value)))
    })
  const put = (data) => {
    // The memory may grow in receive, which makes a new buffer.
    const at = exports.receive(data.length)
    new Uint8Array(exports.mem.buffer, at, data.length).set(data)
  }
  return {
    version: entries.version,
    modules: { engine: module, kernels: compiled },
    load: (options) => ask(entries.load, { ...options, refused: refusals }),
    share: (options) => ask(entries.share, { ...options, refused: refusals }),
    call(request, { data, ...input } = {}) {
      if (data) put(data)
      return ask(entries.call, { ...request, ...input })
    },
    put,
    cancel: () => exports.cancel(),
    memory: () => exports.mem.buffer,
    wake() {
      exports.wake()
      exports.resume() // an export alone lets nothing run that waits
    },
  }
}

/** Connects the kernels; those asked for by name must work. */
async function connect(simd, memory, choice, read) {
  try {
    return await simd.connect(memory, choice, read)
  } catch (cause) {
    throw new VitrineError('device', `${cause.message}; leave the option kernels out`, { cause })
  }
}

/** A function that gives the bytes of a kernel module; each is fetched once. */
function readKernels(fetchFile) {
  const files = {}
  return (name) => (files[name] ??= fetchKernel(kernelFiles[name], fetchFile))
}

/** A function that gives the kernel modules that there are. */
function handOut(kernels) {
  return async (name) => {
    if (!kernels[name]) throw new Error('the first worker has none')
    return kernels[name]
  }
}

async function fetchKernel(url, fetchFile) {
  const response = await fetchFile(url)
  if (!response.ok) throw new Error(`${url}: the host answers ${response.status}`)
  return (await response.blob()).arrayBuffer()
}

/**
 * Keeps the end of what Go writes, beside passing it to the console. The function
 * that it gives makes an error of it.
 */
function listen() {
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

async function instantiate(module, imports) {
  if (module) return { module, instance: await WebAssembly.instantiate(module, imports) }
  let response
  try {
    response = await fetchWasm()
  } catch (cause) {
    throw new VitrineError('network', `${file}: can't be reached (${cause.message})`, { cause })
  }
  if (!response.ok) throw new VitrineError('network', `${file}: the host answers ${response.status}; it must lie beside vitrine.js`)
  try {
    if (/^application\/wasm\b/.test(response.headers.get('content-type') ?? '')) {
      return await WebAssembly.instantiateStreaming(response, imports)
    }
    const bytes = await response.arrayBuffer()
    if (new TextDecoder().decode(bytes.slice(0, 4)) !== '\0asm') throw new Error(`it begins with ${JSON.stringify(new TextDecoder().decode(bytes.slice(0, 15)))}`)
    return await WebAssembly.instantiate(bytes, imports)
  } catch (cause) {
    if (/unsafe-eval/.test(cause.message)) {
      throw new VitrineError('unsupported', `${file}: the page's policy forbids WebAssembly; add 'wasm-unsafe-eval' to script-src`, { cause })
    }
    throw new VitrineError('network', `${file}: is no WebAssembly of this build, or was cut off (${cause.message}); the host may have answered with another file`, { cause })
  }
}

/** The plain fetch: a Response that WebAssembly can stream, and the browser can keep compiled code with. */
const fetchWasm = globalThis.fetch.bind(globalThis, file)
