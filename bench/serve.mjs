// Serves one contestant as a plain static host does: compressed where hosts
// compress, and counting what goes over the line.

import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.json': 'application/json', '.wasm': 'application/wasm', '.png': 'image/png', '.txt': 'text/plain' }
const compressed = new Set(['.html', '.js', '.mjs', '.json', '.wasm', '.txt'])
const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
const zipped = new Map() // path → its gzip

/**
 * Starts a server on a loopback port. mounts maps path prefixes to folders, and
 * whole paths to files; pages maps paths to HTML. isolated sends the headers that
 * threads need; rate limits the line, in bytes a second. Gives {url, sent(), close()};
 * sent() is the bytes of all bodies so far.
 */
export async function serve({ mounts, pages = {}, isolated = false, rate = Infinity }) {
  let sent = 0
  let free = 0 // when the line is free again
  const pace = async (bytes) => {
    sent += bytes
    if (rate === Infinity) return
    free = Math.max(free, performance.now()) + (1000 * bytes) / rate
    await new Promise((resolve) => setTimeout(resolve, free - performance.now()))
  }
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    const headers = isolated ? { ...isolation } : {}
    const send = async (type, chunks, length) => {
      response.writeHead(200, { ...headers, 'content-type': types[type] ?? 'application/octet-stream', 'content-length': length })
      for await (const chunk of chunks) {
        await pace(chunk.length)
        if (response.destroyed) return
        if (!response.write(chunk)) await drained(response)
      }
      response.end()
    }
    if (pages[pathname]) return send('.html', [Buffer.from(pages[pathname])], Buffer.byteLength(pages[pathname]))
    const file = fileOf(mounts, pathname)
    if (!file || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404, headers)
      return response.end()
    }
    const type = extname(file)
    if (!compressed.has(type)) return send(type, createReadStream(file, { highWaterMark: rate === Infinity ? 1 << 20 : 1 << 14 }), statSync(file).size)
    if (!zipped.has(file)) zipped.set(file, gzipSync(readFileSync(file)))
    headers['content-encoding'] = 'gzip'
    const body = zipped.get(file)
    const piece = rate === Infinity ? body.length : 1 << 14
    return send(type, Array.from({ length: Math.ceil(body.length / piece) }, (_, i) => body.subarray(i * piece, (i + 1) * piece)), body.length)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    sent: () => sent,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Waits until a response takes more, or is given up. */
function drained(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

function fileOf(mounts, path) {
  if (mounts[path]) return mounts[path]
  const prefix = Object.keys(mounts).filter((p) => p.endsWith('/') && path.startsWith(p)).sort((a, b) => b.length - a.length)[0]
  return prefix && join(mounts[prefix], join('/', path.slice(prefix.length)))
}
