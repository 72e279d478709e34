// A chain of layers, 197 × 768 → 3072 → 768 …: the matrix products of a ViT-B/16. In a
// chain, input and output take little of the time.

import { noiseOf } from './noise.js'

/** {rows, widths, input, weights}: weights[i] is [widths[i+1], widths[i]]; hidden layers are four times as wide. */
export function chain({ width = 768, layers = 8 } = {}) {
  const rows = 197
  const widths = Array.from({ length: layers + 1 }, (_, i) => (i % 2 ? 4 * width : width))
  return {
    rows, widths,
    input: noiseOf(rows * widths[0], 1, 1),
    weights: widths.slice(1).map((out, i) => noiseOf(out * widths[i], i + 2, Math.sqrt(3 / widths[i]))),
  }
}

/** W transposed to [in, out], as the libraries take it. */
export function transposed(weights, out, inputs) {
  const y = new Float32Array(weights.length)
  for (let n = 0; n < out; n++) for (let k = 0; k < inputs; k++) y[k * out + n] = weights[n * inputs + k]
  return y
}

/**
 * Makes the page a contestant: start(job) resolves to {run(times), output(), device()}.
 * contestant.run gives the ms of a pass, contestant.output its values, and
 * contestant.device the ms that the last pass waited for a GPU, NaN where they are unknown.
 */
export function enter(start) {
  const job = JSON.parse(decodeURIComponent(location.hash.slice(1)))
  globalThis.contestant = {}
  contestant.ready = start(job).then(async ({ run, output, device = () => NaN }) => {
    await run(1)
    Object.assign(contestant, { run, device, output: async () => [...(await output())] })
    return {}
  })
  contestant.ready.catch(() => {}) // the runner awaits it
}

/** A run of an asynchronous pass that resolves to the values. */
export function timed(pass) {
  let values
  return {
    async run(times) {
      const start = performance.now()
      for (let i = 0; i < times; i++) values = await pass()
      return (performance.now() - start) / times
    },
    output: () => values,
  }
}
