// Every golden case, end to end, on a browser's own WebGPU: all outputs of all runs
// of all families against upstream's.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { assertOnGPU, runGoTests, softwareGPU } from './go-tests.mjs'
import { folders, pages } from './page.mjs'

const open = pages({ args: softwareGPU })

test('every golden case holds in a browser', { timeout: 600_000 }, async () => {
  const parts = ['models', 'tokenizers/clip', 'tokenizers/siglip_spm_test']
  const golden = Object.fromEntries(parts.map((part) => [`/testdata/golden/${part}`, `${folders.testdata}/golden/${part}`]))
  const { code, said } = await runGoTests(open, 'engine', ['-test.run=^TestGoldenModelsOnGPU$'], golden)
  assert.equal(code, 0, said.join('\n'))
  assertOnGPU(said)
  for (const name of readdirSync(folders.testdata + '/golden/models')) assert.ok(said.some((line) => line.includes(`--- PASS: TestGoldenModelsOnGPU/${name} `)), `${name} did not run:\n${said.join('\n')}`)
})
