// This build beside another one, such as that of an earlier commit: both in pages of one
// browser, in turns, so that a change is seen that is smaller than the noise of two runs.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inputOf, longText } from './models.mjs'
import { mega, number, table } from './table.mjs'
import { ratio, takeTurns } from './turns.mjs'
import { configOf, folderOf, zoo } from './zoo.mjs'

/** The configurations that are compared: options of load. */
const configurations = [
  { name: 'f32', options: {} },
  { name: 'f32, plain SIMD', options: { kernels: 'plain' } },
  { name: 'f32, 2 workers', options: { workers: 2 } },
  { name: 'q8', options: { dtype: 'q8' } },
]

/**
 * Measures rows {what, over, bytes, memory}: over is how many times as fast this build is as
 * the other one, turn by turn; bytes and memory are [now, before]. other is the folder dist
 * of the other build.
 */
export async function measureAgainst(browser, places, other, { models, turns, say }) {
  const scripts = { now: places.js, before: join(other, 'js') }
  readFileSync(join(scripts.before, 'vitrine.js')) // fails here rather than in the page
  const rows = [await startup(browser, places, scripts, turns)]
  for (const name of models) {
    const folder = folderOf(name, places.root, places.models)
    for (const tower of folder ? zoo[name].towers : []) {
      const { tower: config } = configOf(folder, tower)
      const input = tower === 'text' ? { texts: [longText] } : inputOf(folder, config)
      for (const { name: configuration, options } of configurations) {
        const what = `${zoo[name].title}${tower === 'text' ? ', text' : ''}, ${configuration}`
        say(`against: ${what}`)
        rows.push({ what, ...await pair(browser, scripts, folder, { options: { device: 'simd', workers: 1, ...options }, input }, turns) })
      }
    }
  }
  return rows
}

/** Runs one job in both builds, in turns. */
async function pair(browser, scripts, folder, job, turns) {
  const contestants = []
  for (const [name, js] of Object.entries(scripts)) {
    const page = await browser.open({ script: 'vitrine', job, mounts: { '/model/': folder, '/js/': js } })
    let ms = await page.call('run', 1)
    for (let i = 0; i < 3; i++) ms = await page.call('run', 1) // warms up
    contestants.push({ name, page, times: Math.min(20, Math.max(1, Math.round(300 / ms))) })
  }
  const times = await takeTurns(contestants.map(({ name, page, times }) => ({ name, run: () => page.call('run', times) })), turns)
  const row = { over: ratio(times.now, times.before), bytes: contestants.map(({ page }) => page.bytes), memory: contestants.map(({ page }) => page.memory()) }
  for (const { page } of contestants) await page.close()
  return row
}

/** From navigation to the first ranking of the embedded model, in both builds. */
async function startup(browser, places, scripts, turns) {
  const folder = join(places.root, 'site/models/emoji-clip')
  const { labels, pictures } = JSON.parse(readFileSync(join(folder, 'reference.json')))
  const bytes = {}
  const contestants = Object.entries(scripts).map(([name, js]) => ({
    name,
    async run() {
      const page = await browser.open({ script: 'start-vitrine', job: { labels, picture: `/model/${pictures[0].file}` }, mounts: { '/model/': folder, '/js/': js } })
      bytes[name] = page.bytes
      await page.close()
      return page.ready.first
    },
  }))
  const times = await takeTurns(contestants, turns)
  return { what: 'navigation to the first ranking, embedded model', over: ratio(times.now, times.before), bytes: [bytes.now, bytes.before], memory: [null, null] }
}

/** The rows as a table in Markdown. */
export function againstTable(rows) {
  return table(
    ['', 'times as fast as before', 'MB downloaded, now', 'before', 'peak MB, now', 'before'],
    rows.map(({ what, over, bytes, memory }) => [what, `${number(over.median, 3)} [${number(over.low, 3)}–${number(over.high, 3)}]`, ...bytes.map((n) => mega(n, 2)), ...memory.map((n) => mega(n))]),
  )
}
