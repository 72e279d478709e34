// Connects the SIMD kernels: small WebAssembly modules that work on the memory of the
// Go program. Go calls them through its imports. The imports must exist before Go's
// memory does, and the modules need that memory; so the imports are functions that
// look the module up, and the modules are connected afterwards:
//
//     const kernels = createKernels()
//     const go = new Go()
//     go.importObject.kern = kernels.imports
//     const instance = await WebAssembly.instantiate(module, go.importObject)
//     const report = await kernels.connect(instance.exports.mem, 'auto', read)
//     go.run(instance)

/** [name, number] of each module, the fastest first. Go passes the number (engine/kernel/imports_js.go). */
const BUILDS = [['relaxed', 2], ['plain', 1]]

/** The exports of every module; engine/kernel/imports_js.go imports the same names. */
const KERNELS = [
  'linear_f32', 'linear_f16', 'quantise_wide', 'linear_q8_wide', 'pack_panels', 'pack_transposed',
  'softmax', 'norm', 'multiply', 'rotate', 'constants',
  'ceiling_f32', 'ceiling_q8_wide', // for benchmarks
]

/** Further exports of relaxed. */
const RELAXED = ['quantise_bytes', 'linear_q8_bytes', 'ceiling_q8_bytes']

/**
 * The zero offsets that the probe tries: the number that is subtracted from 8-bit codes,
 * 0…255, before relaxed_dot multiplies them. 0 is exact where the processor reads that
 * operand as unsigned (VPDPBUSD), 128 where it reads it as signed (SDOT). Other
 * processors read 7 bits only, which is all that WebAssembly guarantees.
 */
const SUPPORTED_ZERO_OFFSETS = [0, 128]

/**
 * Makes the imports for one Go program and the function that connects the modules.
 *
 * @returns {{imports: Object<string, Function>, connect: Function}}
 *   imports is the import module `kern` of Go; connect(memory, choice, read) is the
 *   function connect below.
 */
export function createKernels() {
  const builds = [] // {exports, zeroOffset} by number; no element where a module is not connected
  const imports = {
    connected: (build) => (builds[build] ? 1 : 0),
    zero_offset: (build) => builds[build].zeroOffset,
  }
  for (const name of [...KERNELS, ...RELAXED]) {
    imports[name] = (build, ...args) => builds[build].exports[name](...args)
  }
  return {
    imports,
    connect: (memory, choice, read) => connect(builds, memory, choice, read),
  }
}

/**
 * Probes the modules and connects those that work.
 *
 * @param {Array} builds receives {exports, zeroOffset} by number
 * @param {WebAssembly.Memory} memory Go's memory
 * @param {'auto'|'relaxed'|'plain'|'all'|'scalar'} choice 'auto' connects the fastest
 *   module that works, 'all' every one that works, 'scalar' none
 * @param {(file: string) => Promise<BufferSource|WebAssembly.Module>} read gives a
 *   module, or its bytes
 * @returns {Promise<{connected: string[], refused: Object<string, string>, compiled: Object<string, WebAssembly.Module>}>}
 *   the names of the connected modules, the reasons by name for modules that do not
 *   work, and the connected modules by file
 * @throws {Error} for an unknown choice, or when a module that choice names does not
 *   work here
 */
async function connect(builds, memory, choice, read) {
  if (!['auto', 'all', 'scalar', ...BUILDS.map(([name]) => name)].includes(choice)) {
    throw new Error(`kernels: unknown choice ${JSON.stringify(choice)}; known are auto, relaxed, plain, all, scalar`)
  }
  const report = { connected: [], refused: {}, compiled: {} }
  for (const [name, number] of BUILDS) {
    if (choice === 'scalar' || (choice === 'auto' && report.connected.length > 0)) break
    if (choice !== 'auto' && choice !== 'all' && choice !== name) continue
    try {
      const module = await compile(await read(`${name}.wasm`))
      const zeroOffset = await probe(module)
      const { exports } = await WebAssembly.instantiate(module, { go: { mem: memory } })
      builds[number] = { exports, zeroOffset }
      report.connected.push(name)
      report.compiled[`${name}.wasm`] = module
    } catch (cause) {
      if (choice === name) throw new Error(`kernels: the ${name} SIMD kernels do not work here: ${cause.message}`, { cause })
      report.refused[name] = cause.message
    }
  }
  return report
}

/** Compiles the bytes of a module; gives a module as it is. */
async function compile(source) {
  if (source instanceof WebAssembly.Module) return source
  if (!WebAssembly.validate(source)) throw new Error('its instructions are not known here')
  return WebAssembly.compile(source)
}

/**
 * Runs a module on known vectors, in a memory of its own. They test the order of
 * operands, the range of the factors and sums over several steps. All expected results
 * are exact.
 *
 * @param {WebAssembly.Module} module
 * @returns {Promise<number>} the zero offset with which 8-bit codes are multiplied
 *   exactly, one of SUPPORTED_ZERO_OFFSETS; -1 where none is exact
 * @throws {Error} names the kernel and its result mismatch
 */
async function probe(module) {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const { exports } = await WebAssembly.instantiate(module, { go: { mem: memory } })
  const rows = 7 // more than a tile of the kernels
  // Addresses; the names are those of the kernels' parameters (engine/kernel/gen).
  const [x, panel, dst, bias, scratch, codes, coded, ones, sums] = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => 4096 * (i + 1))
  const floats = new Float32Array(memory.buffer)
  const words = new Int32Array(memory.buffer)
  const bytes = new Int8Array(memory.buffer)
  const sum = (count, term) => Array.from({ length: count }, (_, k) => term(k)).reduce((a, b) => a + b, 0)
  /** The first mismatch of dst, [rows, 8], with the expected values; '' without one. */
  const mismatch = (value) => {
    for (let r = 0; r < rows; r++) {
      for (let n = 0; n < 8; n++) {
        const found = floats[dst / 4 + 8 * r + n]
        if (found !== value(r, n)) return `gave ${found} instead of ${value(r, n)}`
      }
    }
    return ''
  }
  const check = (kernel, mismatch) => {
    if (mismatch) throw new Error(`${kernel} ${mismatch}`)
  }

  // y = Σ x·w + bias over five inputs: one more than a step of the kernel's loop.
  const inputs = 5
  const input = (r, k) => r - 3 * k + 1
  const weight = (n, k) => 2 * n - k * k
  for (let n = 0; n < 8; n++) {
    floats[bias / 4 + n] = 100 * n
    for (let k = 0; k < inputs; k++) floats[panel / 4 + 8 * k + n] = weight(n, k)
  }
  for (let r = 0; r < rows; r++) for (let k = 0; k < inputs; k++) floats[x / 4 + inputs * r + k] = input(r, k)
  exports.linear_f32(x, 4 * inputs, rows, inputs, panel, 32 * inputs, 8, dst, 32, bias, 0, 0, 0, 0, scratch)
  check('linear_f32', mismatch((r, n) => 100 * n + sum(inputs, (k) => input(r, k) * weight(n, k))))

  // Rows with values from −55 to 200 have the scale 1 and the zero point 55: codes,
  // weights and pairs of products reach the ends of their ranges.
  const depth = 21
  const value = (r, k) => (k === 0 ? -55 : k < 9 ? 200 : (k * (r + 5)) % 200)
  const byte = (n, k) => (n === 0 ? 127 : n === 1 ? -127 : ((k * 37 + n * 11) % 255) - 127)
  const groups = Math.ceil(depth / 4)
  for (let n = 0; n < 8; n++) {
    floats[ones / 4 + n] = 1
    words[sums / 4 + n] = sum(depth, (k) => byte(n, k))
    for (let k = 0; k < 4 * groups; k++) {
      bytes[panel + 32 * Math.floor(k / 4) + 4 * n + (k % 4)] = k < depth ? byte(n, k) : 0
    }
  }
  for (let r = 0; r < rows; r++) for (let k = 0; k < depth; k++) floats[x / 4 + depth * r + k] = value(r, k)
  /** Multiplies by the kernels of a coding and gives the mismatch. limit is that of quantise_… (engine/kernel/gen/quantise.go). */
  const multiply = (coding, limit) => {
    exports[`quantise_${coding}`](x, 4 * depth, rows, depth, codes, 8 * groups, coded, limit)
    exports[`linear_q8_${coding}`](codes, 8 * groups, rows, groups, panel, 8, dst, 32, 0, 0, 0, 0, scratch, coded, ones, sums)
    return mismatch((r, n) => sum(depth, (k) => value(r, k) * byte(n, k)))
  }
  check('linear_q8_wide', multiply('wide', 200)) // limit: the largest value, so that the scale is 1
  return SUPPORTED_ZERO_OFFSETS.find((offset) => exports.linear_q8_bytes && !multiply('bytes', offset)) ?? -1
}
