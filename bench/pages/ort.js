// onnxruntime-web as a contestant, used as its documentation says.

import { enter, job } from './contestant.js'
import { valuesOf } from './input.js'

enter(async () => {
  const { provider = 'wasm' } = job // or 'webgpu'
  const ort = await import(`/ort/ort.${provider}.bundle.min.mjs`)
  ort.env.wasm.wasmPaths = '/ort/'
  ort.env.wasm.numThreads = job.threads
  if (job.threads > 1 && !crossOriginIsolated) throw new Error('threads need an isolated page')
  const session = await ort.InferenceSession.create('/model.onnx', { executionProviders: [provider] })
  return {
    async prepare(input) {
      if (input.ids) return { input_ids: new ort.Tensor('int64', BigInt64Array.from(input.ids.flat(), BigInt), [input.ids.length, input.ids[0].length]) }
      const { pixelValues, shape } = await valuesOf(input)
      return { pixel_values: new ort.Tensor('float32', pixelValues, [1, ...shape]) }
    },
    async infer(feeds) {
      const { embedding, logits } = await session.run(feeds)
      return { embedding: await embedding.getData(), logits: await logits?.getData() }
    },
  }
})
