// A model in several workers gives the results of one worker, on a plain static page
// without isolation headers, under the strict policy.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { protocolsOf } from '../../bench/devtools.mjs'
import { randomViT } from './models.mjs'
import { assertFailure, noWorkers, pages } from './page.mjs'

const open = pages()

/** A model that is large enough to be worth several workers. */
const mounts = { '/random/': randomViT() }

/** The largest difference that another order of sums may make, over the scale. */
const tolerance = 1e-5

/** Asserts that two results have the same structure, and the same numbers up to the tolerance. */
function assertSame(got, want, what) {
  if (typeof want === 'number') return assert.ok(Math.abs(got - want) <= tolerance * Math.max(1, Math.abs(want)), `${what}: ${got}, want ${want}`)
  if (Array.isArray(want) && typeof want[0] === 'number') {
    const scale = Math.max(...want.map(Math.abs))
    const worst = Math.max(...want.map((v, i) => Math.abs(got[i] - v)))
    assert.equal(got.length, want.length, what)
    return assert.ok(worst <= tolerance * scale, `${what}: differs by ${worst / scale} of its scale`)
  }
  if (Object(want) !== want) return assert.equal(got, want, what)
  assert.deepEqual(Object.keys(got), Object.keys(want), what)
  for (const key of Object.keys(want)) assertSame(got[key], want[key], `${what}.${key}`)
}

/** Adds globals to a page: plain(result), a result as plain data without times; and picture(side, seed), an image. */
const prepare = (page) =>
  page.evaluate(() => {
    globalThis.plain = (value) => {
      if (value instanceof Float32Array) return [...value]
      if (Object(value) !== value) return value
      if (Array.isArray(value)) return value.map(plain)
      return Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'ms').map(([key, v]) => [key, plain(v)]))
    }
    // A smooth pattern of pixels.
    globalThis.picture = (side, seed = 1) => {
      const data = new Uint8ClampedArray(4 * side * side)
      for (let i = 0; i < data.length; i++) data[i] = 128 + 120 * Math.sin((i % 4) + seed * ((i >> 2) % side) * 0.05 + Math.floor(i / 4 / side) * 0.03 * seed)
      return { data, width: side, height: side }
    }
  })

const weightsOf = (requests) => requests.filter(({ url }) => url.endsWith('model.safetensors')).length

test('a classifier gives the same results in one, two and three workers', async () => {
  const page = await open({ mounts })
  await prepare(page)
  assert.equal(await page.evaluate(() => crossOriginIsolated), false)
  const all = await page.evaluate(async () => {
    const got = []
    for (const workers of [1, 2, 3]) {
      const model = await vitrine.load('./random', { workers })
      const image = picture(224)
      const { classes } = await model.classify(image, { topK: 10 })
      got.push({
        info: model.info,
        answers: plain({
          classes,
          embedding: await model.embedImage(image),
          attention: await model.attention(image, { layer: 3, full: true }),
          head: await model.attention(image, { layer: 11, head: 2 }),
          rollout: await model.attention(image, { method: 'rollout' }),
          features: await model.features(image, { layer: 5 }),
          dense: await model.relevance(image, [classes[0].label]),
          contribution: await model.relevance(image, [classes[0].label], { method: 'contribution' }),
        }),
        again: plain(await model.classify(image, { topK: 10 })),
      })
      model.close()
    }
    return got
  })
  for (const [i, { info, answers, again }] of all.entries()) {
    assert.equal(info.workers, i + 1)
    assert.equal(info.memory.wasm.length, i + 1)
    const memory = info.memory.wasm.reduce((a, b) => a + b)
    assert.ok(memory <= 1.25 * info.bytes + (i + 1) * 16 * 2 ** 20, `${memory} bytes of memory for ${info.bytes} of weights in ${i + 1} workers`)
    assert.equal(weightsOf(info.requests), 1)
    assertSame(answers, all[0].answers, `${i + 1} workers`)
    assert.deepEqual(again.classes, answers.classes)
  }
  await noWorkers(page)
  assert.equal(weightsOf(page.server.requests.map((url) => ({ url }))), 3)
})

test('both towers give the same results in one and two workers, in every dtype', async () => {
  const page = await open()
  await prepare(page)
  const got = await page.evaluate(async () => {
    const got = {}
    for (const dtype of ['f32', 'f16', 'q8']) {
      got[dtype] = []
      for (const workers of [1, 2]) {
        const model = await vitrine.load('./models/emoji-clip', { workers, dtype, device: dtype === 'f16' ? 'scalar' : 'auto' })
        const image = picture(100)
        const labels = ['a cat', 'a dog', 'two red mushrooms in the grass']
        got[dtype].push({
          info: model.info,
          answers: plain({
            ranking: await model.rank(image, labels),
            texts: await model.embedText(labels, { template: ['a photo of {}', 'a drawing of {}'] }),
            relevance: await model.relevance(image, labels),
            larger: await model.embedImage(image, { size: [96, 128] }),
          }),
        })
        model.close()
      }
    }
    return got
  })
  for (const [dtype, [one, two]] of Object.entries(got)) {
    assert.equal(two.info.workers, 2)
    assert.equal(two.info.dtype, dtype)
    // Each worker has scales of its own, for its part of a row and for its weights.
    if (dtype !== 'q8') assertSame(two.answers, one.answers, dtype)
    else for (const [i, { label, similarity }] of two.answers.ranking.ranking.entries()) {
      assert.equal(label, one.answers.ranking.ranking[i].label)
      assert.ok(Math.abs(similarity - one.answers.ranking.ranking[i].similarity) < 2e-3, label)
    }
  }
})

test('four workers run a golden model, and more workers than heads are refused', async () => {
  const page = await open()
  const got = await page.evaluate(async () => {
    const folder = './testdata/golden/models/vit_image_classification'
    const values = { pixelValues: Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.sin(i)), shape: [3, 32, 32] }
    const got = []
    for (const workers of [1, 4]) {
      const model = await vitrine.load(folder, { workers })
      const { image } = model.info.shapes
      values.shape = [3, ...image]
      values.pixelValues = Float32Array.from({ length: 3 * image[0] * image[1] }, (_, i) => Math.sin(i))
      got.push([...(await model.features(values)).data])
      model.close()
    }
    return { got, refused: await failure(vitrine.load(folder, { workers: 5 })), auto: (await vitrine.load(folder)).info.workers }
  })
  assertSame(got.got[1], got.got[0], 'features')
  assertFailure(got.refused, 'option', 'workers', '5', '1 to 4')
  assert.equal(got.auto, 1)
})

test('after an abort the next call works', async () => {
  const page = await open({ mounts })
  await prepare(page)
  const got = await page.evaluate(async () => {
    const model = await vitrine.load('./random', { workers: 2 })
    const want = plain(await model.embedImage(picture(224)))
    const got = []
    for (let i = 0; i < 5; i++) {
      const controller = new AbortController()
      const call = model.embedImage(picture(224, 2), { signal: controller.signal })
      const other = model.embedImage(picture(224, 3), { signal: controller.signal })
      await new Promise((resolve) => setTimeout(resolve, 7 * i))
      controller.abort(new Error('enough'))
      got.push([await failure(call), await failure(other), plain(await model.embedImage(picture(224)))])
    }
    model.close()
    return { want, got }
  })
  let aborted = 0
  for (const [first, second, third] of got.got) {
    if (first !== 'it succeeded') assert.equal(first.message, 'enough')
    assert.equal(second.message, 'enough')
    if (first !== 'it succeeded') aborted++
    assert.deepEqual(third, got.want)
  }
  assert.ok(aborted > 0)
})

test('an aborted load leaves no worker behind', async () => {
  let release
  const hold = new Promise((resolve) => (release = resolve))
  const page = await open({ mounts, habits: (path) => (path.endsWith('model.safetensors') ? { hold } : {}) })
  const got = await page.evaluate(async () => {
    const controller = new AbortController()
    const call = vitrine.load('./random', {
      workers: 3,
      signal: controller.signal,
      onProgress: ({ stage, loaded }) => stage === 'weights' && loaded > 5e6 && controller.abort(new Error('enough')),
    })
    return failure(call)
  })
  assert.equal(got.message, 'enough')
  await noWorkers(page)
  release()
})

test('truncated weights fail the load in all workers', async () => {
  const page = await open({ habits: (path) => (path.endsWith('model.safetensors') ? { cut: 2_000_000 } : {}) })
  const got = await page.evaluate(() => failure(vitrine.load('./models/emoji-clip', { workers: 2 })))
  assertFailure(got, 'weights', 'model.safetensors', '2000000')
  await noWorkers(page)
})

/** The workers of the shares, without the first. */
const shareWorkers = (page) => page.workers().filter((worker) => worker.url().endsWith('share-worker.js'))

test('a worker that dies fails the running call, and the next call works', async () => {
  const page = await open({ mounts })
  await prepare(page)
  await page.evaluate(async () => {
    globalThis.model = await vitrine.load('./random', { workers: 3 })
    globalThis.want = plain(await model.embedImage(picture(224)))
  })
  for (const says of ['something ended it', 'a bug', 'a mistake in Vitrine: unreachable']) {
    const [, victim] = shareWorkers(page)
    // The worker dies when its next job arrives.
    await victim.evaluate((says) => {
      const receive = self.onmessage
      self.onmessage = (event) => {
        if (event.data.type !== 'job') receive(event)
        else if (says === 'a bug') throw new Error('a bug')
        else if (says === 'something ended it') self.close()
        else setTimeout(() => { throw new WebAssembly.RuntimeError('unreachable') })
      }
    }, says)
    const calls = await page.evaluate(async () => {
      const calls = [failure(model.embedImage(picture(224))), model.embedImage(picture(224)), model.embedImage(picture(224))]
      const [failed, ...next] = await Promise.all(calls)
      return { failed, next: next.map(plain), want }
    })
    assertFailure(calls.failed, 'internal', /worker [23] of 3 has ended/, says, 'the next call')
    for (const outcome of calls.next) assert.deepEqual(outcome, calls.want, says)
    const now = shareWorkers(page)
    assert.equal(now.length, 2)
    assert.ok(!now.includes(victim))
  }
  await page.evaluate(() => model.close())
  await noWorkers(page)
})

test('two models run side by side, and close ends a call in all workers', async () => {
  const page = await open({ mounts })
  await prepare(page)
  const got = await page.evaluate(async () => {
    const load = () => vitrine.load('./random', { workers: 2 })
    const [a, b] = await Promise.all([load(), load()])
    const both = await Promise.all([a.embedImage(picture(224)), b.embedImage(picture(224))])
    const running = failure(a.embedImage(picture(224)))
    a.close()
    const after = plain(await b.embedImage(picture(224)))
    b.close()
    return { both: both.map(plain), running: await running, after }
  })
  assert.deepEqual(got.both[0], got.both[1])
  assert.deepEqual(got.after, got.both[0])
  assertFailure(got.running, 'closed')
  await noWorkers(page)
})

test('many pictures and texts are embedded in their order, with progress, in two workers', async () => {
  const page = await open()
  await prepare(page)
  const got = await page.evaluate(async () => {
    const model = await vitrine.load('./models/emoji-clip', { workers: 2 })
    const url = new URL('./testdata/golden/preprocess/inputs/graphic_400x400.png', location.href).href
    const bitmap = await createImageBitmap(await (await fetch(url)).blob())
    const images = Array.from({ length: 20 }, (_, i) => picture(50 + i, i))
    images[3] = url
    images[5] = bitmap
    const told = []
    const many = await model.embedImages(images, { onProgress: (progress) => told.push(progress) })
    const single = []
    for (const image of images) single.push((await model.embedImage(image)).embedding)
    const labels = Array.from({ length: 150 }, (_, i) => `a picture of ${i} cats`)
    const toldTexts = []
    const texts = await model.embedTexts(labels, { template: 'no {}', onProgress: ({ done, total }) => toldTexts.push([done, total]) })
    const first = await model.embedText(labels.slice(0, 3), { template: 'no {}' })

    const controller = new AbortController()
    const aborted = failure(model.embedImages(images, { signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) }))
    const outcome = { aborted: await aborted, after: plain(await model.embedImage(images[0])).embedding }
    const failures = [
      await failure(model.embedImages([picture(9), { data: 'x', width: 1, height: 1 }])),
      await failure(model.embedImages([picture(9), picture(9), new Blob(['no picture'])])),
      await failure(model.embedImages([picture(9), './absent.png'])),
      await failure(model.embedImages([])),
      await failure(model.embedImages('cat.png')),
      await failure(model.embedTexts([])),
    ]
    const last = plain(await model.embedImage(images[0])).embedding
    model.close()
    return { many: plain(many), ms: many.ms, single: single.map(plain), told, toldTexts, texts: plain(texts), first: plain(first), ...outcome, failures, last }
  })
  assert.equal(got.many.embeddings.length, 20)
  assertSame(got.many.embeddings, got.single, 'embeddings')
  for (const step of ['decode', 'preprocess', 'encode']) assert.ok(got.ms[step] >= 0, step)
  assert.ok(got.told.length > 1)
  assert.deepEqual(got.told.at(-1), { done: 20, total: 20 })
  assert.equal(got.texts.embeddings.length, 150)
  assertSame(got.texts.embeddings.slice(0, 3), got.first.embeddings, 'texts')
  assert.deepEqual(got.toldTexts.at(-1), [150, 150])
  assert.equal(got.aborted.message, 'enough')
  assert.deepEqual(got.after, got.last)
  assertFailure(got.failures[0], 'picture', 'images[1]', 'data')
  assertFailure(got.failures[1], 'picture', 'images[2]')
  assertFailure(got.failures[2], 'network', 'images[1]', 'absent.png', '404')
  assertFailure(got.failures[3], 'option', 'images', 'empty')
  assertFailure(got.failures[4], 'option', 'images', '"cat.png"')
  assertFailure(got.failures[5], 'option', 'texts', 'empty')
})

test('after warm-up, memory does not grow over 1,000 pictures', async () => {
  const page = await open()
  await prepare(page)
  const client = await page.context().newCDPSession(page)
  const heapOf = async (client) => {
    await client.send('HeapProfiler.collectGarbage')
    return (await client.send('Runtime.getHeapUsage')).usedSize
  }
  for (const workers of [1, 2]) {
    await page.evaluate(async (workers) => {
      globalThis.model = await vitrine.load('./models/emoji-clip', { workers })
      // Pictures of three sizes.
      const images = Array.from({ length: 12 }, (_, i) => picture(64 + (i % 3) * 50, i))
      globalThis.some = async (count) => {
        for (let i = 0; i < count; i++) {
          // Calls with texts, maps and several pictures.
          const image = images[i % images.length]
          await model.rank(image, ['a cat', 'a dog', `a ${i % 20}`])
          if (i % 10 === 0) await model.attention(image)
          if (i % 10 === 5) await model.embedImages([image, image, image])
        }
        return model.info.memory.wasm
      }
    }, workers)
    const clients = [client, ...(await protocolsOf(page.context(), page, workers))]
    const heaps = async () => {
      const sizes = []
      for (const client of clients) sizes.push(await heapOf(client))
      return sizes
    }
    const warm = await page.evaluate(() => some(60))
    const heapsWarm = await heaps()
    const end = await page.evaluate(() => some(1000))
    assert.equal(end.length, workers)
    // Go's heap lies in this memory, and the times of its collections vary; the limit would show a leak of 1 KB a picture.
    end.forEach((bytes, i) => assert.ok(bytes - warm[i] < 2 ** 20, `the memory of worker ${i + 1} of ${workers} grew from ${warm[i]} to ${bytes} bytes`))
    for (const [i, heap] of (await heaps()).entries()) {
      const grown = heap - heapsWarm[i]
      assert.ok(grown < 200_000, `the heap of ${i === 0 ? 'the page' : `worker ${i} of ${workers}`} grew by ${grown} bytes over 1,000 pictures`)
    }
    await page.evaluate(() => model.close())
  }
  await noWorkers(page)
})
