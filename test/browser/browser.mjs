// One headless Chromium for a test file.

import { after, before } from 'node:test'
import { chromium } from 'playwright-core'

/** Where the browser is. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

/**
 * Starts a browser before the tests of a file and ends it after them. Gives a
 * function open(url) → page. A page collects in page.complaints what must not
 * happen: errors nobody caught, and violations of its policy.
 */
export function withBrowser() {
  let browser
  before(async () => {
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
    })
  })
  after(() => browser?.close())
  return async function open(url) {
    const context = await browser.newContext()
    const page = await context.newPage()
    page.complaints = []
    page.on('pageerror', (error) => page.complaints.push(String(error)))
    await page.addInitScript(() => {
      globalThis.violations = []
      addEventListener('securitypolicyviolation', (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`))
    })
    await page.goto(url)
    return page
  }
}
