// The SIMD kernels pass the tests of package kernel in a browser: its compiler differs
// from Node's.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { pages } from './page.mjs'

const open = pages()

/** The bytes of the tests of engine/kernel, compiled to WebAssembly. */
function testProgram() {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-'))
  try {
    const file = join(folder, 'kernel.test.wasm')
    execFileSync('go', ['test', '-c', '-o', file, './engine/kernel'], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      env: { ...process.env, GOOS: 'js', GOARCH: 'wasm' },
    })
    return readFileSync(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('relaxed and plain SIMD agree with the scalar code in a browser', async () => {
  const page = await open({ script: false, pages: { '/kernel.test.wasm': { type: 'application/wasm', body: testProgram() } } })
  const said = []
  page.on('console', (message) => said.push(message.text()))
  const { report, code } = await page.evaluate(async () => {
    await import('/go/wasm_exec.js')
    const { createKernels } = await import('/sources/common/kernels.js')
    const kernels = createKernels()
    const go = new Go()
    go.importObject.kern = kernels.imports
    const { instance } = await WebAssembly.instantiateStreaming(fetch('/kernel.test.wasm'), go.importObject)
    const { connected, refused } = await kernels.connect(instance.exports.mem, 'all', async (file) => (await fetch('/js/kernels/' + file)).arrayBuffer())
    const code = await new Promise((resolve) => {
      go.exit = resolve
      go.run(instance)
    })
    return { report: { connected, refused }, code }
  })
  assert.deepEqual(report, { connected: ['relaxed', 'plain'], refused: {} })
  assert.equal(code, 0, said.join('\n'))
  assert.ok(said.includes('PASS'), said.join('\n'))
})
