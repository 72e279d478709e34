// A browser without a GPU: a demanded GPU is refused, otherwise the CPU computes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomViT } from './models.mjs'
import { pages } from './page.mjs'

const open = pages({ args: ['--disable-gpu'] })

test("without a GPU, 'auto' loads, and 'webgpu' is refused with a reason", async () => {
  const page = await open()
  const got = await page.evaluate(async () => {
    const model = await vitrine.load('./models/emoji-clip')
    const { device } = model.info
    model.close()
    return { device, demanded: await failure(vitrine.load('./models/emoji-clip', { device: 'webgpu' })) }
  })
  assert.equal(got.device, 'simd')
  assert.equal(got.demanded.code, 'device')
  assert.match(got.demanded.message, /WebGPU/)
})

test('without a GPU, info.fallback of a large model says why the CPU computes', async () => {
  const page = await open({ mounts: { '/random/': randomViT() } })
  const got = await page.evaluate(async () => {
    const answers = []
    for (const options of [{}, { workers: 2 }]) {
      const model = await vitrine.load('./random', options)
      const { classes } = await model.classify('./testdata/golden/preprocess/inputs/graphic_400x400.png')
      answers.push({ info: model.info, best: classes[0].label })
      model.close()
    }
    return answers
  })
  for (const { info, best } of got) {
    assert.equal(info.device, 'simd')
    assert.equal(best, got[0].best)
  }
  assert.match(got[0].info.fallback, /no WebGPU adapter/)
  assert.equal(got[1].info.fallback, '', 'the option workers asks for the CPU')
})
