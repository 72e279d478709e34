// Serves folders on a loopback port for the browser tests and the bench, as a plain
// static host does, or with the faults that hosts have. The server is the product's
// (internal/serve); main.go describes the lines that are exchanged with it.

import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The Content-Security-Policy under which everything must work. */
export const policy = readFileSync(root + 'internal/policy/policy.txt', 'utf8').trim()

let program // path of the compiled server

/** Compiles the server. go run keeps programs in Go's cache, from the second time on; echo says where. */
function compile() {
  for (let i = 0; i < 2 && !existsSync(program ?? ''); i++) {
    program = execFileSync('go', ['run', '-exec', 'echo', './test/host'], { cwd: root, encoding: 'utf8', env: { ...process.env, CGO_ENABLED: '0' } }).trim()
  }
  return program
}

/**
 * Starts a server.
 *
 * @param {Record<string, string>} mounts paths to what is served there: '/a/' to a folder,
 *   '/b' to a file
 * @param {{pages?: Record<string, string|object>, headers?: Record<string, string>, habits?: Function,
 *   compress?: boolean, rate?: number}} [options]
 *
 *   pages     paths to texts, or to answers
 *   headers   are sent with everything. Without cache-control among them, browsers keep nothing,
 *             so that every request reaches the server
 *   habits    (path, {url, headers}) => answer, or nothing for the file: {status, type,
 *             headers, body} is sent instead of it, cut ends it after so many bytes, gzip
 *             compresses it, hold is a promise that is awaited in the middle of it; drop ends
 *             the connection before this byte of the file, whole refuses ranges, length is
 *             announced instead of the body's. An etag among the headers counts for if-range.
 *             Names in headers, as in {url, headers} of the request, are those of Go: Range
 *   compress  gzips what hosts compress
 *   rate      of the line, in bytes a second
 *
 * @returns {Promise<{url: string, requests: string[], sent: () => Promise<number>, close: () => Promise<void>}>}
 *   url ends in a slash; requests are the addresses that were asked for; sent() is the
 *   bytes of all bodies so far
 */
export async function serve(mounts, { pages = {}, headers = {}, habits = () => undefined, compress = false, rate } = {}) {
  const server = spawn(compile(), { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => server.on('exit', resolve))
  server.stdin.on('error', () => {}) // it has ended; whoever waits for it learns that from its port
  const tell = (line) => server.stdin.write(JSON.stringify(line) + '\n')
  const requests = []
  const awaited = { url: [], sent: [] }
  const next = (key) => new Promise((resolve) => awaited[key].push(resolve))

  /** Answers a request by habits and pages. */
  function answer({ request, url, path, headers }) {
    requests.push(url)
    const page = typeof pages[path] === 'string' ? { body: pages[path] } : pages[path]
    const habit = habits(path, { url, headers }) ?? {}
    const chosen = habit.body !== undefined || habit.status ? habit : page ? { status: 200, ...page } : habit
    const { hold, body, ...rest } = chosen
    const plain = Object.keys(chosen).length === 0
    tell({ request, answer: plain ? null : { ...rest, ...(body !== undefined && { body: Buffer.from(body).toString('base64') }), hold: Boolean(hold) } })
    hold?.then(() => tell({ request, release: true }))
  }

  createInterface(server.stdout).on('line', (line) => {
    const said = JSON.parse(line)
    if (said.request) answer(said)
    else for (const key of ['url', 'sent']) if (key in said) awaited[key].shift()(said[key])
  })
  tell({ mounts, headers: { 'cache-control': 'no-store', ...headers }, compress, rate })
  const url = await Promise.race([next('url'), ended.then(() => { throw new Error('the server of the tests ended as it started') })])
  return {
    url,
    requests,
    sent() {
      tell({ sent: true })
      return next('sent')
    },
    close() {
      server.stdin.end()
      return ended
    },
  }
}
