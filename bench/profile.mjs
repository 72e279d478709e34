// Where the time of a picture goes: Chromium's profiler on Vitrine's worker.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configOf } from './zoo.mjs'

/** What the exports of a kernel module are to a picture. Linear is told apart by who computes. */
const kinds = {
  linear_f32: 'matrix products', linear_f16: 'matrix products', linear_q8: 'matrix products',
  quantise: 'quantising rows', softmax: 'softmax', pack_panels: 'packing K and V', pack_transposed: 'packing K and V',
  norm: 'norms', multiply: 'gates', rotate: 'rotary positions',
}

/**
 * Profiles pictures through a model. Gives {ms, shares}: the milliseconds of one
 * picture, and of each kind of work its share of the time between the first sample
 * and the last.
 */
export async function profile(browser, places, { folder, options, pictures }) {
  const { tower: config } = configOf(folder, 'vision')
  const input = { noise: [3, config.image_size, config.image_size], seed: 1 }
  const page = await browser.open({ script: 'vitrine', job: { options: { device: 'simd', workers: 1, ...options }, input }, mounts: { '/model/': folder, '/js/': places.js } })
  try {
    await page.call('run', 5)
    const worker = await page.worker()
    await worker('Profiler.enable')
    await worker('Profiler.setSamplingInterval', { interval: 500 })
    await worker('Profiler.start')
    const ms = await page.call('run', pictures)
    const { profile } = await worker('Profiler.stop')
    return { ms, shares: sharesOf(profile, exportsOf(join(places.js, 'kernels', `${options.kernels ?? 'relaxed'}.wasm`))), profile }
  } finally {
    await page.close()
  }
}

/** {index: name} of the exported functions of a module, and under 'count' how many functions it has. */
function exportsOf(path) {
  const module = readFileSync(path)
  let at = 8
  const unsigned = () => {
    let value = 0, shift = 0, byte
    do {
      byte = module[at++]
      value |= (byte & 127) << shift
      shift += 7
    } while (byte & 128)
    return value
  }
  const names = {}
  while (at < module.length) {
    const section = module[at++]
    const end = unsigned() + at
    if (section === 3) names.count = unsigned()
    if (section === 7) {
      for (let n = unsigned(); n > 0; n--) {
        const length = unsigned()
        const name = module.toString('latin1', at, at + length)
        at += length
        const kind = module[at++]
        const index = unsigned()
        if (kind === 0) names[index] = name
      }
    }
    at = end
  }
  return names
}

function sharesOf(profile, names) {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  for (const node of profile.nodes) for (const child of node.children ?? []) nodes.get(child).parent = node
  const time = {}
  let total = 0
  profile.samples.forEach((id, i) => {
    const node = nodes.get(id)
    const { functionName: name, url } = node.callFrame
    const key = `${name} ${url.slice(-40)} < ${node.parent?.callFrame.functionName}`
    time[key] = (time[key] ?? 0) + profile.timeDeltas[i]
    total += profile.timeDeltas[i]
  })
  return Object.entries(time).map(([key, t]) => [key, t / total]).sort((a, b) => b[1] - a[1]).slice(0, 40)
}
