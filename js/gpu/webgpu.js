// The browser's side of WebGPU: it has the objects, Go has their numbers. Go makes
// a program once, a list of dispatches and copies; run() then replays it with one
// crossing from Go, one submission and one read-back. engine/gpu/device.go says what
// each method promises.

/** What a buffer is for, in WebGPU's flags. */
const USES = {
  arena: 0x80 | 0x08 | 0x04, // STORAGE, COPY_DST, COPY_SRC
  params: 0x40 | 0x08, // UNIFORM, COPY_DST
  weights: 0x80 | 0x08 | 0x04,
  results: 0x01 | 0x08, // MAP_READ, COPY_DST
}

/** The limits that Go asks about; a device is asked for all that its adapter has of them. */
const LIMITS = [
  'maxStorageBufferBindingSize', 'maxBufferSize', 'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupStorageSize', 'maxComputeWorkgroupsPerDimension',
]

const COMPUTE = 0x4 // GPUShaderStage.COMPUTE
const READ = 0x1 // GPUMapMode.READ

/**
 * Opens the fastest device there is.
 *
 * @param {GPU} [gpu] navigator.gpu
 * @returns {Promise<Device>}
 * @throws {Error} a sentence: this browser has no WebGPU, no adapter, or no device
 */
export async function openDevice(gpu = globalThis.navigator?.gpu) {
  if (!gpu) throw new Error('this browser has no WebGPU here (navigator.gpu); it needs a recent browser and a page over https or on localhost')
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) throw new Error('the browser gives no WebGPU adapter; its graphics driver may be too old or blocked')
  const requiredLimits = {}
  for (const name of LIMITS) requiredLimits[name] = adapter.limits[name]
  return new Device(await adapter.requestDevice({ requiredLimits }), adapter.info ?? {})
}

/** A GPUDevice whose objects have numbers. */
class Device {
  made = 0 // buffers
  freed = 0
  waited = 0 // ms, of all runs
  #device
  #lost = '' // why the device is no more
  #uncaught = '' // the first error outside all scopes
  #scopes = [] // of begin()
  #buffers = new Map()
  #groups = new Map()
  #programs = new Map()
  #pipelines = []
  #next = 1
  #layouts
  #layout

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
    device.lost.then(({ reason, message }) => {
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
   * Makes the pipelines, all at once.
   *
   * @param {{name: string, code: string}[]} shaders
   * @throws {Error} names the shader and what is wrong with it
   */
  async compile(shaders) {
    this.begin() // or a bad module is reported outside all scopes, too
    const tries = await Promise.allSettled(shaders.map(async ({ name, code }) => {
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
    for (const { reason } of tries) if (reason) throw reason
    if (refused) throw refused
    this.#pipelines = tries.map(({ value }) => value)
  }

  /** Watches what is made until end(). */
  begin() {
    this.#device.pushErrorScope('out-of-memory')
    this.#device.pushErrorScope('validation')
  }

  /**
   * Waits for what was made since begin().
   *
   * @throws {Error} what the device refused, or that it has no more memory
   */
  async end() {
    const [invalid, memory] = await Promise.all([this.#device.popErrorScope(), this.#device.popErrorScope()])
    this.#throwIfBroken()
    if (memory) throw new Error(`${this.about.name} has no more memory: ${memory.message}`)
    if (invalid) throw new Error(`${this.about.name} refused a command: ${invalid.message}`)
  }

  /** Throws where the device is lost or has complained. */
  #throwIfBroken() {
    if (this.#lost) throw new Error(this.#lost)
    if (this.#uncaught) throw new Error(`${this.about.name} refused a command: ${this.#uncaught}`)
  }

  /** Keeps an object under a new number. */
  #keep(map, object) {
    map.set(this.#next, object)
    return this.#next++
  }

  /**
   * @param {number} size bytes
   * @param {'arena'|'params'|'weights'|'results'} use
   * @returns {number} the buffer
   */
  buffer(size, use) {
    this.made++
    let buffer = null
    try {
      buffer = this.#device.createBuffer({ label: use, size, usage: USES[use] })
    } catch (error) {
      this.#uncaught ||= error.message // a size that is no size
    }
    return this.#keep(this.#buffers, buffer)
  }

  /** Brings the first size bytes of data to a buffer. */
  write(buffer, at, data, size) {
    this.#device.queue.writeBuffer(this.#buffers.get(buffer), at, data, 0, size)
  }

  /** Gives a buffer back. */
  free(buffer) {
    if (!this.#buffers.has(buffer)) return
    this.freed++
    this.#buffers.get(buffer)?.destroy()
    this.#buffers.delete(buffer)
  }

  /** Reads size bytes of a buffer through one made for it. */
  async read(buffer, at, size) {
    const results = this.buffer(size, 'results')
    const program = this.program([[buffer, at, results, 0, size]])
    try {
      return await this.run(program, results, size)
    } finally {
      this.freeProgram(program)
      this.free(results)
    }
  }

  /** Binds an arena and parameters, 256 bytes of them a dispatch. */
  runGroup(arena, params) {
    return this.#keep(this.#groups, this.#device.createBindGroup({
      layout: this.#layouts[0],
      entries: [
        { binding: 0, resource: { buffer: this.#buffers.get(arena) } },
        { binding: 1, resource: { buffer: this.#buffers.get(params), size: 256 } },
      ],
    }))
  }

  /** Binds two parts of a buffer of weights; places and sizes in bytes. */
  weightGroup(weights, firstAt, firstSize, secondAt, secondSize) {
    const buffer = this.#buffers.get(weights)
    return this.#keep(this.#groups, this.#device.createBindGroup({
      layout: this.#layouts[1],
      entries: [
        { binding: 0, resource: { buffer, offset: firstAt, size: firstSize } },
        { binding: 1, resource: { buffer, offset: secondAt, size: secondSize } },
      ],
    }))
  }

  freeGroup(group) {
    this.#groups.delete(group)
  }

  /**
   * Keeps a list of commands.
   *
   * @param {number[][]} commands [pipeline, run group, offset of its parameters,
   *   weight group, x, y, z] or [from, at, to, at, bytes]
   * @returns {number} the program
   */
  program(commands) {
    return this.#keep(this.#programs, commands.map((c) => (c.length === 5
      ? { from: this.#buffers.get(c[0]), fromAt: c[1], to: this.#buffers.get(c[2]), toAt: c[3], size: c[4] }
      : { pipeline: this.#pipelines[c[0]], run: this.#groups.get(c[1]), params: [c[2]], weights: this.#groups.get(c[3]), x: c[4], y: c[5], z: c[6] })))
  }

  freeProgram(program) {
    this.#programs.delete(program)
  }

  /**
   * Runs a program and gives the first size bytes of its results.
   *
   * @returns {Promise<Uint8Array>}
   * @throws {Error} the device is lost, refused a command or has no memory
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
        encoder.copyBufferToBuffer(c.from, c.fromAt, c.to, c.toAt, c.size)
      }
    }
    pass?.end()
    this.#device.queue.submit([encoder.finish()])
    const submitted = performance.now()
    const buffer = this.#buffers.get(results)
    const mapped = buffer.mapAsync(READ, 0, size).catch((cause) => cause)
    await this.end() // says more than a failed map
    const failed = await mapped
    this.waited += performance.now() - submitted
    this.#throwIfBroken()
    if (failed) throw new Error(`${this.about.name} gave no results: ${failed.message}`)
    const values = new Uint8Array(buffer.getMappedRange(0, size)).slice()
    buffer.unmap()
    return values
  }

  /** Gives everything back. */
  close() {
    this.#lost ||= `${this.about.name} was closed`
    for (const buffer of this.#buffers.keys()) this.free(buffer)
    this.#groups.clear()
    this.#programs.clear()
    this.#device.destroy()
  }
}
