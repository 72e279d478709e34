// Models that the tests make, where the tree has none of their kind.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Writes a ViT classifier of ViT-Tiny's size with random weights, always the same:
 * pictures of 224×224, patches of 16, 12 layers, 3 heads, 20 classes "kind 0" to
 * "kind 19", 22 MB. It is large enough for several workers, and for a GPU that 'auto'
 * takes. Gives its folder, which is removed when the process ends.
 */
export function randomViT() {
  const [width, hidden, layers, heads, patch, image, classes] = [192, 768, 12, 3, 16, 224, 20]
  const tensors = [] // [name, shape, mean, spread]
  const linear = (name, out, inputs) => tensors.push([name + '.weight', [out, inputs], 0, (3 / inputs) ** 0.5], [name + '.bias', [out], 0, 0.1])
  const norm = (name) => tensors.push([name + '.weight', [width], 1, 0.1], [name + '.bias', [width], 0, 0.1])
  tensors.push(['vit.embeddings.cls_token', [1, 1, width], 0, 1])
  tensors.push(['vit.embeddings.position_embeddings', [1, 1 + (image / patch) ** 2, width], 0, 1])
  tensors.push(['vit.embeddings.patch_embeddings.projection.weight', [width, 3, patch, patch], 0, (1 / patch) ** 2])
  tensors.push(['vit.embeddings.patch_embeddings.projection.bias', [width], 0, 0.1])
  for (let k = 0; k < layers; k++) {
    const block = `vit.encoder.layer.${k}.`
    norm(block + 'layernorm_before')
    for (const part of ['attention.attention.query', 'attention.attention.key', 'attention.attention.value', 'attention.output.dense']) linear(block + part, width, width)
    norm(block + 'layernorm_after')
    linear(block + 'intermediate.dense', hidden, width)
    linear(block + 'output.dense', width, hidden)
  }
  norm('vit.layernorm')
  linear('classifier', classes, width)

  const folder = mkdtempSync(join(tmpdir(), 'vitrine-model-'))
  process.on('exit', () => rmSync(folder, { recursive: true }))
  const write = (name, value) => writeFileSync(join(folder, name), JSON.stringify(value))
  write('config.json', {
    architectures: ['ViTForImageClassification'], model_type: 'vit', hidden_size: width, intermediate_size: hidden, num_hidden_layers: layers,
    num_attention_heads: heads, image_size: image, patch_size: patch, id2label: Object.fromEntries(Array.from({ length: classes }, (_, i) => [i, `kind ${i}`])),
  })
  write('preprocessor_config.json', {
    image_processor_type: 'ViTImageProcessor', do_resize: true, size: { height: image, width: image }, resample: 3, do_rescale: true,
    rescale_factor: 1 / 255, do_normalize: true, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5],
  })
  writeFileSync(join(folder, 'model.safetensors'), safetensors(tensors))
  return folder
}

/** A safetensors file of float32 tensors, each value mean ± spread at random. */
function safetensors(tensors) {
  const header = {}
  let end = 0
  for (const [name, shape] of tensors) {
    const begin = end
    end += 4 * shape.reduce((a, b) => a * b)
    header[name] = { dtype: 'F32', shape, data_offsets: [begin, end] }
  }
  const text = JSON.stringify(header)
  const head = Buffer.from(text + ' '.repeat((8 - (text.length % 8)) % 8))
  const values = new Float32Array(end / 4)
  let at = 0
  let state = 1
  for (const [, shape, mean, spread] of tensors) {
    for (let n = shape.reduce((a, b) => a * b); n > 0; n--) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      values[at++] = mean + spread * (state / 2 ** 31 - 1)
    }
  }
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(head.length))
  return Buffer.concat([length, head, Buffer.from(values.buffer)])
}
