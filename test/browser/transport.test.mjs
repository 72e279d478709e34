// The faults of lines and hosts while a model loads: what is asked for again, from which
// byte, and what the visitor is told. docs/loading.md has the same table.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { assertFailure, folders, pages } from './page.mjs'
import { serve } from '../host/host.mjs'

const open = pages()

const model = '/models/emoji-clip/'
const weights = model + 'model.safetensors'
const size = readFileSync(folders.dist + weights).length
const late = Math.floor(0.95 * size) // where lines are cut
const latePacked = Math.floor(0.95 * gzipSync(readFileSync(folders.dist + weights)).length)
const half = Math.floor(size / 2) // where a host holds a body
const never = new Promise(() => {})
const tag = (etag) => ({ headers: { ETag: `"${etag}"` } })

/**
 * Opens a page whose server answers by the function page.habit(path, time, range, headers),
 * which tests replace: time counts the requests of a path from 1, range is the header, or ''.
 */
async function faulty(options) {
  let times = {}
  let habit = () => ({})
  const page = await open({
    ...options,
    habits(path, { headers }) {
      times[path] = (times[path] ?? 0) + 1
      return habit(path, times[path], headers.Range?.[0] ?? '', headers) ?? {}
    },
  })
  page.behave = (next) => {
    times = {}
    habit = next
  }
  page.times = () => times
  return page
}

/** Answers for the weights only. */
const forWeights = (answer) => (path, ...args) => (path === weights ? answer(...args) : {})

/**
 * Loads the model in the page and embeds a picture: resolves to {embedding, asked, warnings},
 * or {error, asked}. asked is the requests for the weights, as info.requests has them.
 */
async function load(page, options = {}, name = './models/emoji-clip') {
  return page.evaluate(async ([name, options]) => {
    const pixels = { data: new Uint8Array(64 * 64 * 4).map((_, i) => i * 7), width: 64, height: 64 }
    try {
      const loaded = await vitrine.load(name, { retryMs: 1, ...options })
      const embedding = [...(await loaded.embedImage(pixels)).embedding.slice(0, 8)]
      const { requests, warnings } = loaded.info
      const texts = await loaded.embedText(['a cat']).then(() => 'embedded', ({ code, message }) => ({ code, message }))
      loaded.close()
      return { embedding, warnings, texts, asked: requests.filter(({ url }) => url.includes('model.safetensors')).map(({ status, bytes, from }) => [status, from, bytes]) }
    } catch (error) {
      return { error: { code: error.code, message: error.message } }
    }
  }, [name, options])
}

/** What a load without faults gives. */
let right

/**
 * Asserts that a load was right in spite of its faults. asked is [status, from, bytes] of the
 * requests for the weights; 'cut' stands for a number of bytes up to cut, the same in all
 * places: after an error, browsers drop what has arrived and was not read yet: Chromium 2 MB.
 */
function assertRight(got, asked, cut) {
  assert.equal(got.error, undefined, JSON.stringify(got.error))
  assert.deepEqual(got.embedding, right)
  if (!asked) return
  const reached = got.asked[asked.findIndex(([, , bytes]) => bytes === 'cut')]?.[2]
  assert.ok(reached === undefined || reached <= cut, `${reached} bytes were read, and ${cut} were sent`)
  const numbers = { cut: reached, rest: size - reached }
  assert.deepEqual(got.asked, asked.map((fields) => fields.map((field) => numbers[field] ?? field)))
}

test('a cut goes on at the byte that was reached', async () => {
  const page = await faulty()
  const whole = await load(page)
  right = whole.embedding
  assertRight(whole, [[200, 0, size]])
  assert.deepEqual(whole.warnings, [])

  let headers
  page.behave(forWeights((time, range, all) => {
    headers = all
    return { ...tag('a'), drop: time === 1 ? late : 0 }
  }))
  assertRight(await load(page), [[200, 0, 'cut'], [206, 'cut', 'rest']], late)
  assert.match(headers.Range[0], /^bytes=\d+-$/)
  assert.deepEqual(headers['If-Range'], ['"a"'])

  // By Last-Modified, by the size alone, and after many cuts with progress between them.
  page.behave(forWeights((time, range, all) => {
    headers = all
    return { headers: { 'Last-Modified': 'Mon, 01 Jan 2024 00:00:00 GMT' }, drop: time === 1 ? late : 0 }
  }))
  assertRight(await load(page), [[200, 0, 'cut'], [206, 'cut', 'rest']], late)
  assert.deepEqual(headers['If-Range'], ['Mon, 01 Jan 2024 00:00:00 GMT'])
  page.behave(forWeights((time) => ({ drop: time === 1 ? late : 0 })))
  assertRight(await load(page), [[200, 0, 'cut'], [206, 'cut', 'rest']], late)
  page.behave(forWeights((time, range) => ({ ...tag('a'), drop: Number(range.match(/\d+/)?.[0] ?? 0) + 600_000 })))
  const often = await load(page)
  assertRight(often)
  assert.deepEqual(often.asked.map(([, , bytes]) => bytes).reduce((a, b) => a + b), size)
  assert.ok(often.asked.length >= size / 600_000, `${often.asked.length} requests`)
  assert.deepEqual(often.warnings, [])
})

test('a host without ranges sends the file again, and Go gets each byte once', async () => {
  const page = await faulty()
  page.behave(forWeights((time) => ({ ...tag('a'), whole: true, drop: time === 1 ? late : 0 })))
  assertRight(await load(page), [[200, 0, 'cut'], [200, 'cut', size]], late)
  for (const status of [416, 400, 501]) {
    page.behave(forWeights((time, range) => (range ? { status } : { ...tag('a'), drop: time === 1 ? late : 0 })))
    assertRight(await load(page), [[200, 0, 'cut'], [status, 'cut', 0], [200, 0, size]], late)
  }
  page.behave(forWeights((time) => ({ headers: { ETag: 'W/"a"' }, gzip: true, drop: time === 1 ? latePacked : 0 })))
  const packed = await load(page)
  assertRight(packed)
  assert.deepEqual(packed.asked.map(([status, from]) => [status, from]), [[200, 0], [200, 0]])
  assert.equal(packed.asked[1][2], size)
})

test('a file that changes while it loads is read again from the start, once', async () => {
  const page = await faulty()
  page.behave(forWeights((time) => ({ ...tag(time === 1 ? 'old' : 'new'), drop: time === 1 ? late : 0 })))
  const changed = await load(page)
  assertRight(changed)
  assert.deepEqual(changed.asked.map(([status, from]) => [status, from]), [[200, 0], [200, changed.asked[0][2]], [200, 0]])
  assert.equal(changed.warnings.length, 1)
  assert.match(changed.warnings[0], /^model\.safetensors: has changed .* read again$/)

  // With two workers: what the other one has got so far is dropped, too.
  page.behave(forWeights((time) => ({ ...tag(time === 1 ? 'old' : 'new'), drop: time === 1 ? late : 0 })))
  const split = await load(page, { workers: 2 })
  assert.equal(split.error, undefined, JSON.stringify(split.error))
  assert.ok(split.embedding.every((v, i) => Math.abs(v - right[i]) < 1e-5))
  assert.equal(split.warnings.length, 1)

  // Of another size, by a host that has no other sign of it.
  const longer = readFileSync(folders.dist + weights)
  page.behave(forWeights((time) => (time === 1 ? { body: Buffer.concat([longer, Buffer.alloc(100)]), drop: late } : {})))
  const first = await load(page)
  assertFailure(first.error, 'weights', 'model.safetensors', String(size + 100)) // its header says so before the cut
  page.behave(forWeights((time) => ({ ...tag(time), drop: late })))
  const { error } = await load(page)
  assertFailure(error, 'network', 'model.safetensors', 'has changed', `of ${size} bytes`)
  assert.equal(page.times()[weights], 4)
  // Nothing to compare: the file starts over.
  page.behave(forWeights((time) => ({ gzip: true, drop: time === 1 ? latePacked : 0 })))
  const unknown = await load(page)
  assertRight(unknown)
  assert.equal(unknown.asked.length, 2)
  assert.match(unknown.warnings[0], /^model\.safetensors: the connection was cut/)
})

test('a host that stays broken gives a clear error', async () => {
  const page = await faulty()
  page.behave(forWeights(() => ({ ...tag('a'), drop: late })))
  assertFailure((await load(page)).error, 'network', weights, 'cut', /tried [45] times/, `of ${size} bytes`)
  assert.ok(page.times()[weights] <= 5 + late / (1 << 16), `${page.times()[weights]} requests`) // where bytes come, the count starts anew
  for (const path of ['config.json', 'vocab.json', 'model.safetensors']) {
    page.behave((asked) => (asked === model + path ? { status: 503 } : {}))
    assertFailure((await load(page)).error, 'network', model + path, 'answers 503', 'tried 5 times', 'later')
    assert.equal(page.times()[model + path], 5, path)
  }
  page.behave(forWeights(() => ({ ...tag('a'), length: size + 1000 })))
  assertFailure((await load(page)).error, 'weights', 'model.safetensors', String(size + 1000))
  page.behave(forWeights(() => ({ status: 429, headers: { 'Retry-After': '3600' } })))
  assertFailure((await load(page)).error, 'network', 'answers 429', '3600 s')
  assert.equal(page.times()[weights], 1)
  page.behave(forWeights((time) => (time === 1 ? { ...tag('a'), drop: late } : { status: 403 })))
  assertFailure((await load(page)).error, 'network', 'answers 403', `of ${size} bytes`)
})

test('passing faults are waited out', async () => {
  const page = await faulty()
  for (const status of [408, 429, 500, 502, 503, 504]) {
    page.behave((path, time) => (path.startsWith(model) && time <= 2 ? { status } : {}))
    const got = await load(page)
    assertRight(got)
    if (status !== 408) assert.deepEqual(got.asked, [[status, 0, 0], [status, 0, 0], [200, 0, size]]) // browsers repeat 408 themselves
  }
  let asked = []
  const later = [() => '1', () => new Date(Date.now() + 2000).toUTCString()]
  for (const after of later) {
    asked = []
    page.behave(forWeights((time) => {
      asked.push(performance.now())
      return time === 1 ? { status: 429, headers: { 'Retry-After': after() } } : {}
    }))
    assertRight(await load(page), [[429, 0, 0], [200, 0, size]])
    assert.ok(asked[1] - asked[0] > 950, `it was asked again after ${asked[1] - asked[0]} ms`)
  }
  page.behave(forWeights((time, range) => (range && time < 4 ? { status: 503 } : { ...tag('a'), drop: time === 1 ? late : 0 })))
  assertRight(await load(page), [[200, 0, 'cut'], [503, 'cut', 0], [503, 'cut', 0], [206, 'cut', 'rest']], late)
})

test('a host that stalls is given up, and asked again', async () => {
  const page = await faulty()
  page.behave(forWeights((time) => ({ ...tag('a'), ...(time === 1 && { hold: never }) })))
  assertRight(await load(page, { stallMs: 500 }), [[200, 0, 'cut'], [206, 'cut', 'rest']], half)
  page.behave((path) => (path === model + 'config.json' ? { hold: never } : {}))
  assertFailure((await load(page, { stallMs: 100 })).error, 'network', 'config.json', 'nothing has come for 100 ms', 'tried 5 times')
  let release
  const halfSent = new Promise((resolve) => {
    page.behave(forWeights(() => ({ ...tag('a'), hold: new Promise((go) => resolve((release = go))) })))
  })
  const patient = load(page, { stallMs: 0 })
  await halfSent
  release()
  assertRight(await patient, [[200, 0, size]])
})

test('files that a model can do without may be refused, and are asked for before the weights', async () => {
  const page = await faulty()
  for (const status of [401, 403, 404, 410]) {
    page.behave((path) => (/vocab|merges|processor_config|special/.test(path) && !path.endsWith('preprocessor_config.json') ? { status } : {}))
    const got = await load(page)
    assertRight(got, [[200, 0, size]])
    assert.equal(got.texts.code, 'not-found')
    if (status < 404) assert.match(got.texts.message, new RegExp(`the host answers ${status}`))
    assert.ok(got.warnings.some((warning) => warning.includes('calls with texts will fail')), got.warnings.join())
  }
  const order = []
  let release
  page.behave((path) => {
    order.push(path)
    return path.endsWith('merges.txt') ? { status: 503 } : path === weights ? { hold: new Promise((resolve) => { release = resolve }) } : {}
  })
  const { error } = await load(page) // half of the weights waits for ever
  release()
  assertFailure(error, 'network', 'merges.txt', '503')
})

test('what the browser has kept of a broken answer is asked for again, once', async () => {
  const page = await faulty({ headers: { 'cache-control': 'max-age=3600' } })
  const cases = [['config.json', '{'], ['config.json', '<!doctype html>'], ['model.safetensors', '<html>'], ['model.safetensors', 'gateway'], ['vocab.json', '[]'], ['vocab.json', '<!doctype html>']]
  for (const [file, body] of cases) {
    const path = `/models/emoji-clip/${file}`
    const name = `./models/emoji-clip/?${file}${body.length}` // a cache of its own
    page.behave((asked) => (asked === path ? { body, type: body.startsWith('<') ? 'text/html' : undefined } : {}))
    const broken = await load(page, {}, name)
    assert.ok(broken.error || broken.texts.code, `${file}: ${body}`)
    assert.ok(page.times()[path] <= 2, `${page.times()[path]} requests for ${file}`)
    page.behave(() => ({}))
    const got = await load(page, {}, name)
    assertRight(got)
    assert.equal(got.texts, 'embedded')
    assert.equal(page.times()[path], 1, `${file}: ${body}`)
    assert.match(got.warnings.join() || 'page', /^page$|^(config\.json|model\.safetensors|vocab\.json): what the browser's cache had was refused, so it was fetched again$/)
  }
})

test('other origins: redirects to signed addresses, with and without CORS', async () => {
  const log = []
  let cut = () => 0
  const cors = { 'access-control-allow-origin': '*' }
  const cdn = await serve({ '/files/': folders.dist + model }, { headers: cors, habits: (path, { url, headers }) => {
    log.push({ path, url, headers })
    return path.endsWith('.safetensors') ? { drop: cut(url, headers) } : {}
  } })
  let to = cdn
  let signature = 0
  const hub = await serve({}, { headers: cors, habits: (path) => (to ? { status: 302, headers: { location: `${to.url}files/${path.split('/').pop()}?signature=${++signature}` } } : { status: 401 }) })
  const closed = await serve({ '/files/': folders.dist + model }, {})
  const page = await open({ headers: {}, allowed: [hub.url, cdn.url, closed.url] })
  const options = { host: hub.url }

  cut = (url, headers) => (headers.Range ? 0 : late)
  const got = await load(page, options, 'acme/tiny')
  assertRight(got, [[200, 0, 'cut'], [206, 'cut', 'rest']], late)
  const parts = log.filter(({ path }) => path.endsWith('.safetensors'))
  assert.equal(parts.length, 2)
  assert.notEqual(parts[0].url, parts[1].url)
  assert.deepEqual([parts[1].headers.Range, parts[1].headers['If-Range'], parts[1].headers['Access-Control-Request-Method']], [[`bytes=${got.asked[1][1]}-`], undefined, undefined])

  to = closed
  const { error } = await load(page, options, 'acme/tiny')
  assertFailure(error, 'network', `${hub.url}acme/tiny/resolve/main/config.json`, 'CORS', 'tried 3 times')
  assert.ok(!error.message.includes('hub id'))
  for (const server of [closed, cdn, hub]) await server.close()
})

test('the advice fits the answer', async () => {
  const page = await faulty()
  for (const [status, hint, isPublic] of [[401, true, true], [404, true, false], [403, false, true], [410, false, false], [400, false, false], [503, false, false]]) {
    page.behave((path) => (path.startsWith('/acme/') ? { status } : {}))
    for (const message of [
      (await load(page, { host: page.server.url }, 'acme/tiny')).error.message,
      await page.evaluate((host) => vitrine.inspect('acme/tiny', { host, retryMs: 1 }).then(({ error }) => error.message), page.server.url),
    ]) {
      assert.equal(message.includes('taken for a hub id'), hint, message)
      assert.equal(message.includes('public'), isPublic, message)
    }
  }
  // The model is there, and something else is wrong.
  const there = await serve({ '/acme/tiny/resolve/main/': folders.dist + model }, { headers: { 'access-control-allow-origin': '*' }, habits: (path) => (path.endsWith('.safetensors') ? { status: 404 } : {}) })
  const visitor = await open({ headers: {}, allowed: [there.url] })
  const { error } = await load(visitor, { host: there.url }, 'acme/tiny')
  assertFailure(error, 'not-found', 'model.safetensors')
  assert.ok(!error.message.includes('hub id'))
  await there.close()
})

test('inspect waits out faults as load does', async () => {
  const page = await faulty()
  const inspect = () => page.evaluate(async () => {
    const { loads, error, warnings, bytes } = await vitrine.inspect('./models/emoji-clip', { retryMs: 1, stallMs: 500 })
    return { loads, error, warnings, bytes }
  })
  const plain = await inspect()
  assert.equal(plain.loads, true)
  page.behave((path, time) => (path.startsWith(model) && time === 1 ? { status: 503 } : {}))
  assert.deepEqual(await inspect(), plain)
  page.behave((path, time) => (path.endsWith('vocab.json') && time === 1 ? { ...tag('a'), hold: never } : {}))
  assert.deepEqual(await inspect(), plain)
})

test('headers go with the files of the model only', async () => {
  const page = await faulty()
  const seen = {}
  page.behave((path, time, range, headers) => {
    seen[path] = headers.Authorization?.[0]
    return path === weights ? { ...tag('a'), drop: time === 1 ? late : 0 } : path.startsWith(model) && !seen[path] ? { status: 401 } : {}
  })
  assertRight(await load(page, { headers: { authorization: 'Bearer 123' } }), [[200, 0, 'cut'], [206, 'cut', 'rest']], late)
  for (const [path, token] of Object.entries(seen)) assert.equal(token, path.startsWith(model) ? 'Bearer 123' : undefined, path)
  assertFailure((await load(page)).error, 'network', 'config.json', '401', 'public')
  for (const headers of ['x', [], { a: 1 }, { 'a b': 'c' }, null]) assertFailure((await load(page, { headers })).error, 'option', 'headers')
})

test('a page may send the requests itself', async () => {
  const page = await faulty()
  page.behave((path, time, range, headers) => {
    if (!path.startsWith('/signed/')) return path.startsWith(model) ? { status: 403 } : {}
    assert.equal(headers['X-Token']?.[0], 'abc')
    const file = path.split('/').pop()
    const absent = file === 'special_tokens_map.json' || file === 'processor_config.json' || file === 'tokenizer.json'
    if (absent) return { status: 404 }
    return { ...tag('a'), body: readFileSync(folders.dist + model + file), drop: file === 'model.safetensors' && time === 1 ? late : 0 }
  })
  const got = await page.evaluate(async () => {
    const pixels = { data: new Uint8Array(64 * 64 * 4).map((_, i) => i * 7), width: 64, height: 64 }
    const asked = []
    const send = (url, { headers, signal }) => {
      asked.push(url)
      return fetch(url.replace('/models/emoji-clip/', '/signed/'), { headers: { ...headers, 'x-token': 'abc' }, signal })
    }
    const model = await vitrine.load('./models/emoji-clip', { fetch: send, retryMs: 1 })
    const embedding = [...(await model.embedImage(pixels)).embedding.slice(0, 8)]
    const { requests } = model.info
    model.close()
    const inspection = await vitrine.inspect('./models/emoji-clip', { fetch: send, retryMs: 1 })
    return { embedding, tried: asked, loads: inspection.loads, asked: requests.filter(({ url }) => url.endsWith('model.safetensors')).map(({ status, from, bytes }) => [status, from, bytes]) }
  })
  assertRight(got, [[200, 0, 'cut'], [206, 'cut', 'rest']], late)
  assert.ok(got.tried.every((url) => url.includes(model)))
  assert.equal(got.loads, true)

  const failures = await page.evaluate(async () => {
    const load = (fetch, options) => failure(vitrine.load('./models/emoji-clip', { fetch, retryMs: 1, ...options }))
    const rejected = await load(() => Promise.reject(new Error('no token')))
    const wrong = await load(() => 5)
    const abort = new AbortController()
    let ended = 0
    const aborted = await load((url, { signal }) => new Promise((_, reject) => {
      signal.addEventListener('abort', () => { ended++; reject(signal.reason) })
      if (url.endsWith('model.safetensors')) setTimeout(() => abort.abort(new Error('enough')))
    }), { signal: abort.signal })
    return { rejected, wrong, aborted, ended }
  })
  assertFailure(failures.rejected, 'network', 'config.json', 'no token')
  assertFailure(failures.wrong, 'network', 'config.json', 'Response')
  assert.equal(failures.aborted.message, 'enough')
  assert.equal(failures.ended, 4) // every request that ran
})

test('a mirror has addresses of its own', async () => {
  const page = await faulty()
  const asked = new Set()
  page.behave((path, time, range) => {
    if (!path.startsWith('/mirror/')) return {}
    asked.add(path)
    return { body: 'x', status: 404, range }
  })
  const url = page.server.url
  await load(page, { host: `${url}mirror/{revision}/{model}/files/{file}?key=1`, revision: 'refs/pr/1' }, 'acme/tiny')
  assert.ok(asked.has('/mirror/refs%2Fpr%2F1/acme/tiny/files/config.json') || asked.has('/mirror/refs/pr/1/acme/tiny/files/config.json'), [...asked].join())
  assert.ok(page.server.requests.some((asked) => asked.endsWith('/files/config.json?key=1')))
  const mirror = await open({ mounts: { '/cdn/acme/tiny/': folders.dist + model } })
  assertRight(await load(mirror, { host: `${mirror.server.url}cdn/{model}/{file}` }, 'acme/tiny'), [[200, 0, size]])
  const before = page.server.requests.length
  for (const host of ['https://x/{model}', 'https://x/{file}', 'https://x/{model}/{file}/{branch}', '{model}{file}:', 'https://x/{model}/{file}']) {
    assertFailure((await load(page, { host, revision: 'v1' }, 'acme/tiny')).error, 'option', 'host')
  }
  assert.equal(page.server.requests.length, before)
})
