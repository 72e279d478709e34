// What loads leave in the page: vitrine.wasm is compiled once, and the memory of the page's
// process does not grow with every model that is loaded and closed.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { platform } from 'node:process'
import { test } from 'node:test'
import { noWorkers, pages } from './page.mjs'

const open = pages()

const wasm = '/js/vitrine.wasm'

/** Loads and closes models in the page, one after the other. */
const loads = (page, count) => page.evaluate(async (count) => {
  for (let i = 0; i < count; i++) {
    const model = await vitrine.load('./models/emoji-clip')
    model.close()
  }
}, count)

test('vitrine.wasm is fetched and compiled once for a page', async () => {
  const page = await open()
  const [first, other, later] = await page.evaluate(async () => {
    const two = await Promise.all([vitrine.load('./models/emoji-clip'), vitrine.load('./models/emoji-clip')])
    const models = [...two, await vitrine.load('./models/emoji-clip')]
    models.forEach((model) => model.close())
    return models.map(({ info }) => info.requests.filter(({ url }) => url.endsWith('/js/vitrine.wasm')).map(({ status, bytes }) => ({ status, bytes })))
  })
  assert.equal(first.length, 1)
  assert.equal(first[0].status, 200)
  assert.ok(first[0].bytes > 1e6, `its request has ${first[0].bytes} bytes`)
  assert.deepEqual([other, later], [[], []])
  assert.equal(page.server.requests.filter((path) => path === wasm).length, 1)
})

test('a compilation that failed is tried again by the next load', async () => {
  const refused = 2 // the page's request, and that of the first worker
  let asked = 0
  const page = await open({ habits: (path) => (path === wasm && ++asked <= refused ? { status: 503 } : {}) })
  const { code } = await page.evaluate(() => failure(vitrine.load('./models/emoji-clip')))
  assert.equal(code, 'network')
  await loads(page, 2)
  assert.equal(asked, refused + 1)
})

test('50 loads leave no more memory in the page than 5', { skip: platform !== 'linux', timeout: 300_000 }, async () => {
  const page = await open()
  const memory = await memoryOf(page)
  await loads(page, 5)
  await noWorkers(page)
  const after5 = await memory()
  await loads(page, 45)
  await noWorkers(page)
  // What ended workers had is given back in the browser's own time. The browser also compiles
  // functions again that have run often, and takes memory in steps of 2 MiB.
  const limit = after5 + (4 << 20)
  let after50
  for (let i = 0; i < 20 && !(after50 <= limit); i++) after50 = await memory()
  assert.ok(after50 <= limit, `the process had ${after5} bytes after 5 loads, and ${after50} after 50`)
})

/** Resolves to a function that collects the page's garbage and resolves to the bytes of its process's own data. */
async function memoryOf(page) {
  const session = await page.context().newCDPSession(page)
  const devtools = await page.context().browser().newBrowserCDPSession()
  /** The processor time of every page's process, by its id. */
  const work = async () => {
    const { processInfo } = await devtools.send('SystemInfo.getProcessInfo')
    return new Map(processInfo.filter(({ type }) => type === 'renderer').map(({ id, cpuTime }) => [id, cpuTime]))
  }
  const before = await work()
  await page.evaluate(() => {
    for (const start = performance.now(); performance.now() - start < 500;);
  })
  const [[pid]] = [...await work()].map(([id, seconds]) => [id, seconds - (before.get(id) ?? 0)]).sort((a, b) => b[1] - a[1])
  return async () => {
    for (let i = 0; i < 3; i++) {
      await session.send('HeapProfiler.collectGarbage')
      await session.send('Memory.simulatePressureNotification', { level: 'critical' }) // gives free blocks back
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    // Private pages of files are left out: whether a page is private depends on other processes.
    return 1024 * Number(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').match(/^Anonymous:\s*(\d+) kB$/m)[1])
  }
}
