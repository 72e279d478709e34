// The errors of load: wrong options, missing folders, wrong answers of hosts, and files of
// Vitrine that are missing or of another build.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { assertFailure, folders, noWorkers, pages } from './page.mjs'
import { policy, serve } from '../host/host.mjs'

const open = pages()

const model = '/models/emoji-clip/'
const html = '<!DOCTYPE html><html><title>An application</title></html>'
const file = (name) => readFileSync(folders.dist + name)

/** Loads and closes a model in the page: resolves to 'it succeeded', or {code, message}. */
const load = (page, name = './models/emoji-clip', options = {}) =>
  page.evaluate(([name, options]) => failure(vitrine.load(name, options).then((model) => model.close())), [name, options])

/** config.json of emoji-clip with other values, by its path. */
const config = (changes) => ({ [model + 'config.json']: JSON.stringify({ ...JSON.parse(file(model + 'config.json')), ...changes }) })

test('options are checked by name and value before the first request', async () => {
  const page = await open()
  const before = page.server.requests.length
  const cases = [
    [{ divice: 'simd' }, '"divice"', 'device, dtype, kernels'],
    [{ device: 'gpu' }, 'device', '"gpu"', "'webgpu'"],
    [{ workers: 0 }, 'workers', '0'],
    [{ workers: 'many' }, 'workers', '"many"'],
    [{ dtype: 'int8' }, 'dtype', '"int8"', "'q8'"],
    [{ kernels: 'avx' }, 'kernels', '"avx"', "'relaxed'"],
    [{ kernels: 'plain', device: 'scalar' }, 'kernels', '"plain"', "'scalar'"],
    [{ cache: true }, 'cache', 'true', "'no-store'"],
    [{ integrity: 5 }, 'integrity', '5'],
    [{ stallMs: -1 }, 'stallMs', '-1'],
    [{ retryMs: '1 s' }, 'retryMs', '"1 s"'],
    [{ fetch: 'x' }, 'fetch', 'a function'],
    [{ signal: {} }, 'signal', 'AbortSignal'],
    [{ onProgress: 'x' }, 'onProgress', 'a function'],
    [{ revision: 'main' }, 'revision', 'hub'],
    [5, 'options', '5'],
    [null, 'options', 'null'],
  ]
  for (const [options, ...says] of cases) assertFailure(await load(page, './models/emoji-clip', options), 'option', ...says)
  for (const [name, ...says] of [['', 'hub id'], [7, '7'], [null, 'null'], ['ftp://x/y/', 'ftp:', 'https:'], ['http://[/', 'a URL'], ['data:text/plain,x', 'data:']]) {
    assertFailure(await load(page, name), 'option', ...says)
  }
  assertFailure(await load(page, 'a/b', { host: 'nowhere' + '://x' }), 'option', 'host')
  assertFailure(await load(page, 'a/b', { revision: '' }), 'option', 'revision')
  assert.equal(page.server.requests.length, before)
})

test('a demanded device runs or is refused', async () => {
  const page = await open()
  for (const device of ['webgpu', 'simd', 'scalar']) {
    const got = await page.evaluate(async (device) => {
      const model = await vitrine.load('./models/emoji-clip', { device }).catch((error) => error)
      return { code: model.code, message: model.message, device: model.info?.device }
    }, device)
    if (got.device === undefined) assertFailure(got, 'device', device)
    else assert.equal(got.device, device)
  }
})

test('a missing folder, a failing host and an absent host are named', async () => {
  const page = await open({ habits: (path) => (path.startsWith('/broken/') ? { status: 503 } : {}) })
  assertFailure(await load(page, './models/none'), 'not-found', '/models/none/', 'config.json')
  assertFailure(await load(page, './broken', { retryMs: 1 }), 'network', '/broken/config.json', '503')
  const other = await open({ headers: {}, allowed: ['http://127.0.0.1:9/'] })
  assertFailure(await load(other, 'http://127.0.0.1:9/model', { retryMs: 1 }), 'network', 'http://127.0.0.1:9/model/config.json', 'CORS')
})

test('the page of an application instead of a file is recognised', async () => {
  const everywhere = await open({ habits: (path) => (path.startsWith('/models/') ? { body: html, type: 'text/html' } : {}) })
  assertFailure(await load(everywhere), 'config', 'config.json', 'HTML')
  const weights = await open({ habits: (path) => (path.includes('.safetensors') ? { body: html, type: 'text/html' } : {}) })
  assertFailure(await load(weights), 'weights', 'model.safetensors', 'HTML')
  // Optional files count as absent.
  const { habits, seen } = { seen: [], habits(path) {
    const absent = /tokenizer\.json|special_tokens_map|spiece|index\.json/.test(path)
    if (absent) seen.push(path)
    return absent ? { body: '\n' + html, type: 'text/html' } : {}
  } }
  const optional = await open({ habits })
  assert.equal(await load(optional), 'it succeeded')
  assert.ok(seen.length > 0)
})

test('truncated weights and weights of another hash are refused', async () => {
  const cut = await open({ habits: (path) => (path.endsWith('model.safetensors') ? { cut: 100_000 } : {}) })
  assertFailure(await load(cut), 'weights', 'model.safetensors', '100000')
  const cutChunked = await open({ habits: (path) => (path.endsWith('model.safetensors') ? { cut: 100_000, gzip: true } : {}) })
  assertFailure(await load(cutChunked), 'weights', 'model.safetensors', '100000')
  const header = await open({ habits: (path) => (path.endsWith('model.safetensors') ? { cut: 5 } : {}) })
  assertFailure(await load(header), 'weights', 'model.safetensors')
  const page = await open()
  const sum = createHash('sha256').update(file(model + 'model.safetensors')).digest('base64')
  assert.equal(await load(page, './models/emoji-clip', { integrity: `sha256-${sum}` }), 'it succeeded')
  const other = createHash('sha256').update('other').digest('base64')
  assertFailure(await load(page, './models/emoji-clip', { integrity: `sha256-${other}` }), 'integrity', 'model.safetensors', sum, other)
  assertFailure(await load(page, './models/emoji-clip', { integrity: 'md5-x' }), 'option', 'integrity', 'md5-x')
})

test('contradictory and unsupported files are refused', async () => {
  const cases = [
    [config({ model_type: 'resnet' }), 'unsupported', 'config.json', 'model_type', 'resnet'],
    [{ [model + 'config.json']: '{"model_type": "clip", "model_type": "vit"}' }, 'config', 'config.json', 'model_type'],
    [{ [model + 'config.json']: '{"model_type": ' }, 'config', 'config.json'],
    [{ [model + 'vocab.json']: '[]' }, 'tokenizer', 'vocab.json'],
    [{ [model + 'preprocessor_config.json']: '{' }, 'config', 'preprocessor_config.json'],
  ]
  for (const [files, code, ...says] of cases) {
    const page = await open({ pages: files, habits: (path) => (files[path] ? { body: files[path] } : {}) })
    assertFailure(await load(page), code, ...says)
    await noWorkers(page)
  }
})

test('a host may compress files', async () => {
  const page = await open({ habits: () => ({ gzip: true }) })
  const progress = await page.evaluate(async () => {
    const progress = []
    const model = await vitrine.load('./models/emoji-clip', { onProgress: (p) => progress.push(p) })
    model.close()
    return progress.at(-1)
  })
  assert.equal(progress.loaded, progress.total)
})

test('a hub id is loaded from its host and revision only', async () => {
  const page = await open({ habits: (path) => (path.startsWith('/acme/') ? { status: 404 } : {}) })
  assertFailure(await load(page, 'acme/tiny_CLIP-1.0', { host: page.server.url, revision: 'refs/pr/1' }), 'not-found', '/acme/tiny_CLIP-1.0/resolve/refs%2Fpr%2F1/', './acme/tiny_CLIP-1.0')
  assert.ok(page.server.requests.includes('/acme/tiny_CLIP-1.0/resolve/refs%2Fpr%2F1/config.json'))
  const hub = await serve(
    { '/hub/acme/tiny/resolve/main/': folders.dist + model, '/': folders.dist },
    { headers: { 'access-control-allow-origin': '*' } },
  )
  const visitor = await open({ headers: {}, allowed: [hub.url] })
  assert.equal(await load(visitor, 'acme/tiny', { host: hub.url + 'hub' }), 'it succeeded')
  assert.ok(hub.requests.length > 3 && hub.requests.every((path) => path.startsWith('/hub/acme/tiny/resolve/main/')))
  await hub.close()
})

test('URLs are relative to the page and keep their query', async () => {
  const page = await open({ pages: { '/deep/in/page.html': `<!doctype html><base href="/models/"><title>x</title>` }, script: false })
  await page.goto(page.server.url + 'deep/in/page.html')
  const asked = await page.evaluate(async (url) => {
    const { load } = await import(url)
    const model = await load('emoji-clip?key=a%2Fb#x')
    model.close()
    return model.info.requests.map(({ url }) => url)
  }, page.server.url + 'js/vitrine.js')
  for (const url of asked.filter((url) => url.includes('/models/'))) assert.match(url, /\/models\/emoji-clip\/[a-z_]+\.[a-z]+\?key=a%2Fb$/)
})

test('vitrine.js, worker.js and vitrine.wasm of different builds are refused', async () => {
  const script = file('/js/worker.js').toString()
  const build = script.match(/version ?= ?["']([^"']+)/)[1]
  const other = 'X'.repeat(build.length)
  const worker = await open({ habits: (path) => (path === '/js/worker.js' ? { body: script.replace(build, other) } : {}) })
  assertFailure(await load(worker), 'version', 'worker.js', build, other, 'reload')
  const wasm = file('/js/vitrine.wasm')
  for (let at = wasm.indexOf(build); at >= 0; at = wasm.indexOf(build, at)) wasm.write(other, at)
  const engine = await open({ habits: (path) => (path === '/js/vitrine.wasm' ? { body: wasm } : {}) })
  assertFailure(await load(engine), 'version', 'vitrine.wasm', build, other)
  await noWorkers(engine)
})

test('vitrine.wasm may have a wrong MIME type, but must be WebAssembly', async () => {
  const wasm = (habit) => open({ habits: (path) => (path === '/js/vitrine.wasm' ? habit : {}) })
  assert.equal(await load(await wasm({ type: 'application/octet-stream' })), 'it succeeded')
  assertFailure(await load(await wasm({ body: html, type: 'text/html' })), 'network', '/js/vitrine.wasm', '<!DOCTYPE html>')
  assertFailure(await load(await wasm({ body: html, type: 'application/wasm' })), 'network', '/js/vitrine.wasm')
  assertFailure(await load(await wasm({ cut: 1_000_000 })), 'network', '/js/vitrine.wasm')
  assertFailure(await load(await wasm({ status: 404 })), 'network', '/js/vitrine.wasm', '404')
})

test('the error of a missing worker.js says where it must lie', async () => {
  const page = await open({ habits: (path) => (path === '/js/worker.js' ? { status: 404 } : {}) })
  assertFailure(await load(page), 'network', '/js/worker.js', 'beside vitrine.js')
})

test('the error of vitrine.js from another origin says that it must be copied', async () => {
  const other = await serve({ '/': folders.dist }, { headers: { 'access-control-allow-origin': '*' } })
  const page = await open({ headers: {}, allowed: [other.url], script: false })
  const failure = await page.evaluate(async (url) => {
    const { load } = await import(url)
    return load('./models/emoji-clip').catch(({ code, message }) => ({ code, message }))
  }, other.url + 'js/vitrine.js')
  assertFailure(failure, 'network', other.url + 'js/worker.js', page.server.url.slice(0, -1), 'copy')
  await other.close()
})

test('the error under a policy that is too strict names the directive', async () => {
  const forbidding = async (from, to, ...says) => {
    const page = await open({ headers: { 'content-security-policy': policy.replace(from, to) }, complains: true })
    assertFailure(await load(page), ...says)
  }
  await forbidding(" 'wasm-unsafe-eval'", '', 'unsupported', "'wasm-unsafe-eval'")
  await forbidding("worker-src 'self'", "worker-src 'none'", 'network', 'worker-src')
  await forbidding("require-trusted-types-for 'script'", "require-trusted-types-for 'script'; trusted-types other", 'unsupported', 'trusted-types')
})
