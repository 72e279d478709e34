// Every golden case, end to end, on the browser's own WebGPU: all outputs of all runs of
// all families are those of upstream.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { assertOnGPU, runGoTests, softwareGPU } from './go-tests.mjs'
import { folders, pages } from './page.mjs'

const open = pages({ args: softwareGPU })

test('every golden case passes on WebGPU in a browser', { timeout: 600_000 }, async () => {
  const parts = ['models', 'tokenizers/clip', 'tokenizers/siglip_spm_test']
  const golden = Object.fromEntries(parts.map((part) => [`/testdata/golden/${part}`, `${folders.testdata}/golden/${part}`]))
  const { code, said } = await runGoTests(open, 'engine', ['-test.run=^TestGoldenModelsOnGPU$'], golden)
  assert.equal(code, 0, said.join('\n'))
  assertOnGPU(said)
  for (const name of readdirSync(folders.testdata + '/golden/models')) assert.ok(said.some((line) => line.includes(`--- PASS: TestGoldenModelsOnGPU/${name} `)), `${name} did not run:\n${said.join('\n')}`)
})

// The other models run natively, on the scalar device; a software adapter takes long for
// each. These two have a MAP head, and a class token.
test('every call with every option gives the same on WebGPU as on the CPU, whatever the padding of rows', { timeout: 600_000 }, async () => {
  const models = ['siglip_vision', 'vit_model_pooler']
  const golden = Object.fromEntries(models.map((name) => [`/testdata/golden/models/${name}`, `${folders.testdata}/golden/models/${name}`]))
  const { code, said } = await runGoTests(open, 'engine', ['-test.run=^TestEveryCallOnEveryDevice$'], golden)
  assert.equal(code, 0, said.join('\n'))
  assertOnGPU(said)
  for (const name of models) assert.ok(said.some((line) => line.includes(`--- PASS: TestEveryCallOnEveryDevice/${name} `)), `${name} did not run:\n${said.join('\n')}`)
})
