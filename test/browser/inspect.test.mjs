// inspect: the verdict on a model before its weights are read, in the words of load.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertFailure, pages } from './page.mjs'

const open = pages()

const inspect = (page, name, options = {}) => page.evaluate(([name, options]) => vitrine.inspect(name, options), [name, options])

test('the verdict on a model says what info says once it is loaded', async () => {
  const page = await open()
  const [verdict, info] = await page.evaluate(async () => {
    const verdict = await vitrine.inspect('./models/emoji-clip')
    const model = await vitrine.load('./models/emoji-clip')
    const { info } = model
    model.close()
    return [verdict, info]
  })
  assert.deepEqual([verdict.loads, verdict.error, verdict.warnings, verdict.licence], [true, null, [], 'apache-2.0'])
  for (const key of ['architecture', 'modelType', 'tasks', 'parameters', 'classes', 'shapes', 'preprocess']) assert.deepEqual(verdict[key], info[key], key)
  assert.equal(verdict.towers.vision.parameters + verdict.towers.text.parameters + 1, info.parameters) // and logit_scale
  assert.ok(verdict.memory.q8 < verdict.memory.f16 && verdict.memory.f16 < verdict.memory.f32)
  assert.ok(verdict.files.some(({ name, bytes, read }) => name === 'model.safetensors' && bytes > 3e6 && read))
  assert.equal(verdict.bytes, verdict.files.reduce((sum, { bytes }) => sum + bytes, 0))
  const larger = await inspect(page, './models/emoji-clip', { size: [128, 64] })
  assert.deepEqual([larger.shapes.grid, larger.shapes.tokens], [[16, 8], 129])
})

test('no more of the weights is read than their header', async () => {
  // The rest of the file is held back: a reader of the whole file would wait for ever.
  const habits = (path) => path.endsWith('/model.safetensors') ? { hold: new Promise(() => {}) } : undefined
  const page = await open({ habits })
  assert.equal((await inspect(page, './models/emoji-clip')).loads, true)
})

test('what keeps a model from loading is in the verdict', async () => {
  const page = await open()
  const fails = (page, name) => page.evaluate((name) => failure(vitrine.load(name)), name)
  for (const name of ['./models/nowhere', './nowhere']) {
    const verdict = await inspect(page, name)
    assert.equal(verdict.loads, false)
    assert.deepEqual(verdict.error, await fails(page, name))
  }
  assertFailure(await page.evaluate(() => failure(vitrine.inspect('./models/emoji-clip', { size: 224 }))), 'option', 'inspect: size')
  assertFailure(await page.evaluate(() => failure(vitrine.inspect('./models/emoji-clip', { device: 'simd' }))), 'option', '"device"', 'revision')
  assertFailure(await page.evaluate(() => failure(vitrine.inspect(''))), 'option', 'inspect: model')
})

test('an abort ends an inspection', async () => {
  const page = await open({ habits: (path) => path.endsWith('/config.json') ? { hold: new Promise(() => {}) } : undefined })
  const reason = await page.evaluate(async () => {
    const controller = new AbortController()
    const inspection = vitrine.inspect('./models/emoji-clip', { signal: controller.signal })
    controller.abort('enough')
    return inspection.catch((reason) => reason)
  })
  assert.equal(reason, 'enough')
})
