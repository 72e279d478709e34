// A browser without a GPU: who demands one is told, everybody else gets the CPU.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pages } from './page.mjs'

const open = pages({ args: ['--disable-gpu'] })

test('without a GPU, auto loads and webgpu is refused with a sentence', async () => {
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
