// Where the time of a picture goes: Chromium's profiler on Vitrine's worker.

import { configOf } from './zoo.mjs'

/** What the functions of a kernel module are to a picture, by their names. Those of f32 tiles are attention's where weights are int8. */
const kinds = {
  tile_f32: 'products of floats', linear_f32: 'products of floats', tile_q8: 'products of int8', linear_q8: 'products of int8',
  activate: 'activation', finish_tile: 'activation', add_tile: 'activation', copy_tile: 'activation',
  quantise: 'rows to int8', softmax: 'softmax', pack_panels: 'K and V into panels', pack_transposed: 'K and V into panels', norm: 'norms',
}

/**
 * Profiles pictures through a model. Gives {ms, shares}: the milliseconds of one
 * picture, and for each kind of work its share of them.
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
    return { ms, shares: sharesOf(profile) }
  } finally {
    await page.close()
  }
}

/** The time of each kind of work, as a share of all. */
function sharesOf({ nodes, samples, timeDeltas }) {
  const kindOf = new Map(nodes.map(({ id, callFrame: { functionName: name, url } }) => [id, kinds[name] ?? (url.endsWith('vitrine.wasm') ? 'Go' : name === '(idle)' ? 'waiting' : 'scripts and calls')]))
  const time = {}
  samples.forEach((id, i) => (time[kindOf.get(id)] = (time[kindOf.get(id)] ?? 0) + timeDeltas[i]))
  const total = timeDeltas.reduce((a, b) => a + b)
  return Object.fromEntries(Object.entries(time).map(([kind, t]) => [kind, t / total]).sort((a, b) => b[1] - a[1]))
}
