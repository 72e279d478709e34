// The worker's way to the network: every request is noted, and reported to the
// page when it has ended.

const plainFetch = globalThis.fetch.bind(globalThis)

/**
 * A fetch for Go and for pictures. cache is the RequestCache of all requests;
 * note is called with {url, status, bytes} once the body has been read or given
 * up: the status of HTTP, 0 where the host was not reached, and the bytes that
 * were read, after decompression.
 *
 * Its method ahead(url) begins a request that somebody will make, who then gets its
 * answer.
 *
 * What it resolves to is no Response but what of one is used here: ok, status,
 * headers, body.getReader() and blob(). Content-Length is in headers only where
 * it is sure to be the length of the body: a host's compression makes it another
 * one, and for other origins that can't be seen.
 */
export function notingFetch(cache, note) {
  const begun = new Map() // url → promise
  const send = async (url, init) => {
    const request = { url: String(url), status: 0, bytes: 0 }
    let response
    try {
      response = await plainFetch(url, { ...init, cache })
    } catch (error) {
      note(request)
      throw error
    }
    request.status = response.status
    const headers = new Headers(response.headers)
    if (response.type !== 'basic' || headers.has('content-encoding')) headers.delete('content-length')
    return {
      ok: response.ok,
      status: response.status,
      headers,
      body: { getReader: () => noting(response.body, request, note) },
      async blob() {
        const blob = await response.blob()
        note({ ...request, bytes: blob.size })
        return blob
      },
    }
  }
  const fetch = (url, init) => {
    const key = String(url)
    const early = begun.get(key)
    begun.delete(key)
    return early ?? send(url, init)
  }
  fetch.ahead = (url) => {
    const early = send(url)
    early.catch(() => {}) // who makes the request will see it
    begun.set(url, early)
  }
  return fetch
}

const none = { read: async () => ({ done: true }), cancel: async () => {} }

function noting(body, request, note) {
  const reader = body?.getReader() ?? none
  let open = true
  const end = () => {
    if (open) note(request)
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
