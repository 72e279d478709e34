import { execSync } from 'node:child_process'
import { chromium } from 'playwright-core'
import { serve, policy } from '/work/wt-workers/test/browser/serve.mjs'
const [dir, rounds = 6, list = '1,2', dtype = 'auto', call='embedImage'] = process.argv.slice(2)
const server = await serve({ '/': '/work/wt-workers/dist', '/model/': dir }, { headers: { 'content-security-policy': policy }, pages: { '/test.html': '<!doctype html>' } })
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
const page = await browser.newPage()
page.on('console', (m) => console.log(m.text()))
await page.goto(server.url + 'test.html')
await page.exposeFunction('pin', () => {
  if (!process.env.PIN) return
  const parents = new Map(execSync('ps -eo pid=,ppid=').toString().trim().split('\n').map((l) => l.trim().split(/ +/).map(Number)))
  const mine = (pid) => { for (; pid > 1; pid = parents.get(pid)) if (pid === process.pid) return true }
  const tids = execSync(`grep -l DedicatedWorker /proc/[0-9]*/task/*/comm 2>/dev/null || true`).toString().trim().split('\n').map((f) => f.split('/')).filter((f) => mine(+f[2])).map((f) => +f[4]).sort((a, b) => a - b)
  console.log(tids.join());tids.forEach((tid, i) => execSync(`taskset -cp ${i % 2} ${tid}; renice -n -19 -p ${tid}`))
  return tids.length
})
const got = await page.evaluate(async ({ rounds, list, dtype, call }) => {
  const { load } = await import('./js/vitrine.js')
  const models = {}
  const out = {}
  for (const n of list) {
    const t0 = performance.now()
    models[n] = await load('./model', { workers: n, dtype })
    out[n] = { load: performance.now() - t0, ms: [], memory: models[n].info.memory, bytes: models[n].info.bytes, device: models[n].info.kernels }
  }
  console.log('pinned', await pin())
  const { image: [h, w] } = models[list[0]].info.shapes
  const data = new Uint8ClampedArray(4 * h * w).map((_, i) => (i * 7919) % 251)
  for (let r = 0; r < rounds + 1; r++) for (const n of list) {
    const t0 = performance.now()
    const { ms } = await models[n][call]({ data, width: w, height: h })
    if (r) out[n].ms.push(ms.encode)
  }
  for (const n of list) { out[n].memoryAfter = models[n].info.memory; models[n].close() }
  return out
}, { rounds: +rounds, list: list.split(',').map(Number), dtype, call })
const median = (a) => [...a].sort((x, y) => x - y)[a.length >> 1]
const first = list.split(',')[0]
for (const [n, g] of Object.entries(got)) {
  const ratios = got[first].ms.map((a, i) => a / g.ms[i]).sort((x, y) => x - y)
  console.log(n, 'load', g.load.toFixed(0), 'median', median(g.ms).toFixed(1), 'min', Math.min(...g.ms).toFixed(1), 'ratio', median(ratios).toFixed(2), `[${ratios[Math.floor(ratios.length*.1)].toFixed(2)}–${ratios[Math.floor(ratios.length*.9)].toFixed(2)}]`, JSON.stringify(g.memoryAfter), g.bytes, g.device)
}
await browser.close(); await server.close()
