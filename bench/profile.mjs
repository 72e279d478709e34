// Where the time of a picture goes: Chromium's profiler on Vitrine's workers.

import { configOf } from './zoo.mjs'

/** The kinds of work, and the functions that do them: those of the kernels (engine/kernel/gen), of the exchange between workers, and the browser's own. */
const works = {
  'products of layers': /^(tile|linear)_|^unpack_f16$/,
  'products of attention': null, // see kindsOf
  'rows to int8': /^quantise/,
  softmax: /^softmax$/,
  activations: /^activate$/,
  norms: /^norm$/,
  copying: /^(pack_panels|pack_transposed|finish_tile|add_tile|copy_tile|set)$/,
  Go: null,
  'scripts and calls': null,
  messages: /^(postMessage|sum|finishSum|add|takeBuffer|port\.onmessage)$/,
  waiting: /^\(idle\)$/,
  collecting: /^\(garbage collector\)$/,
}
const kinds = Object.keys(works)

/**
 * Profiles a model on pictures. Gives {ms, workers}: the milliseconds of one picture, and
 * for each worker the share of each kind of work in them.
 */
export async function profile(browser, places, { folder, options, pictures }) {
  const { tower: config } = configOf(folder, 'vision')
  const input = { noise: [3, config.image_size, config.image_size], seed: 1 }
  const page = await browser.open({ script: 'vitrine', job: { options: { device: 'simd', workers: 1, ...options }, input }, mounts: { '/model/': folder, '/js/': places.js } })
  try {
    await page.call('run', 5)
    const workers = await page.workers(options.workers ?? 1)
    const all = (method, params) => Promise.all(workers.map((worker) => worker.send(method, params)))
    await all('Profiler.enable')
    await all('Profiler.setSamplingInterval', { interval: 500 })
    await all('Profiler.start')
    const ms = await page.call('run', pictures)
    const profiles = await all('Profiler.stop')
    return { ms, workers: profiles.map(({ profile }) => sharesOf(profile)) }
  } finally {
    await page.close()
  }
}

/** The share of each kind of work in the time of a profile of the DevTools protocol. */
export function sharesOf({ nodes, samples, timeDeltas }) {
  const kindOf = kindsOf(nodes)
  const time = Object.fromEntries(kinds.map((kind) => [kind, 0]))
  samples.forEach((id, i) => (time[kindOf.get(id)] += timeDeltas[i]))
  const total = timeDeltas.reduce((a, b) => a + b)
  return Object.fromEntries(Object.entries(time).map(([kind, t]) => [kind, t / total]))
}

/** The kind of work of each node of a profile's tree, by its id. */
function kindsOf(nodes) {
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((id) => [id, node])))
  /** The Go functions that call a node, the nearest first. */
  const callers = ({ id }) => {
    const names = []
    for (let node = parents.get(id); node; node = parents.get(node.id)) if (isGo(node)) names.push(node.callFrame.functionName)
    return names
  }
  // Attention's products use the same kernel as those of layers. Their caller also calls
  // softmax: it is the nearest Go function, or the second, where the import is between them.
  const attention = new Set(nodes.filter(({ callFrame }) => callFrame.functionName === 'softmax').flatMap((node) => callers(node).slice(0, 2)))
  return new Map(nodes.map((node) => {
    const kind = kinds.find((kind) => works[kind]?.test(node.callFrame.functionName))
    if (kind === 'products of layers' && callers(node).slice(0, 2).some((caller) => attention.has(caller))) return [node.id, 'products of attention']
    return [node.id, kind ?? (isGo(node) ? 'Go' : 'scripts and calls')]
  }))
}

const isGo = ({ callFrame }) => callFrame.url.endsWith('vitrine.wasm')
