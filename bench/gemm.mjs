// Matrix products alone: the kernels against those of the peers.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openCeiling } from './ceiling.mjs'
import { exportChain } from './onnx.mjs'
import { chain } from './pages/chain.js'
import { agreement, ratio, summary, takeTurns } from './turns.mjs'

/**
 * The rows of the table: [{name, ms, speed, share, overOrt, agreement} or {name, reason}].
 * places are the folders of run.mjs.
 */
export async function measureGemm(browser, places, turns) {
  const { rows, widths, input, weights } = chain()
  const layers = weights.map((data, i) => ({ data, shape: [widths[i + 1], widths[i]] }))
  const onnx = (dtype) => {
    const path = join(places.onnx, `chain-${dtype}.onnx`)
    if (!existsSync(path)) exportChain(path, dtype, rows, layers)
    return { '/ort/': places.ort, '/model.onnx': path }
  }
  const vitrine = { script: 'gemm-vitrine', mounts: { '/js/': places.js, '/sources/': places.sources, '/go/': places.go, '/gemm.wasm': places.gemm } }
  const entries = [
    { name: 'Vitrine f32, relaxed SIMD', ...vitrine, job: { set: 'relaxed', dtype: 'f32' } },
    { name: 'Vitrine f32, plain SIMD', ...vitrine, job: { set: 'plain', dtype: 'f32' } },
    { name: 'Vitrine q8, relaxed SIMD', ...vitrine, job: { set: 'relaxed', dtype: 'q8' } },
    { name: 'Vitrine q8, plain SIMD', ...vitrine, job: { set: 'plain', dtype: 'q8' } },
    { name: 'onnxruntime-web f32', script: 'gemm-ort', mounts: onnx('f32') },
    { name: 'onnxruntime-web q8', script: 'gemm-ort', mounts: onnx('q8') },
    { name: 'tfjs-backend-wasm (XNNPACK) f32', script: 'gemm-tfjs', mounts: { '/tfjs/': places.modules + '@tensorflow/tfjs-backend-wasm/dist', '/tfjs-core/': places.modules + '@tensorflow/tfjs-core/dist' } },
    { name: 'jax-js wasm f32', script: 'gemm-jax', mounts: { '/jax/': places.modules + '@jax-js/jax/dist' } },
  ]
  const failed = []
  const opened = []
  for (const entry of entries) {
    try {
      const page = await browser.open(entry)
      for (let i = 0; i < 3; i++) await page.call('run', 1) // the browser optimises hot code
      const times = Math.max(1, Math.round(150 / (await page.call('run', 1))))
      opened.push({ ...entry, page, output: await page.call('output'), run: () => page.call('run', times) })
    } catch (error) {
      failed.push({ name: entry.name, reason: String(error.message).split('\n')[0] })
    }
  }
  const ceiling = await openCeiling(browser, places)
  const times = await takeTurns([...opened, ceiling], turns)
  await ceiling.close()
  for (const { page } of opened) await page.close()

  const operations = 2 * rows * weights.reduce((sum, w) => sum + w.length, 0)
  const wanted = product(input, rows, layers)
  const done = opened.map(({ name, job, output }) => {
    const top = times.ceiling.map((c) => job && c[job.set][job.dtype])
    return {
      name,
      ms: summary(times[name]),
      speed: summary(times[name].map((ms) => operations / ms / 1e6)),
      share: job && summary(times[name].map((ms, turn) => operations / ms / 1e6 / top[turn])),
      over: { f32: ratio(times[name], times['onnxruntime-web f32']), q8: ratio(times[name], times['onnxruntime-web q8']) },
      agreement: agreement(output, wanted),
    }
  })
  return [...done, ...failed]
}

/** The chain, computed by plain loops. */
export function product(x, rows, layers) {
  return layers.reduce((y, { data, shape: [out, inputs] }) => {
    const z = new Float32Array(rows * out)
    for (let r = 0; r < rows; r++) {
      for (let n = 0; n < out; n++) {
        let sum = 0
        for (let k = 0; k < inputs; k++) sum += y[r * inputs + k] * data[n * inputs + k]
        z[r * out + n] = sum
      }
    }
    return z
  }, x)
}
