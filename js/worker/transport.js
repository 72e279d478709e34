// The requests for a model's files. A request that fails is sent again, and a body that
// was cut goes on at the byte that it has reached: what Go reads is one body. The numbers
// here, and what is tried for which fault, are described in docs/loading.md.

/** How often a request is sent again, and how often while no host has answered at all. */
const retries = 4
const retriesUnreached = 2

/** The number of bytes that make the count of retries start anew. */
const bytesOfProgress = 1 << 16

/** The longest wait that a host may ask for by Retry-After, in milliseconds. */
const longestWait = 60_000

/** The statuses after which a request is sent again. */
const passing = [408, 429, 500, 502, 503, 504]

/** What is read of a file that is refused, in bytes, up to which it is always asked again. */
const cheap = 1 << 20

/** The codes of errors about the content of files. */
const refusals = ['config', 'weights', 'tokenizer', 'integrity']

/** An error whose message is a whole reason. */
class Fault extends Error {}

/** What stands before and after the name of a file in the URLs of a folder, as wasm/fetch.go has it. */
export function aroundFile(folder) {
  if (folder.includes('{file}')) return folder.split('{file}')
  const path = folder.split('?', 1)[0]
  return [path, folder.slice(path.length)]
}

/** The files of one model. */
export class ModelFiles {
  #around
  #prefetched = new Map() // url → {download, answer}
  #downloads = new Map() // url → the last Download of it
  #restarted = false // because of a file that has changed
  reload = new Set() // URLs that are asked past the browser's cache
  changed = '' // what has changed while it was read: a clause, or ''
  reached = false // whether a host has answered

  /**
   * folder is the model's. send is a fetch of reportingFetch; cache, headers, stallMs and
   * retryMs are options of load.
   */
  constructor(folder, send, { cache, headers, stallMs, retryMs }) {
    this.#around = aroundFile(folder)
    Object.assign(this, { send, cache, headers, stallMs, retryMs })
  }

  /** Starts a request of a file; the next fetch of its URL gets the answer. */
  prefetch(file) {
    const url = this.#around.join(file)
    const begun = this.#begin(url)
    begun.answer.catch(() => {}) // the fetch of this URL will reject
    this.#prefetched.set(url, begun)
  }

  /** A fetch for Go. The message of an error is a whole reason with what to do. */
  fetch(url, { signal } = {}) {
    const key = String(url)
    const { download, answer } = this.#prefetched.get(key) ?? this.#begin(key)
    this.#prefetched.delete(key)
    signal?.addEventListener('abort', () => download.cancel(), { once: true })
    return answer
  }

  #begin(url) {
    const download = new Download(this, url)
    this.#downloads.set(url, download)
    return { download, answer: download.open() }
  }

  /**
   * After a load has failed with {code, message}: why another one may succeed, a sentence,
   * or ''. A file has changed while it was read; or the content of files that the message
   * names may be stale in the browser's cache, which is not asked again for them.
   */
  startAgain({ code, message }) {
    for (const { download } of this.#prefetched.values()) void download.cancel()
    this.#prefetched.clear()
    const { changed } = this
    this.changed = ''
    if (changed && !this.#restarted) {
      this.#restarted = true
      if (this.cache === 'default') this.cache = 'no-cache'
      return `${changed}; all files were read again`
    }
    if (changed || !refusals.includes(code)) return ''
    const stale = [...this.#downloads.values()].filter((download) => message.includes(download.file) && download.mayBeStale())
    for (const { url } of stale) this.reload.add(url)
    return stale.map(({ file }) => `${file}: what the browser's cache had was refused, so it was fetched again`).join('; ')
  }
}

/** One file, by as many requests as it takes. It is the reader of its body. */
class Download {
  #files
  #stopped = new AbortController()
  #request // the AbortController of the request that runs
  #reader = null
  #first = null // what the first answer says of the file: see described
  #ranges = false // whether the rest may be asked for
  #position = 0 // how many bytes Go has
  #skip = 0 // how many bytes Go has already of those that come
  #tries = 0 // how many requests have failed since bytesOfProgress have come
  #mark = 0 // #position when #tries was 0

  constructor(files, url) {
    this.#files = files
    this.url = url
    this.file = new URL(url).pathname.split('/').pop()
  }

  /** Resolves to the host's answer, as a Response that Go can read. */
  async open() {
    let response = await this.#answer()
    if (response.status === 200 && /^text\/html/.test(response.headers.get('content-type')) && this.#uses(response)) {
      drop(response) // a page instead of a file, perhaps of an earlier failure
      this.#files.reload.add(this.url)
      response = await this.#answer()
    }
    this.#start(response)
    const headers = new Headers(response.headers)
    if (this.#first.length === null) headers.delete('content-length')
    return { ok: response.ok, status: response.status, headers, body: { getReader: () => this } }
  }

  /** As a reader of a ReadableStream does. */
  async read() {
    for (;;) {
      let why
      try {
        const { done, value } = await this.#timely(this.#reader.read())
        if (!done) {
          const skipped = Math.min(this.#skip, value.byteLength)
          this.#skip -= skipped
          this.#position += value.byteLength - skipped
          if (skipped < value.byteLength) return { done, value: value.subarray(skipped) }
          continue
        }
        if (this.#skip === 0 && !(this.#position < this.#first.length)) return { done }
        why = 'the answer ends too early'
      } catch (error) {
        this.#stopped.signal.throwIfAborted()
        if (this.#position === this.#first.length) return { done: true }
        why = error instanceof Fault ? error.message : `the connection was cut (${error.message})`
      }
      await this.#resume(why)
    }
  }

  /** As a reader of a ReadableStream does. */
  async cancel() {
    this.#stopped.abort(new Error('it was cancelled'))
    await this.#reader?.cancel()
    this.#request?.abort()
  }

  /** Whether the content may have come from the browser's cache, and asking again past it is cheap or certain to help. */
  mayBeStale() {
    if (!this.#first?.cached) return false
    const timing = performance.getEntriesByName(this.url).at(-1)
    return this.#position <= cheap || (timing?.transferSize <= 300 && timing.encodedBodySize > 300) // 300: the host has confirmed it
  }

  /** Whether an answer may have come from the browser's cache. */
  #uses({ headers }) {
    const { cache, reload } = this.#files
    const fresh = cache === 'force-cache' ? /no-store/ : /no-store|no-cache|max-age=0/
    return !reload.has(this.url) && cache !== 'no-store' && cache !== 'reload' && !fresh.test(headers.get('cache-control'))
  }

  /** Takes the first answer, or the first one again where none of its body was read. */
  #start(response) {
    this.#first = { ...described(response), cached: response.status === 200 && this.#uses(response) }
    this.#ranges = !response.headers.has('content-encoding')
    this.#reader = response.body.getReader()
  }

  /** Goes on with the body after a failure. */
  async #resume(why) {
    for (;;) {
      await this.#pause(why)
      if (this.#position > 0 && sameFile(this.#first, this.#first) === undefined) this.#giveUp()
      const response = await this.#answer()
      const { status } = response
      const { range, ...found } = described(response, this.#position)
      const same = sameFile(this.#first, found)
      if (status === 200 && this.#position === 0 && found.length === this.#first.length) return this.#start(response)
      const whole = status === 200 && same
      if (whole || (status === 206 && (same ?? this.#validator()) && range !== false && this.#ranges)) {
        this.#skip = whole ? this.#position : 0
        this.#first.length ??= found.length
        this.#reader = response.body.getReader()
        return
      }
      drop(response)
      if (status === 200 || (status === 206 && same === false && range !== false)) this.#giveUp(same)
      why = `the host answers ${status} when it is asked for the rest`
      if (!this.#ranges || this.#position === 0) throw this.#error(why, 'check the address')
      this.#ranges = false
    }
  }

  /** Throws for a file whose rest can't be had: same is false where it has changed, undefined where the host doesn't say. */
  #giveUp(same) {
    const clause = same === false ? 'has changed on its host while it was loading' : 'the connection was cut, and the host says nothing by which its rest could be known'
    this.#files.changed = `${this.file}: ${clause}`
    throw this.#error(clause, 'load it again')
  }

  /** Sends the request until there is an answer of use: resolves to it. */
  async #answer() {
    for (;;) {
      let why
      let advice = 'try again later'
      let wait = 0
      try {
        const response = await this.#send()
        this.#files.reached = true
        if (!passing.includes(response.status)) return response
        why = `the host answers ${response.status}`
        wait = waitOf(response.headers.get('retry-after'))
        drop(response)
      } catch (error) {
        this.#stopped.signal.throwIfAborted()
        why = error instanceof Fault ? error.message : `can't be reached (${error.message})`
        advice = 'check the address and the connection, and that its host lets this page read it (CORS)'
      }
      await this.#pause(why, advice, wait)
    }
  }

  /** Sends one request, for the rest where Go has the beginning. */
  #send() {
    const { send, cache, headers, reload } = this.#files
    const init = { headers: { ...headers }, cache: reload.has(this.url) ? 'reload' : cache }
    let from = 0
    if (this.#position > 0) {
      init.cache = 'no-store' // the cache has the beginning at most
      if (this.#ranges) {
        from = this.#position
        init.headers.range = `bytes=${from}-`
        if (this.#validator()) init.headers['if-range'] = this.#validator()
      }
    }
    this.#request = new AbortController()
    return this.#timely(send(this.url, { ...init, signal: this.#request.signal }, from))
  }

  /** The value of If-Range, or null. Other origins would have to allow this header, so they get none. */
  #validator() {
    const { basic, etag, modified } = this.#first
    return basic ? (etag && !etag.startsWith('W/') ? etag : modified) : null
  }

  /** A promise that rejects, and ends the request, where it takes longer than stallMs. */
  async #timely(promise) {
    const { stallMs } = this.#files
    if (stallMs === 0) return promise
    promise.catch(() => {}) // it may reject after this has
    let timer
    const stall = new Promise((_, reject) => {
      timer = setTimeout(() => {
        reject(new Fault(`nothing has come for ${stallMs} ms`))
        this.#request.abort()
      }, stallMs)
    })
    try {
      return await Promise.race([promise, stall])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Waits before the next request, at least wait milliseconds. Throws where it would be one too many. */
  async #pause(why, advice = 'check the connection, and load it again', wait = 0) {
    const { reached, retryMs } = this.#files
    if (this.#position - this.#mark >= bytesOfProgress) {
      this.#tries = 0
      this.#mark = this.#position
    }
    this.#tries++
    if (wait > longestWait) throw this.#error(`${why}, and wants to be asked again in ${Math.ceil(wait / 1000)} s`, advice)
    if (this.#tries > (reached ? retries : retriesUnreached)) throw this.#error(why, advice)
    const backOff = Math.min(longestWait, retryMs * 2 ** (this.#tries - 1)) * (0.5 + Math.random() / 2)
    await new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, Math.max(wait, backOff))
      this.#stopped.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        reject(this.#stopped.signal.reason)
      })
    })
  }

  #error(why, advice) {
    const of = this.#first?.length === null ? '' : ` of ${this.#first?.length}`
    const arrived = this.#first ? `; ${this.#position}${of} bytes have arrived` : ''
    const tries = this.#tries > 1 ? `, tried ${this.#tries} times` : ''
    return new Fault(`${why}${tries}${arrived}; ${advice}`)
  }
}

/** Ends a request whose body nobody reads. */
function drop(response) {
  void response.body.getReader().cancel()
}

/**
 * What an answer says of the file: {basic, etag, modified, size, length, range}. length is
 * the bytes of the whole file where they are known; size is what may be them, to compare
 * answers: for other origins a compression can't be seen. range, for an answer to a request
 * of the bytes from position on, is false where it has others.
 */
function described({ status, type, headers }, position = 0) {
  const basic = type === 'basic'
  const whole = !headers.has('content-encoding')
  const announced = whole && headers.has('content-length') ? Number(headers.get('content-length')) : null
  const [, start, total] = headers.get('content-range')?.match(/^bytes (\d+)-\d+\/(\d+|\*)$/) ?? []
  const file = { basic, etag: headers.get('etag'), modified: headers.get('last-modified') }
  if (status !== 206) return { ...file, size: announced, length: basic ? announced : null }
  const size = total > 0 ? Number(total) : announced === null ? null : position + announced
  return { ...file, size, length: basic || total > 0 ? size : null, range: whole && (start === undefined || Number(start) === position) }
}

/** Whether two answers are of the same file: undefined where they have nothing to compare. */
function sameFile(a, b) {
  const both = ['etag', 'modified', 'size'].filter((key) => a[key] !== null && b[key] !== null)
  if (!a.basic && both[0] === 'etag') both.length = 1 // one of the two may be compressed
  return both.length === 0 ? undefined : both.every((key) => a[key] === b[key])
}

/** The milliseconds of a header Retry-After: a number of seconds, or a date. */
function waitOf(text) {
  if (!text) return 0
  const wait = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now()
  return wait > 0 ? wait : 0
}
