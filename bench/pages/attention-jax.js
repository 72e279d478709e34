// jax-js on WebGPU, attention.

import { attentionInput } from './attention.js'
import { enter, timed } from './chain.js'
import { defaultDevice, init, nn, numpy as np } from '/jax/index.js'

enter(async ({ attention }) => {
  await init('webgpu')
  defaultDevice('webgpu')
  const { tokens, heads, dim } = attention
  const qkv = attentionInput(attention)
  const part = (k) => {
    const inner = heads * dim
    const values = new Float32Array(tokens * inner)
    for (let i = 0; i < tokens; i++) values.set(qkv.subarray((3 * i + k) * inner, (3 * i + k + 1) * inner), i * inner)
    return np.array(values).reshape([1, tokens, heads, dim])
  }
  const [q, k, v] = [part(0), part(1), part(2)]
  return timed(() => nn.dotProductAttention(q.ref, k.ref, v.ref).data())
})
