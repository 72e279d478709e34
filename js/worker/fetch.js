// The worker's access to the network: every request is reported to the page.

/** The browser's fetch. Go gets another one as the global fetch. */
export const browserFetch = globalThis.fetch.bind(globalThis)

/**
 * A fetch(url, init, from) that sends requests with send, which is like the browser's
 * fetch, and calls onRequest({url, status, bytes, from}) once the body has been read or
 * cancelled: status is the HTTP status, 0 where the host was not reached; bytes is the
 * number of bytes read, after decompression; from is the byte of the file from which the
 * request asks, 0 by default.
 *
 * The promise resolves to the fields of a Response that are used here: ok, status, type,
 * headers, body.getReader() and blob().
 */
export function reportingFetch(send, onRequest) {
  return async (url, init, from = 0) => {
    const request = { url: String(url), status: 0, bytes: 0, from }
    let response
    try {
      response = await send(url, init)
    } catch (error) {
      onRequest(request)
      throw error
    }
    const { ok, status, type, headers } = response
    request.status = status
    return {
      ok,
      status,
      type,
      headers,
      body: { getReader: () => reportingReader(response.body, request, onRequest) },
      async blob() {
        const blob = await response.blob()
        onRequest({ ...request, bytes: blob.size })
        return blob
      },
    }
  }
}

/** The reader of a response without a body. */
const emptyReader = { read: async () => ({ done: true }), cancel: async () => {} }

/** A reader of a body that counts request.bytes, and reports the request once when it ends. */
function reportingReader(body, request, onRequest) {
  const reader = body?.getReader() ?? emptyReader
  let open = true
  const end = () => {
    if (open) onRequest(request)
    open = false
  }
  return {
    async read() {
      try {
        const chunk = await reader.read()
        if (chunk.done) end()
        else request.bytes += chunk.value.byteLength
        return chunk
      } catch (error) {
        end()
        throw error
      }
    },
    async cancel() {
      end()
      await reader.cancel().catch(() => {}) // it may have failed already
    },
  }
}

/**
 * A fetch by the function that the page gave to load: the page sends the requests and
 * passes the bodies on. Each request has a port. The page answers the message `fetch` and
 * every 'read' on the port by {error}, or {status, type, headers} and {done, value};
 * 'cancel' ends the request.
 */
export function pageFetch(url, { headers, cache, signal }) {
  const { port1: port, port2 } = new MessageChannel()
  let settle
  const answer = () =>
    new Promise((resolve, reject) => {
      settle = ({ error, ...fields }) => (error === undefined ? resolve(fields) : reject(new Error(error)))
    })
  const cancel = () => {
    port.postMessage('cancel')
    port.close()
    settle({ error: 'it was cancelled' })
  }
  port.onmessage = ({ data }) => settle(data)
  signal.addEventListener('abort', cancel, { once: true })
  const answered = answer().then(({ status, type, headers }) => ({
    ok: status >= 200 && status < 300,
    status,
    type,
    headers: new Headers(headers),
    body: {
      getReader: () => ({
        read() {
          port.postMessage('read')
          return answer()
        },
        async cancel() {
          cancel()
        },
      }),
    },
  }))
  postMessage({ type: 'fetch', url, init: { headers, cache }, port: port2 }, [port2])
  return answered
}
