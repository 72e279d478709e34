// The tests of engine/gpu in a browser: every shader against the scalar Go code, with the
// driver and the shader compiler of the browser's software adapter.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertOnGPU, runGoTests, softwareGPU } from './go-tests.mjs'
import { pages } from './page.mjs'

const open = pages({ args: softwareGPU })

// The software adapter takes seconds for each large shader.
test('the shaders agree with the scalar code in a browser', { timeout: 600_000 }, async () => {
  const { code, said } = await runGoTests(open, 'engine/gpu', [])
  assert.equal(code, 0, said.join('\n'))
  assert.ok(said.includes('PASS'), said.join('\n'))
  assertOnGPU(said)
})
