// onnxruntime-web on the chain.

import { chain, enter, timed } from './chain.js'
import * as ort from '/ort/ort.wasm.bundle.min.mjs'

enter(async () => {
  ort.env.wasm.wasmPaths = '/ort/'
  ort.env.wasm.numThreads = 1
  const session = await ort.InferenceSession.create('/model.onnx', { executionProviders: ['wasm'] })
  const { rows, widths, input } = chain()
  const x = new ort.Tensor('float32', input, [rows, widths[0]])
  return timed(async () => (await session.run({ x })).y.getData())
})
