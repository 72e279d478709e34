// jax-js on the chain, on its WebAssembly backend or on WebGPU.

import { chain, enter, timed, transposed } from './chain.js'
import { defaultDevice, init, numpy as np } from '/jax/index.js'

enter(async ({ backend = 'wasm', size }) => {
  await init(backend)
  defaultDevice(backend)
  const { rows, widths, input, weights } = chain(size)
  const x = np.array(input).reshape([rows, widths[0]])
  const layers = weights.map((w, i) => np.array(transposed(w, widths[i + 1], widths[i])).reshape([widths[i], widths[i + 1]]))
  return timed(() => layers.reduce((y, w) => np.matmul(y, w.ref), x.ref).data())
})
