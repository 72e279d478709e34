// The worker's access to the network: every request is reported to the page.

const browserFetch = globalThis.fetch.bind(globalThis)

/**
 * A fetch for Go and for pictures. cache is the RequestCache of all requests.
 * onRequest({url, status, bytes}) is called once the body has been read or cancelled:
 * status is the HTTP status, 0 where the host was not reached; bytes is the number of
 * bytes read, after decompression.
 *
 * Its method prefetch(url) starts a request; the next fetch of that URL gets its answer.
 *
 * The promise resolves to the fields of a Response that are used here: ok, status,
 * headers, body.getReader() and blob(). headers has Content-Length only where it is
 * known to be the length of the body: it is not for compressed bodies, and for other
 * origins the compression can't be seen.
 */
export function reportingFetch(cache, onRequest) {
  const prefetched = new Map() // url → promise
  const send = async (url, init) => {
    const request = { url: String(url), status: 0, bytes: 0 }
    let response
    try {
      response = await browserFetch(url, { ...init, cache })
    } catch (error) {
      onRequest(request)
      throw error
    }
    request.status = response.status
    const headers = new Headers(response.headers)
    if (response.type !== 'basic' || headers.has('content-encoding')) headers.delete('content-length')
    return {
      ok: response.ok,
      status: response.status,
      headers,
      body: { getReader: () => reportingReader(response.body, request, onRequest) },
      async blob() {
        const blob = await response.blob()
        onRequest({ ...request, bytes: blob.size })
        return blob
      },
    }
  }
  const fetch = (url, init) => {
    const key = String(url)
    const promise = prefetched.get(key)
    prefetched.delete(key)
    return promise ?? send(url, init)
  }
  fetch.prefetch = (url) => {
    const promise = send(url)
    promise.catch(() => {}) // the fetch of this URL will reject
    prefetched.set(url, promise)
  }
  return fetch
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
