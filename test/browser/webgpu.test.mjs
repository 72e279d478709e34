// WebGPU in a real browser, on its software adapter: device 'webgpu' runs there and gives
// the results of the CPU; 'auto' does not use a software adapter.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { softwareGPU } from './go-tests.mjs'
import { randomViT } from './models.mjs'
import { folders, pages } from './page.mjs'

const open = pages({ args: softwareGPU })

/** The largest difference of two vectors, over the largest value of the first. */
const apart = (a, b) => Math.max(...a.map((v, i) => Math.abs(v - b[i]))) / Math.max(...a.map(Math.abs))

// The software adapter takes seconds for each large shader.
test('a demanded GPU gives the results of the CPU', { timeout: 600_000 }, async () => {
  const page = await open()
  const got = await page.evaluate(async () => {
    const picture = './models/emoji-clip/reference/cat.png'
    const labels = ['cat', 'house', 'umbrella']
    const answers = {}
    for (const device of ['webgpu', 'simd']) {
      const model = await vitrine.load('./models/emoji-clip', { device })
      const rows = (answers[device] = [])
      for (let i = 0; i < 3; i++) {
        const { ranking } = await model.rank(picture, labels)
        const { embedding } = await model.embedImage(picture)
        const { data } = await model.attention(picture, { layer: 1, head: 1 })
        const { maps } = await model.relevance(picture, labels, { method: 'contribution' })
        rows.push({ ranking: ranking.map((r) => r.label), vectors: [embedding, data, maps[0].data].map((v) => [...v]) })
      }
      answers[device + ' info'] = model.info
      model.close()
    }
    return answers
  })
  const info = got['webgpu info']
  assert.equal(info.device, 'webgpu', info.fallback)
  assert.equal(info.fallback, '')
  assert.ok(info.gpu.name && info.gpu.pipelines > 0 && info.gpu.pipelines <= 14, JSON.stringify(info.gpu))
  got.webgpu.forEach((row, i) => {
    assert.deepEqual(row.ranking, got.simd[i].ranking)
    row.vectors.forEach((vector, k) => {
      const d = apart(got.simd[i].vectors[k], vector)
      assert.ok(d <= 1e-3, `call ${i}, vector ${k}: ${d}`)
    })
  })
})

test("'auto' runs a small model on the CPU without opening a GPU", async () => {
  const page = await open()
  const info = await page.evaluate(async () => {
    const model = await vitrine.load('./models/emoji-clip')
    const { info } = model
    model.close()
    return info
  })
  assert.equal(info.device, 'simd')
  assert.equal(info.fallback, '')
})

test('a lost device reports its loss and frees its buffers', async () => {
  const page = await open()
  const got = await page.evaluate(async () => {
    const { openDevice } = await import('./js/webgpu.js')
    const { requestDevice } = GPUAdapter.prototype
    let own // the GPUDevice of our Device
    GPUAdapter.prototype.requestDevice = async function (...args) {
      return (own = await requestDevice.apply(this, args))
    }
    const device = await openDevice()
    const said = (promise) => promise.then(() => 'it went well', (error) => error.message)
    const buffer = device.buffer(256, 'weights')
    const answers = { alive: await said(device.read(buffer, 0, 16)), kept: device.made - device.freed }
    const running = said(device.read(buffer, 0, 16))
    own.destroy()
    answers.during = await running
    answers.after = await said(device.read(buffer, 0, 16))
    device.close()
    answers.left = device.made - device.freed
    const other = await openDevice()
    other.close()
    answers.closed = await said(other.read(1, 0, 16))
    return answers
  })
  assert.equal(got.alive, 'it went well')
  assert.equal(got.kept, 1)
  assert.match(got.during, /was lost|^it went well$/) // the read may have ended before the loss
  assert.match(got.after, /was lost/)
  assert.match(got.closed, /was closed/)
  assert.equal(got.left, 0)
})

/** Makes the device of a worker get lost in the middle of its next run. */
const loseNext = (worker) => worker.evaluate(() => {
  const { createCommandEncoder } = GPUDevice.prototype
  GPUDevice.prototype.createCommandEncoder = function () {
    GPUDevice.prototype.createCommandEncoder = createCommandEncoder
    queueMicrotask(() => this.destroy())
    return createCommandEncoder.call(this)
  }
})

test('a demanded GPU that is lost during a call fails this call and the next', { timeout: 600_000 }, async () => {
  const page = await open()
  await page.evaluate(async () => {
    globalThis.model = await vitrine.load('./models/emoji-clip', { device: 'webgpu' })
    await model.embedImage('./models/emoji-clip/reference/cat.png')
  })
  await loseNext(page.workers()[0])
  const got = await page.evaluate(async () => {
    const call = () => failure(model.embedImage('./models/emoji-clip/reference/cat.png'))
    return [await call(), await call()]
  })
  for (const { code, message } of got) {
    assert.equal(code, 'device')
    assert.match(message, /was lost/)
  }
})

// 'auto' uses a hardware adapter only. The software adapter is made to look like one.
test("'auto' falls back to the CPU when the GPU is lost during a call, and the call succeeds", { timeout: 600_000 }, async () => {
  const source = readFileSync(folders.sources + '/gpu/webgpu.js', 'utf8')
  const script = source.replace('{ name, software, limits }', '{ name, software: false, limits }')
  assert.notEqual(script, source)
  const page = await open({ mounts: { '/random/': randomViT() }, habits: (path) => (path === '/js/webgpu.js' ? { body: script, type: 'text/javascript' } : {}) })
  const first = await page.evaluate(async () => {
    globalThis.picture = './testdata/golden/preprocess/inputs/graphic_400x400.png'
    globalThis.model = await vitrine.load('./random')
    await model.classify(picture)
    return model.info
  })
  assert.equal(first.device, 'webgpu', first.fallback)
  assert.match(first.gpu.name, /swiftshader/i)
  await loseNext(page.workers()[0])
  const got = await page.evaluate(async () => {
    const { classes } = await model.classify(picture)
    const { info } = model
    const cpu = await vitrine.load('./random', { device: 'simd', workers: 1 }) // the configuration after a fallback
    const wanted = await cpu.classify(picture)
    return { classes, info, wanted: wanted.classes }
  })
  assert.equal(got.info.device, 'simd')
  assert.match(got.info.fallback, /was lost/)
  assert.deepEqual(got.classes, got.wanted)
})

test('a command that the device refuses is an error with its message, not a wrong result', async () => {
  const page = await open()
  const got = await page.evaluate(async () => {
    const { openDevice } = await import('./js/webgpu.js')
    const device = await openDevice()
    const said = (promise) => promise.then(() => 'it went well', (error) => error.message)
    device.begin()
    const small = device.buffer(256, 'weights')
    device.weightGroup(small, 0, 512, 0, 256)
    const answers = { bound: await said(device.end()) }
    device.begin()
    device.buffer(device.about.limits.maxBufferSize + 4, 'weights')
    answers.large = await said(device.end())
    answers.shader = await said(device.compile([{ name: 'good', code: '@compute @workgroup_size(1) fn main() {}' }, { name: 'bad', code: 'fn main() { nonsense }' }]))
    answers.after = await said(device.read(small, 0, 256)) // the device still works
    device.close()
    return answers
  })
  assert.match(got.bound, /refused a command/)
  assert.match(got.large, /refused a command|no more memory/)
  assert.match(got.shader, /the shader bad does not compile on .*: line 1/)
  assert.equal(got.after, 'it went well')
})
