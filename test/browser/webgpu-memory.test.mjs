// Memory on WebGPU: after warm-up, many pictures increase neither the number of GPU
// buffers nor the worker's heap nor Go's memory.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { softwareGPU } from './go-tests.mjs'
import { pages } from './page.mjs'

const open = pages({ args: softwareGPU })

test('after warm-up, memory does not grow over 200 pictures on a GPU', { timeout: 600_000 }, async () => {
  const page = await open()
  await page.evaluate(async () => {
    globalThis.model = await vitrine.load('./models/emoji-clip', { device: 'webgpu' })
    // More shapes than the engine caches plans for: pictures of four sizes, with and
    // without maps, and new labels of many lengths.
    globalThis.some = async (count, round) => {
      for (let i = 0; i < count; i++) {
        const canvas = new OffscreenCanvas(40, 40)
        const context = canvas.getContext('2d')
        context.fillStyle = `hsl(${i * 7} 90% 50%)`
        context.fillRect(i % 20, i % 30, 15, 10)
        const options = { size: [8 + 8 * (i % 4), 16] }
        if (i % 5 === 1) await model.attention(canvas, options)
        else if (i % 5 === 3) await model.rank(canvas, [`${round} ${i}`, 'a fish '.repeat(1 + (i % 11))], options)
        else if (i % 10 === 5) await model.relevance(canvas, ['a cat'], { ...options, method: 'contribution' })
        else await model.embedImage(canvas, options)
      }
      return model.info
    }
  })
  const [worker] = page.workers()
  await worker.evaluate(() => {
    globalThis.buffers = 0 // created from now on and not destroyed
    globalThis.most = 0
    const { createBuffer } = GPUDevice.prototype
    const { destroy } = GPUBuffer.prototype
    GPUDevice.prototype.createBuffer = function (...args) {
      most = Math.max(most, ++buffers)
      return createBuffer.apply(this, args)
    }
    GPUBuffer.prototype.destroy = function () {
      buffers--
      destroy.call(this)
    }
  })
  const heapOf = await heapOfWorker(page)
  const look = async () => ({ buffers: await worker.evaluate(() => most), heap: await heapOf() })

  const { memory: warmMemory } = await page.evaluate(() => some(70, 'warm'))
  const warm = await look()
  const { memory, device, fallback } = await page.evaluate(() => some(200, 'then'))
  const then = await look()
  assert.equal(device, 'webgpu', fallback)
  assert.ok(then.buffers <= warm.buffers, `there were ${warm.buffers} buffers at most, and then ${then.buffers}`)
  assert.ok(then.heap - warm.heap < 100_000, `the heap of the worker grew from ${warm.heap} to ${then.heap} bytes`)
  assert.ok(memory.wasm[0] - warmMemory.wasm[0] < 2 ** 20, `Go's memory grew from ${warmMemory.wasm} to ${memory.wasm} bytes`)
})

/** Resolves to a function that collects the garbage of the page's worker and resolves to the bytes left in its heap. */
async function heapOfWorker(page) {
  const session = await page.context().newCDPSession(page)
  const attached = new Promise((resolve) => session.once('Target.attachedToTarget', resolve))
  await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false })
  const { sessionId } = await attached
  let last = 0
  const ask = (method) => new Promise((resolve, reject) => {
    const id = ++last
    const answer = ({ message }) => {
      const { id: answered, result, error } = JSON.parse(message)
      if (answered !== id) return
      session.off('Target.receivedMessageFromTarget', answer)
      if (error) reject(new Error(error.message))
      else resolve(result)
    }
    session.on('Target.receivedMessageFromTarget', answer)
    session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) }).catch(reject)
  })
  return async () => {
    await ask('HeapProfiler.collectGarbage')
    return (await ask('Runtime.getHeapUsage')).usedSize
  }
}
