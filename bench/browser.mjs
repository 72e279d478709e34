// The browser that all contestants share, each in a page, a context and a process
// of its own.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { protocolsOf } from './devtools.mjs'
import { serve } from '../test/host/host.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const minutes = 60_000

/** The headers that threads need. */
const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

/** Starts Chromium with additional flags. open() gives pages; version names the browser. */
export async function startBrowser(...flags) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', ...flags],
  })
  const devtools = await browser.newBrowserCDPSession()
  /** The processor time of the pages' processes so far: {process id: seconds}. */
  const work = async () => {
    const { processInfo } = await devtools.send('SystemInfo.getProcessInfo')
    return Object.fromEntries(processInfo.filter(({ type }) => type === 'renderer').map(({ id, cpuTime }) => [id, cpuTime]))
  }

  /**
   * Opens a page that runs pages/<script>.js with a job, in a context without any
   * cache, and waits for contestant.ready. Folders and files are mounted as test/host/host.mjs
   * does; isolated sends the headers that threads need; rate limits the line, in bytes a
   * second. Gives {ready, bytes, call, workers, memory, close}:
   *
   *   ready   what contestant.ready resolved to
   *   bytes   what was downloaded until then
   *   call(method, ...args)   calls the contestant
   *   workers(count)          the DevTools protocol of that many workers
   *   memory()                the peak of the page's process, in bytes; null where it is unknown
   */
  async function open({ script, job = {}, mounts = {}, isolated, rate }) {
    const server = await serve({ '/pages/': here + 'pages', ...mounts }, {
      compress: true, rate, headers: isolated ? isolation : {},
      pages: { '/index.html': `<!doctype html><html lang="en"><meta charset="utf-8"><title>${script}</title><link rel="icon" href="data:,"><script type="module" src="/pages/${script}.js"></script>` },
    })
    const before = await work()
    const context = await browser.newContext()
    const close = async () => {
      await context.close()
      await server.close()
    }
    try {
      const page = await context.newPage()
      page.setDefaultTimeout(10 * minutes)
      const failed = new Promise((_, reject) => page.on('pageerror', reject))
      await page.goto(`${server.url}index.html#${encodeURIComponent(JSON.stringify(job))}`)
      const ready = await Promise.race([failed, page.waitForFunction(() => globalThis.contestant).then(() => page.evaluate(() => contestant.ready))])
      failed.catch(() => {})
      const [[pid]] = Object.entries(await work()).map(([id, seconds]) => [id, seconds - (before[id] ?? 0)]).sort((a, b) => b[1] - a[1])
      return {
        ready, close,
        bytes: await server.sent(),
        call: (method, ...args) => page.evaluate(([method, args]) => contestant[method](...args), [method, args]),
        workers: (count) => protocolsOf(context, page, count),
        memory: () => peakOf(pid), // of the process that was busiest since: all others wait
      }
    } catch (error) {
      await close()
      throw error
    }
  }
  return { open, version: browser.version(), close: () => browser.close() }
}

/** The most memory that a process ever had, in bytes, on Linux. */
function peakOf(pid) {
  try {
    return 1024 * Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmHWM:\s*(\d+) kB/)[1])
  } catch {
    return null
  }
}
