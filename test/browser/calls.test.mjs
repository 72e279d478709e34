// Calls of a loaded model that fail: wrong arguments, unreadable pictures, aborts, close
// and the end of a worker. The model stays usable.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { assertFailure, folders, noWorkers, pages } from './page.mjs'
import { serve } from '../host/host.mjs'

const open = pages()

const picture = '/testdata/golden/preprocess/inputs/tiny_20x13.png'

/** A page with the globals model, pixels (an image) and ok(), which asserts that the embedding of pixels is the same as at first. */
async function openModel(options) {
  const page = await open(options)
  await page.evaluate(async () => {
    globalThis.pixels = { data: new Uint8Array(64 * 64 * 4).map((_, i) => i * 7), width: 64, height: 64 }
    globalThis.model = await vitrine.load('./models/emoji-clip')
    const first = (await model.embedImage(pixels)).embedding
    globalThis.ok = async () => {
      const { embedding } = await model.embedImage(pixels)
      if (embedding.some((v, i) => v !== first[i])) throw new Error('the embedding has changed')
      return true
    }
  })
  return page
}

test('calls check their arguments and options', async () => {
  const page = await openModel()
  const failures = await page.evaluate(async () => {
    const cases = {
      empty: () => model.rank(pixels, []),
      notArray: () => model.rank(pixels, 'a cat, a dog'),
      notString: () => model.rank(pixels, ['a', 5]),
      noLabels: () => model.rank(pixels),
      noTexts: () => model.embedText([]),
      text: () => model.embedText('a cat'),
      unknown: () => model.rank(pixels, ['a'], { templates: ['{}'] }),
      template: () => model.rank(pixels, ['a'], { template: 'a photo' }),
      templates: () => model.rank(pixels, ['a'], { template: [] }),
      normalize: () => model.embedImage(pixels, { normalize: 1 }),
      size: () => model.embedImage(pixels, { size: 224 }),
      sizeZero: () => model.embedImage(pixels, { size: [0, 64] }),
      sizeSmall: () => model.embedImage(pixels, { size: [1, 1] }),
      sizeHuge: () => model.embedImage(pixels, { size: [1000000, 1000000] }),
      maxPatches: () => model.embedImage(pixels, { maxPatches: 0 }),
      maxPatchesFixed: () => model.embedImage(pixels, { maxPatches: 16 }),
      layer: () => model.attention(pixels, { layer: 4 }),
      layerNegative: () => model.attention(pixels, { layer: -1 }),
      layerHalf: () => model.attention(pixels, { layer: 0.5 }),
      head: () => model.attention(pixels, { head: 2 }),
      method: () => model.attention(pixels, { method: 'gradient' }),
      pool: () => model.attention(pixels, { method: 'pool' }),
      full: () => model.attention(pixels, { full: 'yes' }),
      relevance: () => model.relevance(pixels, []),
      against: () => model.relevance(pixels, ['a'], { against: [] }),
      tokenize: () => model.tokenize(['a']),
      tokenizeOptions: () => model.tokenize('a', { topK: 3 }),
      signal: () => model.rank(pixels, ['a'], { signal: 'x' }),
      options: () => model.rank(pixels, ['a'], 'x'),
    }
    const failures = {}
    for (const [name, call] of Object.entries(cases)) failures[name] = await failure(call())
    await ok()
    return failures
  })
  const says = {
    empty: ['labels', 'empty'], notArray: ['labels', '"a cat, a dog"'], notString: ['labels[1]', '5'], noLabels: ['labels', 'undefined'],
    noTexts: ['texts', 'empty'], text: ['texts', 'array'],
    unknown: ['"templates"', 'template'], template: ['{}'], templates: ['template'], normalize: ['normalize', 'true or false'],
    size: ['size', '224', '[height, width]'], sizeZero: ['size'], sizeSmall: [], sizeHuge: [],
    maxPatches: ['maxPatches'], maxPatchesFixed: ['maxPatches'], layer: ['layer', '4', '3'], layerNegative: ['layer', '-1'], layerHalf: ['layer', '0.5'],
    head: ['head', '2', '1'], method: ['method', '"gradient"', "'rollout'"], pool: ['method'], full: ['full'],
    relevance: ['labels', 'empty'], against: ['against'], tokenize: ['text'], tokenizeOptions: ['"topK"'], signal: ['signal'], options: ['options'],
  }
  for (const [name, failure] of Object.entries(failures)) {
    const code = name === 'pool' ? /option|task/ : name.startsWith('size') ? /option|picture/ : /option/
    assert.match(failure.code ?? '', code, `${name}: ${JSON.stringify(failure)}`)
    assertFailure(failure, failure.code, ...says[name])
  }
})

test('a call is refused if the model lacks the head for it', async () => {
  const page = await openModel()
  assertFailure(await page.evaluate(() => failure(model.classify(pixels))), 'task', 'classif')
  assertFailure(await page.evaluate(() => failure(model.visualTokens(pixels))), 'task', 'visualTokens')
  assert.ok(await page.evaluate(() => ok()))
})

test('a classifier has no text tower', async () => {
  const page = await open()
  const failures = await page.evaluate(async () => {
    const model = await vitrine.load('./testdata/golden/models/vit_image_classification')
    const image = './testdata/golden/models/vit_image_classification/images/img_0.png'
    const failures = [await failure(model.rank(image, ['a'])), await failure(model.embedText(['a'])), await failure(model.tokenize('a'))]
    const { classes } = await model.classify(image, { topK: 2 })
    return [...failures, classes.length]
  })
  for (const failure of failures.slice(0, 3)) assertFailure(failure, 'task', 'text tower')
  assert.equal(failures[3], 2)
})

test('values that are no pictures, empty pictures and unreadable pictures are refused', async () => {
  const other = await serve({ '/': folders.testdata + '/golden/preprocess/inputs' })
  const page = await openModel({
    headers: {},
    allowed: [other.url],
    habits: (path) => (path === '/cut.png' ? { body: readFileSync(folders.testdata + '/golden/preprocess/inputs/graphic_400x400.png').subarray(0, 500), type: 'image/png' } : {}),
  })
  const failures = await page.evaluate(async ({ foreign, good }) => {
    const blob = await (await fetch(good)).blob()
    const closed = await createImageBitmap(blob)
    closed.close()
    const frame = new VideoFrame(await createImageBitmap(blob), { timestamp: 0 })
    frame.close()
    const canvas = (width, height) => Object.assign(document.createElement('canvas'), { width, height })
    const foreignImg = new Image()
    foreignImg.src = foreign
    await foreignImg.decode()
    const taintedCanvas = canvas(20, 13)
    taintedCanvas.getContext('2d').drawImage(foreignImg, 0, 0)
    const broken = new Image()
    broken.src = '/test.html'
    const missing = new Image()
    missing.src = '/none.png'
    const moved = new Uint8Array(16)
    structuredClone(moved.buffer, { transfer: [moved.buffer] })
    const nan = new Float32Array(3 * 64 * 64)
    nan[5] = NaN
    const cases = {
      nothing: undefined,
      null: null,
      number: 5,
      element: document.body,
      emptyBlob: new Blob([]),
      textBlob: new Blob(['hello'], { type: 'text/plain' }),
      svg: new Blob(['<svg xmlns="http://www.w3.org/2000/svg"/>'], { type: 'image/svg+xml' }),
      cut: '/cut.png',
      page: '/test.html',
      ftp: 'ftp://x/y.png',
      badUrl: 'http://[',
      badData: 'data:image/png;base64,AAAA',
      noCanvas: canvas(0, 5),
      noOffscreen: new OffscreenCanvas(0, 0),
      noSrc: new Image(),
      broken,
      missing,
      tainted: foreignImg,
      taintedCanvas,
      closed,
      frame,
      video: document.createElement('video'),
      zero: { data: new Uint8Array(0), width: 0, height: 0 },
      negative: { data: new Uint8Array(4), width: -1, height: -1 },
      short: { data: new Uint8Array(4), width: 2, height: 2 },
      half: { data: new Uint8Array(4), width: 1.5, height: 1 },
      moved: { data: moved, width: 2, height: 2 },
      list: { data: [1, 2, 3, 4], width: 1, height: 1 },
      floats: { data: new Float32Array(4), width: 1, height: 1 },
      values: { pixelValues: [1, 2, 3], shape: [3, 1, 1] },
      valuesShape: { pixelValues: new Float32Array(3), shape: [3, 64, 64] },
      valuesNoShape: { pixelValues: new Float32Array(3) },
      valuesNaN: { pixelValues: nan, shape: [3, 64, 64] },
      valuesGrid: { pixelValues: new Float32Array(64 * 192), shape: [64, 192], grid: [8, 8] },
      valuesGridText: { pixelValues: new Float32Array(64 * 192), shape: [64, 192], grid: '8x8' },
    }
    const failures = {}
    for (const [name, image] of Object.entries(cases)) failures[name] = await failure(model.embedImage(image))
    failures.notFound = await failure(model.embedImage('/none.png'))
    failures.foreign = await failure(model.embedImage(foreign))
    await ok()
    return failures
  }, { foreign: other.url + 'tiny_20x13.png', good: picture })
  await other.close()
  const says = {
    nothing: 'undefined', number: '5', element: 'HTMLBodyElement', emptyBlob: 'empty', textBlob: 'text/plain', svg: 'canvas', cut: '/cut.png', page: '/test.html',
    ftp: 'https:', badUrl: 'no URL', badData: 'could not be loaded', noCanvas: '0×5', noOffscreen: '0×0', noSrc: 'src', broken: '/test.html', missing: '/none.png',
    tainted: 'crossorigin', taintedCanvas: 'crossorigin', closed: 'closed', frame: 'closed', video: 'loadeddata', zero: '0×0', negative: 'empty',
    short: '16', half: '1.5', moved: 'transferred', list: 'Uint8', floats: 'Float32Array', values: 'Float32Array', valuesShape: '12288', valuesNoShape: 'shape',
    valuesNaN: 'NaN', valuesGrid: '[3, height, width]', valuesGridText: '"8x8"',
  }
  for (const [name, failure] of Object.entries(failures)) {
    if (name === 'notFound' || name === 'foreign') continue
    assertFailure(failure, 'picture', says[name] ?? '')
  }
  assertFailure(failures.notFound, 'network', '/none.png', '404')
  assertFailure(failures.foreign, 'network', other.url, 'CORS')
})

test('an abort while loading rejects with its reason and ends the worker, at every stage', async () => {
  for (const stage of ['/js/worker.js', '/js/vitrine.wasm', '/models/emoji-clip/config.json', '/models/emoji-clip/model.safetensors', '/models/emoji-clip/merges.txt']) {
    let asked
    const wasAsked = new Promise((resolve) => { asked = resolve })
    let held = true
    let release
    const hold = new Promise((resolve) => { release = resolve })
    const page = await open({ habits(path) {
      if (path !== stage || !held) return {}
      held = false
      asked()
      return { hold }
    } })
    const outcome = page.evaluate(async () => {
      globalThis.controller = new AbortController()
      globalThis.reason = { why: 'the visitor left' }
      try {
        await vitrine.load('./models/emoji-clip', { signal: controller.signal })
        return 'it loaded'
      } catch (error) {
        return error === reason ? 'the reason' : String(error)
      }
    })
    await wasAsked
    await page.evaluate(() => controller.abort(reason))
    assert.equal(await outcome, 'the reason', stage)
    await noWorkers(page)
    release()
    assert.ok(await page.evaluate(async () => {
      const model = await vitrine.load('./models/emoji-clip')
      return (await model.tokenize('again')).ids.length > 2
    }))
  }
})

test('a call with an aborted signal starts nothing', async () => {
  const page = await openModel()
  const before = page.server.requests.length
  const got = await page.evaluate(async () => {
    const reason = new Error('aborted before the call')
    const signal = AbortSignal.abort(reason)
    const calls = [
      vitrine.load('./models/emoji-clip', { signal }), model.rank('/none.png', ['a'], { signal }), model.embedImage(pixels, { signal }),
      model.embedText(['a'], { signal }), model.attention(pixels, { signal }), model.attentionStack(pixels, { signal }), model.tokenize('a', { signal }),
    ]
    const same = (await Promise.allSettled(calls)).map((outcome) => outcome.reason === reason)
    const plain = await failure(model.embedImage(pixels, { signal: AbortSignal.abort() }))
    await ok()
    return [...same, plain.name === 'AbortError']
  })
  assert.deepEqual(got, Array(8).fill(true))
  assert.equal(page.server.requests.length, before)
  assert.equal(page.workers().length, 1)
})

test('an abort stops its own call, and no other', async () => {
  const page = await openModel()
  const [worker] = page.workers()
  await worker.evaluate(() => {
    globalThis.sent = []
    const post = globalThis.postMessage
    globalThis.postMessage = (message, ...rest) => {
      if (message.id) sent.push(`${message.type} ${message.id}`)
      post.call(globalThis, message, ...rest)
    }
  })
  const got = await page.evaluate(async () => {
    const controller = new AbortController()
    const reason = new Error('stop')
    const running = model.embedImage(pixels, { signal: controller.signal, size: [256, 256] })
    const queued = model.embedImage(pixels, { signal: controller.signal })
    const other = model.tokenize('other')
    // Lets the event loop turn once, so that the calls are sent.
    await new Promise((resolve) => setTimeout(resolve))
    controller.abort(reason)
    const [a, b, c] = await Promise.allSettled([running, queued, other])
    await ok()
    return [a.reason === reason, b.reason === reason, c.status]
  })
  assert.deepEqual(got, [true, true, 'fulfilled'])
  // Call 1 is openModel's. The worker has stopped calls 2 and 3, too.
  assert.deepEqual(await worker.evaluate(() => sent), ['result 4', 'result 5'])
})

test('a call that was aborted while its picture loads does not block the next call', async () => {
  let release
  const hold = new Promise((resolve) => { release = resolve })
  const page = await openModel({ habits: (path) => (path.startsWith('/testdata/') && path.includes('graphic') ? { hold } : {}) })
  const got = await page.evaluate(async () => {
    const slow = '/testdata/golden/preprocess/inputs/graphic_400x400.png'
    const img = new Image()
    img.src = slow + '?img'
    const controllers = [new AbortController(), new AbortController()]
    const calls = [model.embedImage(img, { signal: controllers[0].signal }), model.embedImage(slow, { signal: controllers[1].signal })]
    const after = ok()
    controllers[0].abort('first')
    await calls[0].catch(() => {})
    controllers[1].abort('second')
    return [...(await Promise.allSettled(calls)).map(({ reason }) => reason), await after]
  })
  release()
  assert.deepEqual(got, ['first', 'second', true])
})

test('close ends all calls and the worker, and may be called twice', async () => {
  const page = await openModel()
  const failures = await page.evaluate(async () => {
    const calls = [model.embedImage(pixels, { size: [256, 256] }), model.rank('/none.png', ['a']), model.tokenize('a')]
    await new Promise((resolve) => setTimeout(resolve))
    model.close()
    model.close()
    const failures = await Promise.all(calls.map(failure))
    failures.push(await failure(model.embedImage(pixels)), await failure(model.tokenize('a')))
    if (model.info.architecture !== 'CLIPModel') throw new Error('info is gone')
    return failures
  })
  for (const failure of failures) assertFailure(failure, 'closed', 'load it again')
  await noWorkers(page)
})

test('a worker that fails or is ended rejects its call, and the next call works', async () => {
  const held = '/testdata/golden/preprocess/inputs/graphic_400x400.png'
  const page = await openModel({ habits: (path) => (path === held ? { hold: new Promise(() => {}) } : {}) })
  const kill = async (message, die) => {
    const running = page.evaluate((held) => failure(model.embedImage(held)), held)
    await page.workers()[0].evaluate(die).catch(() => {}) // the worker may end before it answers
    assertFailure(await running, 'internal', message, 'the next call starts it anew')
  }
  const trap = () => void setTimeout(() => { throw new WebAssembly.RuntimeError('unreachable') })
  for (const [message, die] of [['unreachable', trap], ['ended', () => self.close()]]) {
    await kill(message, die)
    assert.ok(await page.evaluate(() => ok()))
    assert.equal(page.workers().length, 1)
  }
  // A model that is closed while another worker starts leaves no worker behind.
  await kill('unreachable', trap)
  const last = await page.evaluate(() => {
    const call = failure(model.embedImage(pixels))
    setTimeout(() => model.close())
    return call
  })
  assertFailure(last, 'closed')
  await noWorkers(page)
})

test('running out of memory is reported as such', async () => {
  const wasm = limitMemory(readFileSync(folders.dist + '/js/vitrine.wasm'), 2 << 20)
  const page = await open({ habits: (path) => (path === '/js/vitrine.wasm' ? { body: wasm } : {}) })
  assertFailure(await page.evaluate(() => failure(vitrine.load('./models/emoji-clip'))), 'memory', 'no more memory')
  await noWorkers(page)
})

/** A WebAssembly module whose memory can grow by a number of bytes only. */
function limitMemory(wasm, bytes) {
  const read = (at) => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      value += (wasm[at] & 127) << shift
      if (wasm[at++] < 128) return [value, at]
    }
  }
  const write = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...write(value >>> 7)])
  for (let at = 8; at < wasm.length; ) {
    const [size, body] = read(at + 1)
    if (wasm[at] === 5) {
      const [initial] = read(body + 2)
      const section = [1, 1, ...write(initial), ...write(initial + (bytes >> 16))]
      return Buffer.concat([wasm.subarray(0, at), Buffer.from([5, ...write(section.length), ...section]), wasm.subarray(body + size)])
    }
    at = body + size
  }
}
