// onnxruntime-web on the chain.

import { chain, enter, timed } from './chain.js'

enter(async ({ provider = 'wasm', size }) => {
  const ort = await import(`/ort/ort.${provider}.bundle.min.mjs`)
  ort.env.wasm.wasmPaths = '/ort/'
  ort.env.wasm.numThreads = 1
  const session = await ort.InferenceSession.create('/model.onnx', { executionProviders: [provider] })
  const { rows, widths, input } = chain(size)
  const x = new ort.Tensor('float32', input, [rows, widths[0]])
  return timed(async () => (await session.run({ x })).y.getData())
})
