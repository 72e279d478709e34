// A model in several workers: the same numbers as in one, on a plain static page
// without isolation headers and under the strictest policy.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertFailure, folders, needs, noWorkers, pages } from './page.mjs'

const open = pages()

const vitTiny = folders.shared + '/models/vit-tiny-imagenet'

/** What adding up in another order may change, over the scale. */
const tolerance = 1e-5

/** Asserts that two results are the same: their structure, and numbers up to the tolerance. */
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

/** Functions for the page: models in 1, 2 and 3 workers, and results as plain data without times. */
const prepare = (page) =>
  page.evaluate(() => {
    globalThis.plain = (value) => {
      if (value instanceof Float32Array) return [...value]
      if (Object(value) !== value) return value
      if (Array.isArray(value)) return value.map(plain)
      return Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'ms').map(([key, v]) => [key, plain(v)]))
    }
    // One picture for all: noise, smooth enough to be something.
    globalThis.picture = (side, seed = 1) => {
      const data = new Uint8ClampedArray(4 * side * side)
      for (let i = 0; i < data.length; i++) data[i] = 128 + 120 * Math.sin((i % 4) + seed * ((i >> 2) % side) * 0.05 + Math.floor(i / 4 / side) * 0.03 * seed)
      return { data, width: side, height: side }
    }
  })

test('a classifier says the same in one, two and three workers', needs(vitTiny), async () => {
  const page = await open()
  page.on('console', (m) => console.log(m.text())); await prepare(page)
  assert.equal(await page.evaluate(() => crossOriginIsolated), false)
  const [one, two, three] = await page.evaluate(async () => {
    const got = []
    for (const workers of [1, 2, 3]) {
      const model = await vitrine.load('./shared/models/vit-tiny-imagenet', { workers })
      const image = picture(224)
      got.push({
        info: model.info,
        answers: plain({
          classes: (await model.classify(image, { topK: 10 })).classes,
          embedding: await model.embedImage(image),
          attention: await model.attention(image, { layer: 3, full: true }),
          head: await model.attention(image, { layer: 11, head: 2 }),
          rollout: await model.attention(image, { method: 'rollout' }),
          features: await model.features(image, { layer: 5 }),
          dense: await model.relevance(image, ['tabby, tabby cat']).catch((e) => String(e)),
          contribution: await model.relevance(image, ['tabby, tabby cat'], { method: 'contribution' }).catch((e) => String(e)),
        }),
        again: plain(await model.classify(image, { topK: 10 })),
      })
      model.close()
    }
    return got
  })
  for (const [i, { info, answers, again }] of [one, two, three].entries()) {
    assert.equal(info.workers, i + 1)
    assert.equal(info.memory.wasm.length, i + 1)
    assert.equal(info.requests.filter(({ url }) => url.endsWith('model.safetensors')).length, 1)
    assertSame(answers, one.answers, `${i + 1} workers`)
    assert.deepEqual(again.classes, answers.classes)
    console.log(info.memory, info.bytes, answers.dense.method ?? answers.dense)
  }
  await noWorkers(page)
})
