// The option fetch of load and inspect: the worker's requests for the model's files go
// through a function of the page. js/worker/fetch.js describes the messages on the ports.

/** Answers the messages `fetch` of one worker. */
export class PageFetch {
  #fetch
  #running = new Set() // an AbortController for each request
  #ended = false

  /** fetch is the function of the page. */
  constructor(fetch) {
    this.#fetch = fetch
  }

  /** Answers a message `fetch`. */
  answer({ url, init, port }) {
    if (this.#ended) return undefined // the worker is no more
    const request = new AbortController()
    this.#running.add(request)
    let reader
    const reply = async (work) => {
      try {
        const [fields, transfers] = await work()
        port.postMessage(fields, transfers)
      } catch (error) {
        port.postMessage({ error: String(error?.message ?? error) })
      }
    }
    port.onmessage = ({ data }) => {
      if (data === 'cancel') {
        this.#running.delete(request)
        request.abort()
        port.close()
        return reader?.cancel().catch(() => {}) // it may have failed already
      }
      return reply(async () => {
        const { done, value } = (await reader?.read()) ?? { done: true }
        if (done) this.#running.delete(request)
        if (done) return [{ done }]
        const copy = value.slice() // the page may use its buffer for something else
        return [{ done, value: copy }, [copy.buffer]]
      })
    }
    return reply(async () => {
      const send = this.#fetch // called without this, as window.fetch demands
      const response = await send(url, { ...init, signal: request.signal })
      if (!Number.isInteger(response?.status) || !response.headers) throw new Error('the option fetch gives no Response')
      reader = response.body?.getReader()
      return [{ status: response.status, type: response.type, headers: [...response.headers] }]
    })
  }

  /** Aborts what still runs: the worker has ended. */
  end() {
    this.#ended = true
    for (const request of this.#running) request.abort()
  }
}
