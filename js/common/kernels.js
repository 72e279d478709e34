// The SIMD kernels: small WebAssembly modules that work on the memory of the Go
// program. Go calls them through imports, which must exist before its memory does,
// so the imports are thunks and the modules are connected afterwards:
//
//     const kernels = createKernels()
//     const go = new Go()
//     go.importObject.kern = kernels.imports
//     const instance = await WebAssembly.instantiate(module, go.importObject)
//     const report = await kernels.connect(instance.exports.mem, 'auto', read)
//     go.run(instance)

/** The modules, the best first: the name of each, and the number by which Go knows it. */
const BUILDS = [['relaxed', 2], ['plain', 1]]

/** What every module exports; engine/kernel/imports_js.go imports the same names. */
const KERNELS = [
  'linear_f32', 'linear_f16', 'quantise_wide', 'linear_q8_wide', 'pack_panels', 'pack_transposed',
  'softmax', 'norm', 'multiply', 'rotate', 'constants',
  'ceiling_f32', 'ceiling_q8_wide', // for benchmarks
]

/** What only relaxed exports. */
const RELAXED = ['quantise_bytes', 'linear_q8_bytes', 'ceiling_q8_bytes']

/**
 * What may be taken from codes of a byte, 0…255, so that relaxed_dot reads them
 * rightly: nothing where the processor takes that operand without a sign (VPDPBUSD),
 * 128 where it takes it with one (SDOT). Others read 7 bits only, which is all that is
 * promised.
 */
const TAKEN = [0, 128]

/**
 * Makes the imports for one Go program and the function that connects them.
 *
 * @returns {{imports: Object<string, Function>, connect: typeof connect}}
 *   imports is Go's import module `kern`; connect(memory, choice, read) fills it.
 */
export function createKernels() {
  const builds = [] // {exports, taken} of a module, by its number
  const imports = {
    connected: (build) => (builds[build] ? 1 : 0),
    taken: (build) => builds[build].taken,
  }
  for (const name of [...KERNELS, ...RELAXED]) {
    imports[name] = (build, ...rest) => builds[build].exports[name](...rest)
  }
  return {
    imports,
    connect: (memory, choice, read) => connect(builds, memory, choice, read),
  }
}

/**
 * Probes the modules and connects those that work.
 *
 * @param {Array} builds receives {exports, taken} by number
 * @param {WebAssembly.Memory} memory Go's memory
 * @param {'auto'|'relaxed'|'plain'|'all'|'scalar'} choice 'auto' takes the best
 *   that works, 'all' every one, 'scalar' none
 * @param {(file: string) => Promise<BufferSource|WebAssembly.Module>} read gives a
 *   module, or its bytes
 * @returns {Promise<{connected: string[], refused: Object<string, string>, compiled: Object<string, WebAssembly.Module>}>}
 *   the names that are connected, of those tried in vain the reasons, and the
 *   connected modules by file
 * @throws {Error} for an unknown choice, or when a module asked for by name does
 *   not work here
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
      const taken = await probe(module)
      const { exports } = await WebAssembly.instantiate(module, { go: { mem: memory } })
      builds[number] = { exports, taken }
      report.connected.push(name)
      report.compiled[`${name}.wasm`] = module
    } catch (cause) {
      if (choice === name) throw new Error(`kernels: the ${name} SIMD kernels do not work here: ${cause.message}`, { cause })
      report.refused[name] = cause.message
    }
  }
  return report
}

/** A module of its bytes, where it is not one already. */
async function compile(source) {
  if (source instanceof WebAssembly.Module) return source
  if (!WebAssembly.validate(source)) throw new Error('its instructions are not known here')
  return WebAssembly.compile(source)
}

/**
 * Runs a module on known vectors, in a memory of its own: the order of operands,
 * the range of the factors, sums over several steps. All results are exact.
 *
 * @param {WebAssembly.Module} module
 * @returns {Promise<number>} what it takes from codes of a byte, one of TAKEN; -1
 *   where no way is exact
 * @throws {Error} that names what was wrong
 */
async function probe(module) {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const { exports } = await WebAssembly.instantiate(module, { go: { mem: memory } })
  const rows = 7 // more than a tile
  const [x, panel, dst, bias, scratch, codes, coded, ones, sums] = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => 4096 * (i + 1))
  const floats = new Float32Array(memory.buffer)
  const words = new Int32Array(memory.buffer)
  const bytes = new Int8Array(memory.buffer)
  const sum = (count, term) => Array.from({ length: count }, (_, k) => term(k)).reduce((a, b) => a + b, 0)
  /** What is wrong with the result, or ''. */
  const mistake = (value) => {
    for (let r = 0; r < rows; r++) {
      for (let n = 0; n < 8; n++) {
        const found = floats[dst / 4 + 8 * r + n]
        if (found !== value(r, n)) return `gave ${found} for ${value(r, n)}`
      }
    }
    return ''
  }
  const check = (what, wrong) => {
    if (wrong) throw new Error(`${what} ${wrong}`)
  }

  // y = Σ x·w + bias on five inputs, one more than a step of the loop.
  const inputs = 5
  const input = (r, k) => r - 3 * k + 1
  const weight = (n, k) => 2 * n - k * k
  for (let n = 0; n < 8; n++) {
    floats[bias / 4 + n] = 100 * n
    for (let k = 0; k < inputs; k++) floats[panel / 4 + 8 * k + n] = weight(n, k)
  }
  for (let r = 0; r < rows; r++) for (let k = 0; k < inputs; k++) floats[x / 4 + inputs * r + k] = input(r, k)
  exports.linear_f32(x, 4 * inputs, rows, inputs, panel, 32 * inputs, 8, dst, 32, bias, 0, 0, 0, 0, scratch)
  check('linear_f32', mistake((r, n) => 100 * n + sum(inputs, (k) => input(r, k) * weight(n, k))))

  // Rows from −55 to 200 have the scale 1 and the zero point 55; so codes and
  // weights reach the ends of their ranges, and pairs of products too.
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
  const multiply = (coding, limit) => {
    exports[`quantise_${coding}`](x, 4 * depth, rows, depth, codes, 8 * groups, coded, limit)
    exports[`linear_q8_${coding}`](codes, 8 * groups, rows, groups, panel, 8, dst, 32, 0, 0, 0, 0, scratch, coded, ones, sums)
    return mistake((r, n) => sum(depth, (k) => value(r, k) * byte(n, k)))
  }
  check('linear_q8_wide', multiply('wide', 200)) // the largest value: the scale is 1
  return TAKEN.find((taken) => exports.linear_q8_bytes && !multiply('bytes', taken)) ?? -1
}
