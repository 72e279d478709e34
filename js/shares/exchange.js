// The exchange of partial sums between the shares of a model. Each share runs in
// a worker of its own; a message port joins every two.
//
// A part is copied once out of Go's memory into a buffer that is transferred, and
// added from there. A received buffer carries the next part back: a fresh array
// for each would take 30 times as long.

/** What Go is told that can't go on yet, or ever (wasm/peers.go). */
export const again = -1
export const never = -2

export class Exchange {
  #index
  #ports
  #memory
  #changed
  #parts // by share: parts that have come, [{job, buffer, length}]
  #free // by share: buffers for parts to it
  #sum = null // what is summed up now: {at, length}
  #waiting = false
  #ended = 0 // this job, and all before it, have ended

  /** The number of the job that is done now; each job has a higher one. */
  job = 0

  /**
   * index is that of this share. ports are those to all shares, null for itself;
   * memory() gives the buffer of Go's memory, and changed() is called when it is
   * worth asking again.
   */
  constructor(index, ports, { memory, changed }) {
    this.#index = index
    this.#ports = ports
    this.#memory = memory
    this.#changed = changed
    this.#parts = ports.map(() => [])
    this.#free = ports.map(() => [])
    ports.forEach((port, from) => {
      if (!port) return
      port.onmessage = ({ data: part }) => {
        this.#parts[from].push(part)
        if (this.#waiting && this.#complete()) this.#change()
      }
    })
  }

  /**
   * Sends length values at an address to all other shares, and does what met does.
   * Once all parts have come, the values are the sum over the shares.
   */
  sum(at, length) {
    if (this.job <= this.#ended) return never
    const own = new Float32Array(this.#memory(), at, length)
    this.#ports.forEach((port, to) => {
      if (!port) return
      const buffer = takeBuffer(this.#free[to], 4 * length)
      new Float32Array(buffer, 0, length).set(own)
      port.postMessage({ job: this.job, buffer, length }, [buffer])
    })
    this.#sum = { at, length }
    return this.met()
  }

  /** Adds up, and gives 0; `again` where a part is missing, `never` where the job has ended. */
  met() {
    if (this.job <= this.#ended) return never
    this.#waiting = !this.#complete()
    if (this.#waiting) return again
    const { at, length } = this.#sum
    const own = new Float32Array(this.#memory(), at, length)
    const parts = this.#parts.map((queue, from) => {
      if (from === this.#index) return own
      const part = queue.shift()
      if (part.length !== length) throw new Error(`share ${from} sums up ${part.length} values, share ${this.#index} ${length}`)
      this.#free[from].push(part.buffer)
      return new Float32Array(part.buffer, 0, length)
    })
    add(own, parts)
    return 0
  }

  /** Ends a job, and all before it, where it is not done. */
  end(job) {
    this.#ended = Math.max(this.#ended, job)
    if (this.#waiting) this.#change()
  }

  /** Ends everything. */
  close() {
    for (const port of this.#ports) port?.close()
    this.end(Infinity)
  }

  #change() {
    this.#waiting = false
    this.#changed()
  }

  /** Whether a part of this job has come from every share. Those of earlier jobs are of no use. */
  #complete() {
    let complete = true
    this.#parts.forEach((queue, from) => {
      while (queue[0]?.job < this.job) this.#free[from].push(queue.shift().buffer)
      complete &&= from === this.#index || queue[0]?.job === this.job
    })
    return complete
  }
}

/**
 * A buffer of at least size bytes: of the free ones the smallest that is large
 * enough. Where none is, a new one takes the place of a free one, so that there
 * are never more than were in use at once.
 */
export function takeBuffer(free, size) {
  let best = -1
  free.forEach(({ byteLength }, i) => {
    if (byteLength >= size && (best < 0 || byteLength < free[best].byteLength)) best = i
  })
  if (best >= 0) return free.splice(best, 1)[0]
  free.pop()
  return new ArrayBuffer(size)
}

/** Puts the sum of the parts, in their order, into one of them: all shares get the same bits. */
function add(into, parts) {
  if (parts.length === 2) {
    const [a, b] = parts
    for (let i = 0; i < into.length; i++) into[i] = a[i] + b[i]
    return
  }
  for (let i = 0; i < into.length; i++) {
    let sum = 0
    for (const part of parts) sum += part[i]
    into[i] = sum
  }
}
