// Serves folders on a loopback port for the browser tests, as a plain static
// host does, or with one of the lies and habits that hosts have.

import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { gzipSync } from 'node:zlib'

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.svg': 'image/svg+xml',
}

/** The policy under which everything must work. */
export const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; worker-src 'self'; require-trusted-types-for 'script'"

/**
 * Starts a server. mounts maps path prefixes to folders ({'/': 'dist'}); pages maps
 * paths to text, or to {status, headers, body}. habits(path) may give
 * {status, type, body, headers, cut, gzip, hold}: another answer, another MIME
 * type, other headers, only the first cut bytes, compression, or a promise to
 * wait for in the middle of the body. headers are sent with everything.
 * Gives {url, requests, close}; requests are the paths asked for.
 */
export async function serve(mounts, { pages = {}, headers = {}, habits = () => ({}) } = {}) {
  const requests = []
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname)
    requests.push(request.url)
    try {
      const habit = habits(path, request) ?? {}
      const page = habit.body !== undefined || habit.status ? habit : pages[path]
      if (page !== undefined) {
        const { status = 200, type, body = '' } = typeof page === 'string' ? { body: page } : page
        response.writeHead(status, { 'content-type': type ?? types[extname(path)] ?? types['.html'], ...headers, ...habit.headers })
        return response.end(body)
      }
      await sendFile(request, response, fileFor(mounts, path), habit, headers)
    } catch {
      if (!response.headersSent) response.writeHead(404, { 'content-type': 'text/plain', ...headers })
      response.end('not found')
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    requests,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

function fileFor(mounts, path) {
  const prefix = Object.keys(mounts).filter((p) => path.startsWith(p)).sort((a, b) => b.length - a.length)[0]
  const inside = normalize('/' + path.slice(prefix.length))
  return join(mounts[prefix], inside.endsWith('/') ? inside + 'index.html' : inside)
}

async function sendFile(request, response, file, habit, headers) {
  const { size } = await stat(file)
  const end = habit.cut ?? size
  const head = { 'content-type': habit.type ?? types[extname(file)] ?? 'application/octet-stream', ...headers, ...habit.headers }
  if (habit.gzip) {
    const body = gzipSync((await readFile(file)).subarray(0, end))
    response.writeHead(200, { ...head, 'content-encoding': 'gzip', 'content-length': body.length })
    return response.end(body)
  }
  response.writeHead(200, { ...head, 'content-length': end })
  if (habit.hold) {
    await new Promise((resolve, reject) => {
      const half = createReadStream(file, { end: size >> 1 })
      half.on('end', resolve).on('error', reject).pipe(response, { end: false })
    })
    await habit.hold
    return createReadStream(file, { start: (size >> 1) + 1 }).pipe(response)
  }
  createReadStream(file, { end: end - 1 }).pipe(response)
}
