// WebGPU in a real browser, on its software adapter: what is demanded runs there
// and gives the CPU's numbers; what isn't, stays off an adapter that only plays a
// GPU.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pages } from './page.mjs'

const open = pages({ args: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'] })

/** The worst difference of two vectors, over the largest value of the first. */
const apart = (a, b) => Math.max(...a.map((v, i) => Math.abs(v - b[i]))) / Math.max(...a.map(Math.abs))

test('a GPU that is demanded gives what the CPU gives', async () => {
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

test("'auto' runs a small model on the CPU, and does not ask for a GPU", async () => {
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
