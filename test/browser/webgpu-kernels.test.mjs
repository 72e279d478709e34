// The tests of engine/gpu in a browser: every shader against the scalar Go code,
// on the software adapter, whose driver and compiler are those of the browser.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { pages } from './page.mjs'

const open = pages({ args: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'] })

/** The tests of engine/gpu, compiled to WebAssembly. */
function testProgram() {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-'))
  try {
    const file = join(folder, 'gpu.test.wasm')
    execFileSync('go', ['test', '-c', '-o', file, './engine/gpu'], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      env: { ...process.env, GOOS: 'js', GOARCH: 'wasm' },
    })
    return readFileSync(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

// A software adapter takes seconds for each of the large shaders.
test('the shaders agree with the scalar code in a browser', { timeout: 600_000 }, async () => {
  const page = await open({ script: false, pages: { '/gpu.test.wasm': { type: 'application/wasm', body: testProgram() } } })
  const said = []
  page.on('console', (message) => said.push(message.text()))
  const code = await page.evaluate(async () => {
    await import('/go/wasm_exec.js')
    const { createKernels } = await import('/sources/kernels.js')
    const { openDevice } = await import('/js/webgpu.js')
    globalThis.openDevice = () => openDevice()
    const go = new Go()
    go.argv = ['gpu.test', '-test.v']
    go.importObject.kern = createKernels().imports
    const { instance } = await WebAssembly.instantiateStreaming(fetch('/gpu.test.wasm'), go.importObject)
    return new Promise((resolve) => {
      go.exit = resolve
      go.run(instance)
    })
  })
  assert.equal(code, 0, said.join('\n'))
  assert.ok(said.includes('PASS'), said.join('\n'))
  assert.deepEqual(said.filter((line) => line.includes('--- SKIP')), [])
})
