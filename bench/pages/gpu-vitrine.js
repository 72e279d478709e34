// Vitrine's shaders alone, called from Go as the engine calls them, on the chain or on
// attention.

import '/go/wasm_exec.js'
import { createKernels } from '/sources/common/kernels.js'
import { openDevice } from '/js/webgpu.js'
import { attentionInput } from './attention.js'
import { chain, enter } from './chain.js'

enter(async ({ dtype, size, attention }) => {
  const go = new Go()
  go.importObject.kern = createKernels().imports
  const { instance } = await WebAssembly.instantiateStreaming(fetch('/gemm.wasm'), go.importObject)
  go.run(instance)
  await gemm.open(openDevice)
  const bytesOf = (values) => new Uint8Array(values.buffer)
  let length
  if (attention) {
    const { tokens, heads, dim } = attention
    length = tokens * heads * dim
    gemm.setupAttention(tokens, heads, dim, (bytes) => bytes.set(bytesOf(attentionInput(attention))))
  } else {
    const { rows, widths, input, weights } = chain(size)
    length = rows * widths.at(-1)
    gemm.setup(rows, widths, (i, bytes) => bytes.set(bytesOf(i < 0 ? input : weights[i])))
  }
  let last
  return {
    async run(times) {
      last = await (attention ? gemm.attend(times) : gemm.linear(dtype, times))
      return last.ms
    },
    device: () => last.device,
    output() {
      const values = new Float32Array(length)
      gemm.output(bytesOf(values))
      return values
    },
  }
})
