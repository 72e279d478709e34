// How js/common/kernels.js chooses the SIMD kernels, on modules that work and that don't.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { createKernels } from '../js/common/kernels.js'

const read = (file) => readFile(new URL(`../engine/kernel/simd/${file}`, import.meta.url))
const memory = () => new WebAssembly.Memory({ initial: 1 })

/** Bytes with every f32x4.add made f32x4.sub: valid, and wrong. */
async function wrong(file) {
  const bytes = await read(file)
  for (let i = 0; (i = bytes.indexOf(Buffer.from([0xfd, 0xe4, 0x01]), i)) >= 0; ) bytes[i + 1] = 0xe5
  return bytes
}

test('plain SIMD works here, and its kernels can be called', async () => {
  const kernels = createKernels()
  const own = memory()
  assert.equal(kernels.imports.connected(1), 0)
  assert.deepEqual((await kernels.connect(own, 'plain', read)).connected, ['plain'])
  assert.equal(kernels.imports.connected(1), 1)
  assert.equal(kernels.imports.connected(2), 0)
  const floats = new Float32Array(own.buffer)
  floats.set([3, 4], 256)
  floats.set([5, 7], 512)
  kernels.imports.multiply(1, 1024, 8, 2048, 8, 1, 2)
  assert.deepEqual([...floats.subarray(256, 258)], [15, 28])
})

test('every import is a function of the modules', async () => {
  const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(await read('plain.wasm')), { go: { mem: memory() } })
  const { connected, zero_offset, ...imports } = createKernels().imports
  const needsRelaxed = (name) => name.endsWith('_bytes') // which Node need not know
  assert.deepEqual(Object.keys(imports).filter((name) => !needsRelaxed(name)).sort(), Object.keys(exports).sort())
})

test('scalar connects nothing and reads nothing', async () => {
  const kernels = createKernels()
  const report = await kernels.connect(memory(), 'scalar', () => assert.fail('read a module'))
  assert.deepEqual(report, { connected: [], refused: {}, compiled: {} })
})

test('auto falls back, and says why', async () => {
  for (const [name, bad, reason] of [
    ['no module', async () => { throw new Error('answered 404') }, /404/],
    ['not a module', async () => new Uint8Array([1, 2, 3]), /instructions/],
    ['a module that miscalculates', wrong, /linear_f32 gave/],
  ]) {
    const kernels = createKernels()
    const one = await kernels.connect(memory(), 'auto', (file) => (file === 'relaxed.wasm' ? bad('plain.wasm') : read(file)))
    assert.deepEqual(one.connected, ['plain'], name)
    assert.match(one.refused.relaxed, reason)
    const none = await createKernels().connect(memory(), 'auto', () => bad('plain.wasm'))
    assert.deepEqual(none.connected, [], name)
    assert.match(none.refused.plain, reason)
  }
})

test('a choice that cannot be met is an error', async () => {
  await assert.rejects(createKernels().connect(memory(), 'plain', wrong), /the plain SIMD kernels do not work here: linear_f32 gave/)
  await assert.rejects(createKernels().connect(memory(), 'avx', read), /unknown choice "avx"; known are auto/)
})
