// Random values that are the same on every machine.

/** Evenly distributed values from −scale to scale. */
export function noiseOf(count, seed, scale) {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return scale * (state / 2 ** 31)
  })
}
