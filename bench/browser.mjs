// The browser that all contestants share, each in a page, a context and a process
// of its own.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { serve } from './serve.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const minutes = 60_000

/** Starts Chromium. open() gives pages; version names it. */
export async function startBrowser() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // Without a spare process, a new process belongs to the new page.
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', '--disable-features=SpareRendererForSitePerProcess'],
  })
  const devtools = await browser.newBrowserCDPSession()
  const renderers = async () => (await devtools.send('SystemInfo.getProcessInfo')).processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)

  /**
   * Opens a page that runs pages/<script>.js with a job, in a context without any
   * cache, and waits for contestant.ready. Gives {ready, bytes, call, memory, close}:
   *
   *   ready   what contestant.ready resolved to
   *   bytes   what was downloaded up to then
   *   call(method, ...args)   calls the contestant
   *   memory()                the peak of the page's process, in bytes; null where that can't be seen
   */
  async function open({ script, job = {}, mounts = {}, isolated, rate }) {
    const server = await serve({
      isolated, rate,
      mounts: { '/pages/': here + 'pages', ...mounts },
      pages: { '/': `<!doctype html><html lang="en"><meta charset="utf-8"><title>${script}</title><link rel="icon" href="data:,"><script type="module" src="/pages/${script}.js"></script>` },
    })
    const before = await renderers()
    const context = await browser.newContext()
    const close = async () => {
      await context.close()
      server.close()
    }
    try {
      const page = await context.newPage()
      page.setDefaultTimeout(10 * minutes)
      const failed = new Promise((_, reject) => page.on('pageerror', reject))
      await page.goto(`${server.url}#${encodeURIComponent(JSON.stringify(job))}`)
      const pids = (await renderers()).filter((pid) => !before.includes(pid))
      const ready = await Promise.race([failed, page.waitForFunction(() => globalThis.contestant).then(() => page.evaluate(() => contestant.ready))])
      failed.catch(() => {})
      return {
        ready, close,
        bytes: server.sent(),
        call: (method, ...args) => page.evaluate(([method, args]) => contestant[method](...args), [method, args]),
        memory: () => (pids.length === 1 ? peakOf(pids[0]) : null),
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
