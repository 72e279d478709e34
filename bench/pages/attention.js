// Attention over the tokens of a picture: the input, and the expected output.

import { noiseOf } from './noise.js'

/** Queries, keys and values, [tokens, 3·heads·dim]. */
export const attentionInput = ({ tokens, heads, dim }) => noiseOf(tokens * 3 * heads * dim, 1, 2)

/** softmax(q·kᵀ/√dim)·v by plain loops, [tokens, heads·dim]. */
export function attentionOf(qkv, { tokens, heads, dim }) {
  const inner = heads * dim
  const out = new Float32Array(tokens * inner)
  const scores = new Float64Array(tokens)
  for (let h = 0; h < heads; h++) {
    for (let i = 0; i < tokens; i++) {
      const q = i * 3 * inner + h * dim
      for (let j = 0; j < tokens; j++) {
        const k = j * 3 * inner + inner + h * dim
        scores[j] = 0
        for (let d = 0; d < dim; d++) scores[j] += qkv[q + d] * qkv[k + d]
      }
      const most = scores.reduce((a, b) => Math.max(a, b))
      let sum = 0
      for (let j = 0; j < tokens; j++) sum += scores[j] = Math.exp((scores[j] - most) / Math.sqrt(dim))
      for (let j = 0; j < tokens; j++) {
        const v = j * 3 * inner + 2 * inner + h * dim
        for (let d = 0; d < dim; d++) out[i * inner + h * dim + d] += (scores[j] / sum) * qkv[v + d]
      }
    }
  }
  return out
}
