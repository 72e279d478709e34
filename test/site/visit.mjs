// Visits to pages of dist/ on a plain static host, under the strict policy. At its end,
// every page is checked: no request to another host, no violation of the policy, no error
// (../browser/page.mjs).

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after } from 'node:test'
import { pages } from '../browser/page.mjs'

/** Addresses that tests request though they don't exist; the empty page before ours requests favicon.ico. */
const expected404 = /\/(favicon\.ico|models\/nothing\/.*|fixtures\/models\/.*|golden\/models\/.*)$/

/**
 * Sets a test file up; args go to the browser. visit({hash, path, ready, …}) opens the
 * page at a view, or another page; ready (true by default) waits until a ranking and
 * the maps are there, other options are those of pages.
 */
export function visits({ args = [] } = {}) {
  const openPage = pages({ args })
  const consoleErrors = []
  after(() => assert.deepEqual(consoleErrors, []))
  return async function visit({ hash = '', path = '', ready = !path, ...options } = {}) {
    const page = await openPage({ script: false, ...options })
    page.on('console', (message) => {
      const { url } = message.location()
      if (message.type() === 'error' && !expected404.test(url)) consoleErrors.push(`${message.text()} ${url}`)
    })
    await page.setViewportSize({ width: 1280, height: 900 })
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
    await page.goto(page.server.url + path + hash)
    if (ready) await page.locator('#thumbs button').first().waitFor()
    return page
  }
}

/** The violations of accessibility rules that axe finds in a page: [impact, rule, elements]. */
export async function barriers(page) {
  // evaluate is not subject to the policy.
  await page.evaluate(await readFile(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8'))
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }))
  return violations.map(({ id, impact, nodes }) => [impact, id, nodes.map(({ target }) => target.join(' ')).join(', ')])
}

/** The picture on a canvas, as a data URL. */
export const pixelsOf = (page, id) => page.locator(id).evaluate((canvas) => canvas.toDataURL())

/** Waits until a canvas shows something else than before. */
export const changes = (page, id, before) => page.waitForFunction(([selector, old]) =>
  document.querySelector(selector).toDataURL() !== old, [id, before])

/** Puts a sample drawing on the paper. */
export const sample = (page, name) => page.locator(`[data-sample=${name}]`).click()
