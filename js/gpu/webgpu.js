// The browser's side of WebGPU: this script holds the objects, Go holds their numbers.
// Go makes a program once, a list of dispatches and copies; run() then executes it with
// one call from Go, one submission and one read-back. The methods of Device are those
// of engine/gpu/device.go, which describes them; engine/gpu/device_js.go calls them.

/** GPUBufferUsage flags by the use of a buffer: Use in engine/gpu/device.go. */
const USES = {
  arena: 0x80 | 0x08 | 0x04, // STORAGE, COPY_DST, COPY_SRC
  params: 0x40 | 0x08, // UNIFORM, COPY_DST
  weights: 0x80 | 0x08 | 0x04, // STORAGE, COPY_DST, COPY_SRC
  results: 0x01 | 0x08, // MAP_READ, COPY_DST
}

/** The limits that Go reads. A device is requested with the adapter's own values. */
const LIMITS = [
  'maxStorageBufferBindingSize', 'maxBufferSize', 'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupStorageSize', 'maxComputeWorkgroupsPerDimension',
]

const COMPUTE = 0x4 // GPUShaderStage.COMPUTE
const READ = 0x1 // GPUMapMode.READ

/**
 * Opens the fastest device of this machine.
 *
 * @param {GPU} [gpu] navigator.gpu by default
 * @returns {Promise<Device>}
 * @throws {Error} the browser has no WebGPU, no adapter or no device; the message says
 *   which
 */
export async function openDevice(gpu = globalThis.navigator?.gpu) {
  if (!gpu) throw new Error('this browser offers this page no WebGPU (navigator.gpu); use a recent browser, and serve the page over https or from localhost')
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) throw new Error('the browser gives no WebGPU adapter; its graphics driver may be too old or blocked')
  const requiredLimits = {}
  for (const name of LIMITS) requiredLimits[name] = adapter.limits[name]
  return new Device(await adapter.requestDevice({ requiredLimits }), adapter.info ?? {})
}

/** A GPUDevice that gives numbers for its buffers, bind groups and programs. */
class Device {
  made = 0 // how many buffers were created
  freed = 0 // how many of them were freed
  waited = 0 // ms that all runs have waited for the device
  #device
  #lost = '' // why the device was lost or closed
  #uncaught = '' // the first error outside all error scopes
  #buffers = new Map()
  #groups = new Map()
  #programs = new Map()
  #pipelines = []
  #next = 1 // the next number
  #layouts // of bind groups 0 and 1
  #layout // of pipelines

  /**
   * @param {GPUDevice} device
   * @param {GPUAdapterInfo} info
   */
  constructor(device, info) {
    this.#device = device
    const limits = {}
    for (const name of LIMITS) limits[name] = device.limits[name]
    const name = info.description || [info.vendor, info.architecture].filter(Boolean).join(' ') || 'the GPU'
    const software = info.isFallbackAdapter === true || /swiftshader|llvmpipe|basic render/i.test(`${info.architecture} ${name}`)
    this.about = { name, software, limits }
    void device.lost.then(({ reason, message }) => {
      this.#lost = `${name} was lost: ${message || reason || 'no reason was given'}`
    })
    device.addEventListener?.('uncapturederror', (event) => {
      event.preventDefault?.()
      this.#uncaught ||= event.error.message
    })
    const storage = (binding, type) => ({ binding, visibility: COMPUTE, buffer: { type } })
    const uniform = { binding: 1, visibility: COMPUTE, buffer: { type: 'uniform', hasDynamicOffset: true } }
    this.#layouts = [
      device.createBindGroupLayout({ entries: [storage(0, 'storage'), uniform] }),
      device.createBindGroupLayout({ entries: [storage(0, 'read-only-storage'), storage(1, 'read-only-storage')] }),
    ]
    this.#layout = device.createPipelineLayout({ bindGroupLayouts: this.#layouts })
  }

  /**
   * Compiles the pipelines, all at the same time. Pipeline i is shaders[i].
   *
   * @param {{name: string, code: string}[]} shaders
   * @throws {Error} names the shader and what is wrong with it
   */
  async compile(shaders) {
    this.begin() // otherwise a bad module is also reported outside all error scopes
    const results = await Promise.allSettled(shaders.map(async ({ name, code }) => {
      const module = this.#device.createShaderModule({ label: name, code })
      try {
        return await this.#device.createComputePipelineAsync({ label: name, layout: this.#layout, compute: { module, entryPoint: 'main' } })
      } catch (cause) {
        const { messages } = await module.getCompilationInfo()
        const first = messages.find(({ type }) => type === 'error')
        throw new Error(`the shader ${name} does not compile on ${this.about.name}: ${first ? `line ${first.lineNum}: ${first.message}` : cause.message}`, { cause })
      }
    }))
    const refused = await this.end().catch((error) => error)
    for (const { reason } of results) if (reason) throw reason
    if (refused) throw refused
    this.#pipelines = results.map(({ value }) => value)
  }

  /** Opens the error scopes that end() closes. */
  begin() {
    this.#device.pushErrorScope('out-of-memory')
    this.#device.pushErrorScope('validation')
  }

  /**
   * Waits for the errors since begin().
   *
   * @throws {Error} the device was lost, refused a command or has no more memory
   */
  async end() {
    const [invalid, memory] = await Promise.all([this.#device.popErrorScope(), this.#device.popErrorScope()])
    this.#throwIfBroken()
    if (memory) throw new Error(`${this.about.name} has no more memory: ${memory.message}`)
    if (invalid) throw new Error(`${this.about.name} refused a command: ${invalid.message}`)
  }

  /** Throws if the device was lost, or has reported an error outside all error scopes. */
  #throwIfBroken() {
    if (this.#lost) throw new Error(this.#lost)
    if (this.#uncaught) throw new Error(`${this.about.name} refused a command: ${this.#uncaught}`)
  }

  /** Puts an object into a map under a new number, and gives the number. */
  #keep(map, object) {
    map.set(this.#next, object)
    return this.#next++
  }

  /**
   * Creates a buffer. Its errors are those of end().
   *
   * @param {number} size bytes
   * @param {'arena'|'params'|'weights'|'results'} use
   * @returns {number} the number of the buffer
   */
  buffer(size, use) {
    this.made++
    let buffer = null
    try {
      buffer = this.#device.createBuffer({ label: use, size, usage: USES[use] })
    } catch (error) {
      this.#uncaught ||= error.message // the size is no valid number
    }
    return this.#keep(this.#buffers, buffer)
  }

  /** Writes the first size bytes of data into a buffer, at an offset in bytes. */
  write(buffer, offset, data, size) {
    this.#device.queue.writeBuffer(this.#buffers.get(buffer), offset, data, 0, size)
  }

  /** Frees a buffer. */
  free(buffer) {
    if (!this.#buffers.has(buffer)) return
    this.freed++
    this.#buffers.get(buffer)?.destroy()
    this.#buffers.delete(buffer)
  }

  /** Resolves to a Uint8Array of size bytes of a buffer, from an offset in bytes. Errors are those of run(). */
  async read(buffer, offset, size) {
    const results = this.buffer(size, 'results')
    const program = this.program([[buffer, offset, results, 0, size]])
    try {
      return await this.run(program, results, size)
    } finally {
      this.freeProgram(program)
      this.free(results)
    }
  }

  /** Makes bind group 0: the buffers of an arena and of parameters, 256 bytes for each dispatch. Gives its number. */
  runGroup(arena, params) {
    return this.#keep(this.#groups, this.#device.createBindGroup({
      layout: this.#layouts[0],
      entries: [
        { binding: 0, resource: { buffer: this.#buffers.get(arena) } },
        { binding: 1, resource: { buffer: this.#buffers.get(params), size: 256 } },
      ],
    }))
  }

  /** Makes bind group 1: two ranges of a buffer of weights, offsets and sizes in bytes. Gives its number. */
  weightGroup(weights, firstOffset, firstSize, secondOffset, secondSize) {
    const buffer = this.#buffers.get(weights)
    return this.#keep(this.#groups, this.#device.createBindGroup({
      layout: this.#layouts[1],
      entries: [
        { binding: 0, resource: { buffer, offset: firstOffset, size: firstSize } },
        { binding: 1, resource: { buffer, offset: secondOffset, size: secondSize } },
      ],
    }))
  }

  /** Frees a bind group. */
  freeGroup(group) {
    this.#groups.delete(group)
  }

  /**
   * Stores a list of commands.
   *
   * @param {number[][]} commands a dispatch: [pipeline, bind group 0, offset of its
   *   parameters, bind group 1, workgroups in x, y, z]; or a copy: [source buffer,
   *   offset, destination buffer, offset, bytes]
   * @returns {number} the number of the program
   */
  program(commands) {
    return this.#keep(this.#programs, commands.map((c) => (c.length === 5
      ? { from: this.#buffers.get(c[0]), fromOffset: c[1], to: this.#buffers.get(c[2]), toOffset: c[3], size: c[4] }
      : { pipeline: this.#pipelines[c[0]], run: this.#groups.get(c[1]), params: [c[2]], weights: this.#groups.get(c[3]), x: c[4], y: c[5], z: c[6] })))
  }

  /** Frees a program. */
  freeProgram(program) {
    this.#programs.delete(program)
  }

  /**
   * Runs a program and waits for it.
   *
   * @returns {Promise<Uint8Array>} the first size bytes of the buffer results
   * @throws {Error} the device was lost, refused a command or has no more memory
   */
  async run(program, results, size) {
    this.#throwIfBroken()
    this.begin()
    const encoder = this.#device.createCommandEncoder()
    let pass = null
    for (const c of this.#programs.get(program)) {
      if (c.pipeline) {
        pass ??= encoder.beginComputePass()
        pass.setPipeline(c.pipeline)
        pass.setBindGroup(0, c.run, c.params)
        pass.setBindGroup(1, c.weights)
        pass.dispatchWorkgroups(c.x, c.y, c.z)
      } else {
        pass?.end()
        pass = null
        encoder.copyBufferToBuffer(c.from, c.fromOffset, c.to, c.toOffset, c.size)
      }
    }
    pass?.end()
    this.#device.queue.submit([encoder.finish()])
    const submitted = performance.now()
    const buffer = this.#buffers.get(results)
    const mapped = buffer.mapAsync(READ, 0, size).catch((cause) => cause)
    await this.end() // its message says more than that of a failed map
    const failed = await mapped
    this.waited += performance.now() - submitted
    this.#throwIfBroken()
    if (failed) throw new Error(`${this.about.name} gave no results: ${failed.message}`)
    const values = new Uint8Array(buffer.getMappedRange(0, size)).slice()
    buffer.unmap()
    return values
  }

  /** Frees everything and closes the device. */
  close() {
    this.#lost ||= `${this.about.name} was closed`
    for (const buffer of this.#buffers.keys()) this.free(buffer)
    this.#groups.clear()
    this.#programs.clear()
    this.#device.destroy()
  }
}
