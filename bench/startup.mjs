// The time from navigation to the first ranking, with the embedded model and empty caches.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onnxOf } from './models.mjs'
import { ratio, summary, takeTurns } from './turns.mjs'

/** The lines that it is measured over, in bytes a second. */
const lines = { 'this machine': undefined, 'a line of 20 Mbit/s': 2.5e6 }

/** Rows {line, name, ms, bytes, over}: over is how many times as fast Vitrine is. */
export async function measureStartup(browser, places, turns) {
  const folder = join(places.root, 'site/models/emoji-clip')
  const { labels, logit_scale: scale, token_ids: tokens, pictures } = JSON.parse(readFileSync(join(folder, 'reference.json')))
  const length = Math.max(...labels.map((label) => tokens[label].length))
  const ids = labels.map((label) => [...tokens[label], ...Array(length - tokens[label].length).fill(0)])
  const vision = onnxOf('emoji-clip', folder, 'vision', places)
  const text = onnxOf('emoji-clip', folder, 'text', places, length)
  const { file, shows } = pictures[0]
  const picture = `/model/${file}`
  const entries = [
    { name: 'Vitrine', script: 'start-vitrine', job: { labels, picture }, mounts: { '/model/': folder, '/js/': places.js } },
    {
      name: 'onnxruntime-web', script: 'start-ort',
      job: { labels, ids, scale: Math.exp(scale), input: { picture, view: 0, size: 64, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } },
      mounts: { '/model/': folder, '/ort/': places.ort, '/vision.onnx': vision.f32, '/text.onnx': text.f32 },
    },
  ]
  const rows = []
  for (const [line, rate] of Object.entries(lines)) {
    const bytes = {}
    const contestants = entries.map((entry) => ({
      name: entry.name,
      async run() {
        const page = await browser.open({ ...entry, rate })
        bytes[entry.name] = page.bytes
        await page.close()
        if (page.ready.best !== shows) throw new Error(`${entry.name} takes the ${shows} for ${page.ready.best}`)
        return page.ready.first
      },
    }))
    const times = await takeTurns(contestants, turns)
    for (const { name } of entries) rows.push({ line, name, ms: summary(times[name]), bytes: bytes[name], over: ratio(times[name], times['onnxruntime-web']) })
  }
  return rows
}
