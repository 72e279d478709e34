// The page in the README works unchanged, beside dist/.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { pages } from './page.mjs'

const open = pages()

test('the page in the README works unchanged', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const html = readme.match(/```html\n(.*?)```/s)[1]
  // The strict policy forbids its inline script.
  const page = await open({ script: false, headers: {}, pages: { '/quickstart.html': html } })
  const lines = []
  const second = new Promise((resolve) => page.on('console', (message) => message.type() === 'log' && lines.push(message.text()) === 2 && resolve()))
  await page.goto(page.server.url + 'quickstart.html')
  await second
  assert.match(lines[0], /^cat 0\.\d+$/)
  assert.match(lines[1], /^the strongest of 8 × 8 patches: 0\.\d+$/)
})
