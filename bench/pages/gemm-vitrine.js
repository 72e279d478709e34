// Vitrine's kernels alone, called from Go as the engine calls them.

import '/go/wasm_exec.js'
import { createKernels } from '/sources/common/kernels.js'
import { chain, enter } from './chain.js'

enter(async ({ set, dtype }) => {
  const kernels = createKernels()
  const go = new Go()
  go.importObject.kern = kernels.imports
  const { instance } = await WebAssembly.instantiateStreaming(fetch('/gemm.wasm'), go.importObject)
  await kernels.connect(instance.exports.mem, 'all', async (file) => (await fetch('/js/kernels/' + file)).arrayBuffer())
  go.run(instance)
  const { rows, widths, input, weights } = chain()
  gemm.setup(rows, widths, (i, bytes) => bytes.set(new Uint8Array((i < 0 ? input : weights[i]).buffer)))
  return {
    run: async (times) => gemm.run(set, dtype, times),
    output() {
      const values = new Float32Array(rows * widths.at(-1))
      gemm.output(new Uint8Array(values.buffer))
      return values
    },
  }
})
