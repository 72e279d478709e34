// WebGPU: Vitrine beside onnxruntime-web and jax-js, on one adapter.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { startBrowser } from './browser.mjs'
import { product } from './gemm.mjs'
import { inputOf, onnxOf } from './models.mjs'
import { exportChain } from './onnx.mjs'
import { attentionInput, attentionOf } from './pages/attention.js'
import { chain } from './pages/chain.js'
import { agreement, ratio, summary, takeTurns } from './turns.mjs'
import { configOf, flopsOf, folderOf, zoo } from './zoo.mjs'

/** What is measured on a real GPU, and on a software adapter, which is a hundred times slower than a CPU. */
const real = { models: ['vit-tiny', 'vit-base', 'clip-base'], size: { width: 768, layers: 8 }, attentions: [{ tokens: 197, heads: 12, dim: 64 }, { tokens: 1024, heads: 12, dim: 64 }] }
const played = { models: ['vit-tiny'], size: { width: 192, layers: 4 }, attentions: [{ tokens: 197, heads: 3, dim: 64 }], turns: 2 }

/**
 * Measures on the browser's adapter, or on its software adapter where there is no other. Gives {adapter: {name, software}, turns, ceiling, sections}, or {reason};
 * a section is {title, gflop, peer, rows}, and a row {name, ms, host, speed, share,
 * over, first, agreement}, or {name, reason} where it can't run: over is how many
 * times as fast as the peer.
 */
export async function measureWebGPU(places, { models, turns, say }) {
  const browser = await startBrowser('--enable-unsafe-webgpu', '--enable-features=Vulkan')
  const ceiling = { name: 'ceiling', speeds: [] }
  try {
    ceiling.page = await browser.open({ script: 'gpu-ceiling', mounts: { '/js/': places.js, '/peak.wgsl': join(places.root, 'engine/gpu/testdata/peak.wgsl') } })
    const { name, software } = ceiling.page.ready
    const plan = software ? played : real
    const bench = { browser, places, say, ceiling, software, turns: Math.min(turns, plan.turns ?? turns) }
    const sections = [await products(bench, plan.size)]
    for (const shape of plan.attentions) sections.push(await attention(bench, shape))
    for (const model of plan.models.filter((m) => models.includes(m))) {
      const folder = folderOf(model, places.root, places.models)
      if (folder) sections.push(await pictures(bench, model, folder))
    }
    return { adapter: { name, software }, turns: bench.turns, ceiling: summary(ceiling.speeds), sections }
  } catch (error) {
    if (ceiling.page) throw error
    return { reason: reasonOf(error) }
  } finally {
    await ceiling.page?.close()
    await browser.close()
  }
}

const reasonOf = (error) => String(error.message).split('\n')[0].replace(/^.*?Error: /, '')

/** The layers of a model, one after the other. */
async function products(bench, size) {
  const { places } = bench
  const { rows, widths, input, weights } = chain(size)
  const layers = weights.map((data, i) => ({ data, shape: [widths[i + 1], widths[i]] }))
  const onnx = join(places.onnx, `chain-${size.width}-${size.layers}.onnx`)
  if (!existsSync(onnx)) exportChain(onnx, 'f32', rows, layers)
  const vitrine = { script: 'gpu-vitrine', mounts: { '/js/': places.js, '/sources/': places.sources, '/go/': places.go, '/gemm.wasm': places.gemm } }
  const entries = [
    { name: 'Vitrine f32', ...vitrine, job: { size, dtype: 'f32' } },
    { name: 'Vitrine q8', ...vitrine, job: { size, dtype: 'q8' } },
    { name: 'onnxruntime-web f32', script: 'gemm-ort', job: { size, provider: 'webgpu' }, mounts: { '/ort/': places.ort, '/model.onnx': onnx } },
    { name: 'jax-js f32', script: 'gemm-jax', job: { size, backend: 'webgpu' }, mounts: { '/jax/': places.modules + '@jax-js/jax/dist' } },
  ]
  return compare(bench, {
    title: `Matrix products: ${rows} rows through ${size.layers} layers, ${size.width} → ${4 * size.width} → ${size.width} …`,
    flops: 2 * rows * weights.reduce((sum, w) => sum + w.length, 0), peer: 'jax-js f32', entries,
    outputOf: (page) => page.call('output'), wanted: product(input, rows, layers),
  })
}

/** Attention over the tokens of a picture. */
async function attention(bench, shape) {
  const { places } = bench
  const { tokens, heads, dim } = shape
  const entries = [
    { name: 'Vitrine f32', script: 'gpu-vitrine', job: { attention: shape }, mounts: { '/js/': places.js, '/sources/': places.sources, '/go/': places.go, '/gemm.wasm': places.gemm } },
    { name: 'jax-js f32', script: 'attention-jax', job: { attention: shape }, mounts: { '/jax/': places.modules + '@jax-js/jax/dist' } },
  ]
  return compare(bench, {
    title: `Attention: ${tokens} tokens, ${heads} heads of ${dim}`,
    flops: 4 * tokens * tokens * heads * dim, peer: 'jax-js f32', entries,
    outputOf: (page) => page.call('output'), wanted: attentionOf(attentionInput(shape), shape),
  })
}

/** Whole models, from the call to the answer. */
async function pictures(bench, model, folder) {
  const { places, browser } = bench
  const input = inputOf(folder, configOf(folder, 'vision').tower)
  const vitrine = (options) => ({ script: 'vitrine', job: { options, input }, mounts: { '/model/': folder, '/js/': places.js } })
  const entries = [
    { name: 'Vitrine f32', ...vitrine({ device: 'webgpu' }) },
    { name: 'Vitrine q8', ...vitrine({ device: 'webgpu', dtype: 'q8' }) },
    { name: 'onnxruntime-web f32', script: 'ort', job: { provider: 'webgpu', input }, mounts: { '/model/': folder, '/ort/': places.ort, '/model.onnx': onnxOf(model, folder, 'vision', places).f32 } },
    { name: 'Vitrine f32 on the CPU, one worker', ...vitrine({ device: 'simd', workers: 1 }), host: true },
  ]
  const embedding = async (page) => (await page.call('outputs', [input]))[0].embedding
  const cpu = await browser.open(vitrine({ device: 'simd', workers: 1 }))
  const wanted = await embedding(cpu)
  await cpu.close()
  return compare(bench, {
    title: zoo[model].title, flops: flopsOf(folder, 'vision'), peer: 'onnxruntime-web f32', entries, wanted,
    // onnxruntime-web's first output serves as its output: another picture would take it half a minute here.
    outputOf: (page, { script }) => (script === 'ort' ? page.ready.output.embedding : embedding(page)),
  })
}

/** Opens the entries, has them take turns, and makes the rows. Entries with host run on the CPU and are not compared with the adapter's ceiling. */
async function compare({ browser, say, ceiling, software, turns }, { title, flops, peer, entries, outputOf, wanted }) {
  const opened = []
  const failed = []
  for (const entry of entries) {
    say(`${title}: ${entry.name}`)
    try {
      const page = await browser.open(entry)
      const contestant = { ...entry, page, output: await outputOf(page, entry), hosts: [] }
      let times = 1
      if (!software) {
        let ms = await page.call('run', 1)
        const start = performance.now()
        for (let i = 0; i < 4 && performance.now() - start < 3000; i++) ms = await page.call('run', 1)
        times = Math.min(20, Math.max(1, Math.round(150 / ms)))
      }
      contestant.run = async () => {
        const ms = await page.call('run', times)
        contestant.hosts.push(ms - (await page.call('device')))
        return ms
      }
      opened.push(contestant)
    } catch (error) {
      failed.push({ name: entry.name, reason: reasonOf(error) })
    }
  }
  say(`${title}: taking turns`)
  const times = await takeTurns([...opened, { name: ceiling.name, run: () => ceiling.page.call('run') }], turns)
  ceiling.speeds.push(...times.ceiling)
  for (const { page } of opened) await page.close()
  const rows = opened.map(({ name, host, hosts, output, page }) => {
    const speeds = times[name].map((ms) => flops / ms / 1e6)
    return {
      name, host: host ? null : summary(hosts), ms: summary(times[name]), speed: summary(speeds),
      share: host ? null : summary(speeds.map((speed, turn) => speed / times.ceiling[turn])),
      over: ratio(times[name], times[peer]), first: page.ready.first, agreement: agreement(output, wanted),
    }
  })
  return { title, gflop: flops / 1e9, peer, rows: [...rows, ...failed] }
}
