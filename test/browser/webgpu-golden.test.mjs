// Every golden case, end to end, on the browser's own WebGPU: all outputs of all runs of
// all families are those of upstream.

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { runGoTests, softwareGPU } from './go-tests.mjs'
import { folders, pages } from './page.mjs'

const open = pages({ args: softwareGPU })

test('every golden case passes on WebGPU in a browser', { timeout: 600_000 }, async () => {
  const golden = { '/testdata/golden': folders.testdata + '/golden', '/shared/fixtures': folders.shared + '/fixtures' }
  const there = Object.entries(golden).filter(([, folder]) => existsSync(folder))
  const parts = there.flatMap(([path, folder]) => ['models', 'tokenizers/clip'].map((part) => [`${path}/${part}`, `${folder}/${part}`])).filter(([, folder]) => existsSync(folder))
  const { code, said } = await runGoTests(open, 'engine', ['-test.run=^TestGoldenModelsOnGPU$'], Object.fromEntries(parts))
  assert.equal(code, 0, said.join('\n'))
  assert.deepEqual(said.filter((line) => line.includes('--- SKIP')), [])
  const cases = new Set(there.flatMap(([, folder]) => readdirSync(`${folder}/models`)))
  for (const name of cases) assert.ok(said.some((line) => line.includes(`--- PASS: TestGoldenModelsOnGPU/${name} `)), `${name} did not run:\n${said.join('\n')}`)
})
