// The models of the bench, and how those with random weights are made. Speed does not
// depend on the weights. Accuracy does, so accuracy.mjs uses trained models.

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeTensors } from './safetensors.mjs'

const vit = (width, heads) => ({
  architectures: ['ViTForImageClassification'], model_type: 'vit', hidden_size: width, num_hidden_layers: 12, num_attention_heads: heads,
  intermediate_size: 4 * width, hidden_act: 'gelu', image_size: 224, patch_size: 16, layer_norm_eps: 1e-12, num_labels: 1000,
})
const clip = {
  architectures: ['CLIPModel'], model_type: 'clip', projection_dim: 512,
  vision_config: {
    model_type: 'clip_vision_model', hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12, intermediate_size: 3072,
    hidden_act: 'quick_gelu', image_size: 224, patch_size: 32, layer_norm_eps: 1e-5, projection_dim: 512,
  },
  text_config: {
    model_type: 'clip_text_model', hidden_size: 512, num_hidden_layers: 12, num_attention_heads: 8, intermediate_size: 2048,
    hidden_act: 'quick_gelu', max_position_embeddings: 77, vocab_size: 49408, layer_norm_eps: 1e-5, projection_dim: 512,
    bos_token_id: 2512, eos_token_id: 2513, // of the tokenizer that is copied beside it
  },
}
const siglip = {
  architectures: ['SiglipVisionModel'], model_type: 'siglip_vision_model', hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12,
  intermediate_size: 3072, hidden_act: 'gelu_pytorch_tanh', image_size: 224, patch_size: 16, layer_norm_eps: 1e-6,
}

/** The models, by the names that --models takes. A model with a folder is not made: its folder exists, or the model is left out. */
export const zoo = {
  'vit-tiny': { title: 'ViT-Tiny/16 (trained)', folder: '../shared/models/vit-tiny-imagenet', towers: ['vision'] },
  'vit-small': { title: 'ViT-S/16', config: vit(384, 6), towers: ['vision'] },
  'vit-base': { title: 'ViT-B/16', config: vit(768, 12), towers: ['vision'] },
  'clip-base': { title: 'CLIP-B/32', config: clip, towers: ['vision', 'text'] },
  'siglip-base': { title: 'SigLIP-B/16', config: siglip, towers: ['vision'] },
}

/** The folder of a model; null where there is none. Models with random weights are written to made. */
export function folderOf(name, root, made) {
  const { folder, config } = zoo[name]
  if (folder) return existsSync(join(root, folder, 'config.json')) ? join(root, folder) : null
  const path = join(made, name)
  if (existsSync(join(path, 'config.json'))) return path
  mkdirSync(path, { recursive: true })
  writeTensors(join(path, 'model.safetensors'), tensorsOf(config))
  if (config.text_config) {
    for (const file of ['vocab.json', 'merges.txt']) copyFileSync(join(root, 'site/models/emoji-clip', file), join(path, file))
    const { model_max_length: _, ...tokenizer } = JSON.parse(readFileSync(join(root, 'site/models/emoji-clip/tokenizer_config.json')))
    writeFileSync(join(path, 'tokenizer_config.json'), JSON.stringify(tokenizer))
  }
  writeFileSync(join(path, 'config.json'), JSON.stringify(config)) // written last: a folder that has it is complete
  return path
}

/** [name, shape, fill] of all tensors, with Hugging Face's names. */
function tensorsOf(config) {
  let state = 1
  const tensors = []
  const add = (name, shape, scale, centre = 0) =>
    tensors.push([name, shape, (data) => {
      for (let i = 0; i < data.length; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) | 0 // Numerical Recipes' generator
        data[i] = centre + scale * (state / 2 ** 31)
      }
    }])
  const linear = (name, out, inputs, bias = true) => {
    add(`${name}.weight`, [out, inputs], Math.sqrt(3 / inputs)) // keeps the variance
    if (bias) add(`${name}.bias`, [out], 0.02)
  }
  const norm = (name, width) => {
    add(`${name}.weight`, [width], 0.1, 1)
    add(`${name}.bias`, [width], 0.05)
  }
  const blocks = (c, start, { query, key, value, out, norm1, norm2, up, down }) => {
    for (let k = 0; k < c.num_hidden_layers; k++) {
      for (const part of [query, key, value, out]) linear(`${start}.${k}.${part}`, c.hidden_size, c.hidden_size)
      for (const part of [norm1, norm2]) norm(`${start}.${k}.${part}`, c.hidden_size)
      linear(`${start}.${k}.${up}`, c.intermediate_size, c.hidden_size)
      linear(`${start}.${k}.${down}`, c.hidden_size, c.intermediate_size)
    }
  }
  const patches = (c) => (c.image_size / c.patch_size) ** 2
  const embedding = (name, c, bias) => {
    add(`${name}.weight`, [c.hidden_size, 3, c.patch_size, c.patch_size], 0.06)
    if (bias) add(`${name}.bias`, [c.hidden_size], 0.02)
  }

  const { vision_config: v = config, text_config: t } = config
  const width = v.hidden_size
  switch (config.model_type) {
    case 'vit':
      add('vit.embeddings.cls_token', [1, 1, width], 0.5)
      add('vit.embeddings.position_embeddings', [1, 1 + patches(v), width], 0.5)
      embedding('vit.embeddings.patch_embeddings.projection', v, true)
      blocks(v, 'vit.encoder.layer', vitBlock)
      norm('vit.layernorm', width)
      linear('classifier', config.num_labels, width)
      break
    case 'clip':
      add('vision_model.embeddings.class_embedding', [width], 0.5)
      add('vision_model.embeddings.position_embedding.weight', [1 + patches(v), width], 0.5)
      embedding('vision_model.embeddings.patch_embedding', v, false)
      norm('vision_model.pre_layrnorm', width)
      blocks(v, 'vision_model.encoder.layers', clipBlock)
      norm('vision_model.post_layernorm', width)
      linear('visual_projection', config.projection_dim, width, false)
      add('text_model.embeddings.token_embedding.weight', [t.vocab_size, t.hidden_size], 0.5)
      add('text_model.embeddings.position_embedding.weight', [t.max_position_embeddings, t.hidden_size], 0.5)
      blocks(t, 'text_model.encoder.layers', clipBlock)
      norm('text_model.final_layer_norm', t.hidden_size)
      linear('text_projection', config.projection_dim, t.hidden_size, false)
      add('logit_scale', [], 0, 4.6)
      break
    case 'siglip_vision_model':
      add('vision_model.embeddings.position_embedding.weight', [patches(v), width], 0.5)
      embedding('vision_model.embeddings.patch_embedding', v, true)
      blocks(v, 'vision_model.encoder.layers', clipBlock)
      norm('vision_model.post_layernorm', width)
      add('vision_model.head.probe', [1, 1, width], 0.5)
      add('vision_model.head.attention.in_proj_weight', [3 * width, width], Math.sqrt(3 / width))
      add('vision_model.head.attention.in_proj_bias', [3 * width], 0.02)
      linear('vision_model.head.attention.out_proj', width, width)
      norm('vision_model.head.layernorm', width)
      linear('vision_model.head.mlp.fc1', v.intermediate_size, width)
      linear('vision_model.head.mlp.fc2', width, v.intermediate_size)
  }
  return tensors
}

/** The names of a block's parts in ViT. */
export const vitBlock = {
  query: 'attention.attention.query', key: 'attention.attention.key', value: 'attention.attention.value', out: 'attention.output.dense',
  norm1: 'layernorm_before', norm2: 'layernorm_after', up: 'intermediate.dense', down: 'output.dense',
}

/** Their names in CLIP and SigLIP. */
export const clipBlock = {
  query: 'self_attn.q_proj', key: 'self_attn.k_proj', value: 'self_attn.v_proj', out: 'self_attn.out_proj',
  norm1: 'layer_norm1', norm2: 'layer_norm2', up: 'mlp.fc1', down: 'mlp.fc2',
}

/** The config of a folder's model, and of one tower in it. */
export function configOf(folder, tower) {
  const config = JSON.parse(readFileSync(join(folder, 'config.json')))
  return { config, tower: (tower === 'text' ? config.text_config : config.vision_config) ?? config }
}

/** The multiplications and additions for one picture or one text of full length, without norms, softmax and activations. */
export function flopsOf(folder, tower) {
  const { config, tower: c } = configOf(folder, tower)
  const { hidden_size: width, intermediate_size: hidden, num_hidden_layers: layers } = c
  const patches = tower === 'text' ? 0 : (c.image_size / c.patch_size) ** 2
  const siglip = config.model_type === 'siglip_vision_model'
  const tokens = tower === 'text' ? c.max_position_embeddings : patches + (siglip ? 0 : 1)
  let products = tower === 'text' ? 0 : patches * 3 * c.patch_size ** 2 * width
  products += layers * (tokens * (4 * width * width + 2 * width * hidden) + 2 * tokens * tokens * width)
  if (siglip) products += 2 * tokens * width * width + 2 * width * width + 2 * tokens * width + 2 * width * hidden
  else products += width * (config.projection_dim ?? Object.keys(config.id2label ?? {}).length) // one token's head
  return 2 * products
}
