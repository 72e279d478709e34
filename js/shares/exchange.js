// Exchanges partial sums between the shares of a model. Each share runs in a worker of
// its own; a message port joins every two of them. A message is {job, buffer, length}:
// the number of the job and length float32 values.
//
// Partial sums are copied once from Go's memory into a buffer that is transferred, and
// are added from there. A received buffer is used for the next partial sums to its
// sender: new buffers would make an exchange take 30 times as long.

/** Answers to Go that are no result: ask again after wake, or give the job up (wasm/group.go). */
export const again = -1
export const never = -2

/** One share's side of all exchanges. */
export class Exchange {
  #index
  #ports
  #memory
  #wake
  #received // by share: messages received and not yet added
  #free // by share: buffers for partial sums to it
  #target = null // the sum in progress: {address, length}
  #waiting = false // for messages of the other shares
  #ended = 0 // the number of the last job that has ended

  /** The number of the current job; each job has a higher number than those before it. */
  job = 0

  /**
   * index is that of this share. ports[i] leads to share i; it is null for this share.
   * memory() gives Go's memory, an ArrayBuffer. wake() is called when Go should ask
   * again.
   */
  constructor(index, ports, { memory, wake }) {
    this.#index = index
    this.#ports = ports
    this.#memory = memory
    this.#wake = wake
    this.#received = ports.map(() => [])
    this.#free = ports.map(() => [])
    ports.forEach((port, from) => {
      if (!port) return
      port.onmessage = ({ data: message }) => {
        this.#received[from].push(message)
        if (this.#waiting && this.#complete()) this.#stopWaiting()
      }
    })
  }

  /**
   * Sends length float32 values at an address of Go's memory to all other shares, then
   * does what finishSum does.
   */
  sum(address, length) {
    if (this.job <= this.#ended) return never
    const own = new Float32Array(this.#memory(), address, length)
    this.#ports.forEach((port, to) => {
      if (!port) return
      const buffer = takeBuffer(this.#free[to], 4 * length)
      new Float32Array(buffer, 0, length).set(own)
      port.postMessage({ job: this.job, buffer, length }, [buffer])
    })
    this.#target = { address, length }
    return this.finishSum()
  }

  /**
   * Replaces the values that sum has sent by their sum over all shares, and gives 0.
   * Gives `again` where partial sums are missing, `never` where the job has ended.
   */
  finishSum() {
    if (this.job <= this.#ended) return never
    this.#waiting = !this.#complete()
    if (this.#waiting) return again
    const { address, length } = this.#target
    const own = new Float32Array(this.#memory(), address, length)
    const summands = this.#received.map((queue, from) => {
      if (from === this.#index) return own
      const message = queue.shift()
      if (message.length !== length) throw new Error(`share ${from} sums up ${message.length} values, share ${this.#index} ${length}`)
      this.#free[from].push(message.buffer)
      return new Float32Array(message.buffer, 0, length)
    })
    add(own, summands)
    return 0
  }

  /** Ends a job, and all jobs before it, if they have not ended. */
  end(job) {
    this.#ended = Math.max(this.#ended, job)
    if (this.#waiting) this.#stopWaiting()
  }

  /** Ends all jobs and closes the ports. */
  close() {
    for (const port of this.#ports) port?.close()
    this.end(Infinity)
  }

  /** Lets Go ask again. */
  #stopWaiting() {
    this.#waiting = false
    this.#wake()
  }

  /** Whether partial sums of this job have arrived from all other shares. Drops those of earlier jobs. */
  #complete() {
    let complete = true
    this.#received.forEach((queue, from) => {
      while (queue[0]?.job < this.job) this.#free[from].push(queue.shift().buffer)
      complete &&= from === this.#index || queue[0]?.job === this.job
    })
    return complete
  }
}

/**
 * Takes a buffer of at least size bytes from the array free: the smallest one that is
 * large enough. Where there is none, a new buffer replaces one of free, so that there
 * are never more buffers than were in use at once.
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

/** Sets target to the sum of the summands, added in their order: so all shares get the same bits. target may be one of them. */
function add(target, summands) {
  if (summands.length === 2) {
    const [a, b] = summands
    for (let i = 0; i < target.length; i++) target[i] = a[i] + b[i]
    return
  }
  for (let i = 0; i < target.length; i++) {
    let sum = 0
    for (const values of summands) sum += values[i]
    target[i] = sum
  }
}
