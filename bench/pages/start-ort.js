// From navigation to the first ranking, with onnxruntime-web. Both towers are loaded at
// once, a canvas reads the pixels, and the labels are given as ids: it needs no tokenizer.

import { valuesOf } from './input.js'
import * as ort from '/ort/ort.wasm.bundle.min.mjs'

const { labels, ids, input, scale } = JSON.parse(decodeURIComponent(location.hash.slice(1)))

const unit = (v) => {
  const length = Math.hypot(...v)
  return v.map((x) => x / length)
}

globalThis.contestant = {
  ready: (async () => {
    ort.env.wasm.wasmPaths = '/ort/'
    ort.env.wasm.numThreads = 1
    const open = (path) => ort.InferenceSession.create(path, { executionProviders: ['wasm'] })
    const [vision, text, { pixelValues, shape }] = await Promise.all([open('/vision.onnx'), open('/text.onnx'), valuesOf(input)])
    const { embedding: image } = await vision.run({ pixel_values: new ort.Tensor('float32', pixelValues, [1, ...shape]) })
    const { embedding: texts } = await text.run({ input_ids: new ort.Tensor('int64', BigInt64Array.from(ids.flat(), BigInt), [ids.length, ids[0].length]) })
    const width = image.data.length
    const seen = unit(image.data)
    const ranking = labels
      .map((label, i) => ({ label, logit: scale * unit(texts.data.subarray(i * width, (i + 1) * width)).reduce((sum, x, k) => sum + x * seen[k], 0) }))
      .sort((a, b) => b.logit - a.logit)
    return { first: performance.now(), best: ranking[0].label }
  })(),
}
