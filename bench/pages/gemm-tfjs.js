// TensorFlow.js on its WebAssembly backend, which is XNNPACK, on the chain.

import { chain, enter, timed, transposed } from './chain.js'

const script = (src) => new Promise((resolve, reject) => document.head.append(Object.assign(document.createElement('script'), { src, onload: resolve, onerror: reject })))

enter(async () => {
  await script('/tfjs-core/tf-core.min.js')
  await script('/tfjs/tf-backend-wasm.min.js')
  tf.wasm.setWasmPaths('/tfjs/')
  await tf.setBackend('wasm')
  await tf.ready()
  const { rows, widths, input, weights } = chain()
  const x = tf.tensor2d(input, [rows, widths[0]])
  const layers = weights.map((w, i) => tf.tensor2d(transposed(w, widths[i + 1], widths[i]), [widths[i], widths[i + 1]]))
  return timed(async () => {
    const y = tf.tidy(() => layers.reduce((y, w) => tf.matMul(y, w), x))
    const values = await y.data()
    y.dispose()
    return values
  })
})
