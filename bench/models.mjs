// Whole models: pictures and texts, from the call to the answer.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openCeiling } from './ceiling.mjs'
import { exportTower } from './onnx.mjs'
import { agreement, ratio, summary, takeTurns } from './turns.mjs'
import { configOf, flopsOf } from './zoo.mjs'

/** Every configuration of Vitrine. */
const vitrine = [
  { name: 'Vitrine f32', options: {} },
  { name: 'Vitrine f32, plain SIMD', options: { kernels: 'plain' } },
  { name: 'Vitrine f32, scalar', options: { device: 'scalar' }, slow: true },
  { name: 'Vitrine f32, 2 workers', options: { workers: 2 } },
  { name: 'Vitrine q8', options: { dtype: 'q8' } },
  { name: 'Vitrine q8, plain SIMD', options: { dtype: 'q8', kernels: 'plain' } },
  { name: 'Vitrine q8, 2 workers', options: { dtype: 'q8', workers: 2 } },
  { name: 'Vitrine q8, packed file', options: { dtype: 'q8' }, packed: true },
]

/** Every configuration of the peer. Threads need isolation headers. */
const ort = [
  { name: 'ort f32, 1 thread', dtype: 'f32', threads: 1 },
  { name: 'ort q8, 1 thread', dtype: 'q8', threads: 1 },
  { name: 'ort f32, 2 threads, isolated', dtype: 'f32', threads: 2 },
  { name: 'ort q8, 2 threads, isolated', dtype: 'q8', threads: 2 },
]

/** A text that is longer than the model reads, so that every position is used. */
export const longText = 'a drawing of a cat and a dog and a house beside a tree under the moon. '.repeat(10)

/** The input of a model: a picture for a trained one, noise for another. */
export function inputOf(folder, config) {
  const picture = join(folder, 'reference/coco_000000039769_224.png')
  if (existsSync(picture)) return { picture: '/model/reference/coco_000000039769_224.png', view: 0, size: 224, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }
  return { noise: [3, config.image_size, config.image_size], seed: 1 }
}

/** The ONNX files of a tower, written if they don't exist yet. */
export function onnxOf(name, folder, tower, places, length) {
  const files = Object.fromEntries(['f32', 'q8'].map((dtype) => [dtype, join(places.onnx, `${name}-${tower}-${dtype}.onnx`)]))
  if (!existsSync(files.q8)) exportTower(folder, tower, files, length)
  return files
}

/** The folder that vitrine pack makes of a model, written if it doesn't exist yet. */
function packedOf(name, folder, places) {
  const packed = join(places.packed, name)
  if (!existsSync(join(packed, 'model.safetensors'))) execFileSync('go', ['run', './cmd/vitrine', 'pack', '--model', folder, '-o', packed], { cwd: places.root })
  return packed
}

/**
 * Measures a tower. Gives {gflop, rows}: a row is {name, ms, speed, share, over,
 * agreement, bytes, first, memory, weights}, or {name, reason} where it can't run.
 */
export async function measureTower(browser, places, { name, folder, tower, turns, slowTurns, say }) {
  const { tower: config } = configOf(folder, tower)
  const flops = flopsOf(folder, tower)
  const opened = []
  const failed = []
  const join = async (entry, page) => {
    say(`${entry.name}: opening`)
    try {
      const contestant = { ...entry, page: await browser.open(page) }
      opened.push(contestant)
      return contestant
    } catch (error) {
      failed.push({ name: entry.name, reason: String(error.message).split('\n')[0].replace(/^.*VitrineError: /, '') })
    }
  }
  const input = tower === 'text' ? { texts: [longText] } : inputOf(folder, config)
  const mounts = { '/model/': folder }
  for (const entry of vitrine) {
    const options = { device: 'simd', workers: 1, ...entry.options }
    const model = entry.packed ? { '/model/': packedOf(name, folder, places), '/model/reference/': `${folder}/reference` } : mounts
    await join(entry, { script: 'vitrine', job: { options, input }, mounts: { ...model, '/js/': places.js } })
  }
  const theirs = tower === 'text' ? { ids: [await opened[0].page.call('tokens', longText)] } : input
  const files = onnxOf(name, folder, tower, places, theirs.ids?.[0].length)
  for (const entry of ort) {
    await join(entry, { script: 'ort', job: { threads: entry.threads, input: theirs }, isolated: entry.threads > 1, mounts: { ...mounts, '/ort/': places.ort, '/model.onnx': files[entry.dtype] } })
  }

  for (const contestant of opened) {
    const { page } = contestant
    say(`${contestant.name}: warming up`)
    ;[contestant.output] = await page.call('outputs', [contestant.options ? input : theirs])
    const start = performance.now()
    let ms = await page.call('run', 1)
    for (let i = 0; i < 4 && performance.now() - start < 3000; i++) ms = await page.call('run', 1)
    const times = Math.min(20, Math.max(1, Math.round(150 / ms)))
    contestant.run = () => page.call('run', times)
    if (contestant.slow) contestant.turns = slowTurns
  }
  const ceiling = await openCeiling(browser, places)
  say('taking turns')
  const times = await takeTurns([...opened, ceiling], turns)
  await ceiling.close()

  const reference = opened.find((c) => c.name === ort[0].name)
  const rows = opened.map(({ name, options, dtype = options.dtype ?? 'f32', output, page }) => ({
    name,
    ms: summary(times[name]),
    speed: summary(times[name].map((ms) => flops / ms / 1e6)),
    share: summary(times[name].map((ms, turn) => flops / ms / 1e6 / times.ceiling[turn][options?.kernels ?? 'relaxed'][dtype])),
    over: { f32: ratio(times[name], times[ort[0].name]), q8: ratio(times[name], times[ort[1].name]) },
    agreement: reference && agreement(output.embedding, reference.output.embedding),
    bytes: page.bytes,
    first: page.ready.first,
    memory: page.memory(),
    weights: page.ready.info?.bytes,
  }))
  for (const { page } of opened) await page.close()
  return { gflop: flops / 1e9, ceiling: { f32: summary(times.ceiling.map((c) => c.relaxed.f32)), q8: summary(times.ceiling.map((c) => c.relaxed.q8)) }, rows: [...rows, ...failed] }
}
