// The setup of a test file: a browser, a server of dist/ under the strict policy, and a
// function that opens pages with vitrine.js.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { policy, serve } from '../host/host.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))

const goroot = execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim()

/**
 * The folders that the tests serve. sources is js/, because the build bundles its
 * modules; go has wasm_exec.js. shared is not part of a checkout: tests that read it are there only where it is.
 */
export const folders = { dist: root + 'dist', sources: root + 'js', go: goroot + '/lib/wasm', testdata: root + 'testdata', shared: root + '../shared' }

const blank = '<!doctype html><html lang="en"><title>test</title><body>'

/**
 * Sets a test file up. args are flags of the browser. Gives a function open(options) that
 * resolves to a page of Playwright with the module vitrine.js as the global vitrine;
 * page.server is its server (test/host/host.mjs). Options are those of serve and
 *
 *   mounts     more folders to serve, by path
 *   script     false: the page has no globals
 *   allowed    URLs of other hosts that the page may request
 *   complains  true: the page may have complaints
 *
 * Complaints are uncaught errors, violations of the policy and requests to other hosts.
 * The tests fail if a page has any.
 */
export function pages({ args = [] } = {}) {
  let browser
  const opened = []
  before(async () => {
    assert.ok(existsSync(folders.dist + '/js/vitrine.wasm'), 'dist/ is not built: run ./build.sh')
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', ...args],
    })
  })
  after(async () => {
    await browser?.close()
    for (const { server } of opened) await server.close()
    for (const { complaints, complains } of opened) if (!complains) assert.deepEqual(complaints, [])
  })
  return async function open({ headers = { 'content-security-policy': policy }, allowed = [], script = true, complains = false, mounts = {}, ...options } = {}) {
    const server = await serve(
      { '/': folders.dist, '/sources/': folders.sources, '/go/': folders.go, '/testdata/': folders.testdata, '/shared/': folders.shared, ...mounts },
      { headers, ...options, pages: { '/test.html': blank, ...options.pages } },
    )
    const context = await browser.newContext()
    const page = await context.newPage()
    const complaints = []
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.exposeFunction('complain', (what) => complaints.push(what))
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => complain(`policy: ${event.violatedDirective} ${event.blockedURI}`))
    })
    context.on('request', (request) => {
      const { origin, protocol } = new URL(request.url())
      if (/^https?:/.test(protocol) && origin + '/' !== server.url && !allowed.includes(origin + '/')) complaints.push('request: ' + request.url())
    })
    Object.assign(page, { server, complaints, complains })
    opened.push(page)
    await page.goto(server.url + 'test.html')
    if (script) {
      await page.evaluate(async (url) => {
        globalThis.vitrine = await import(url)
        // Resolves to the error that a promise rejects with, as plain data.
        globalThis.failure = async (promise) => {
          try {
            await promise
          } catch (error) {
            return error instanceof vitrine.VitrineError
              ? { code: error.code, message: error.message }
              : { name: error?.name, message: String(error?.message ?? error) }
          }
          return 'it succeeded'
        }
      }, server.url + 'js/vitrine.js')
    }
    return page
  }
}

/** Waits until all workers of a page have ended. */
export async function noWorkers(page) {
  for (const worker of page.workers()) await new Promise((resolve) => (page.workers().includes(worker) ? worker.on('close', resolve) : resolve()))
}

/** Asserts that a failure has a code, and a message with all the words or matches of all the patterns in says. */
export function assertFailure(failure, code, ...says) {
  assert.equal(failure.code, code, JSON.stringify(failure))
  for (const words of says) {
    assert.ok(words instanceof RegExp ? words.test(failure.message) : failure.message.includes(words), `"${failure.message}" does not say ${words}`)
  }
}
