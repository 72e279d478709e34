// Writes a tower of a model folder as an ONNX graph, for onnxruntime-web: float32,
// or in the 8-bit form that its own tool makes by default (dynamic quantisation).
//
// Inputs: pixel_values [1, 3, H, W], or input_ids [texts, length].
// Outputs: embedding, and logits where there is a classifier.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTensors } from './safetensors.mjs'
import { clipBlock, configOf, vitBlock } from './zoo.mjs'

// Protocol Buffers: a message is a sequence of fields, here a list of byte arrays.

const varint = (value) => {
  const bytes = []
  let v = BigInt.asUintN(64, BigInt(value))
  for (; v > 127n; v >>= 7n) bytes.push(Number(v & 127n) | 128)
  return Uint8Array.from([...bytes, Number(v)])
}
const size = (chunks) => chunks.reduce((sum, c) => sum + c.length, 0)
const integer = (number, value) => [varint(number << 3), varint(value)]
const float = (number, value) => [varint((number << 3) | 5), new Uint8Array(Float32Array.of(value).buffer)]
const message = (number, fields) => {
  const chunks = fields.flat()
  return [varint((number << 3) | 2), varint(size(chunks)), ...chunks]
}
const bytes = (number, array) => message(number, [new Uint8Array(array.buffer, array.byteOffset, array.byteLength)])
const text = (number, string) => bytes(number, Buffer.from(string))

// The numbers of fields and types are those of onnx.proto.

const FLOAT = 1, UINT8 = 2, INT64 = 7
const attributes = {
  float: (name, v) => message(5, [text(1, name), float(2, v), integer(20, 1)]),
  int: (name, v) => message(5, [text(1, name), integer(3, v), integer(20, 2)]),
  string: (name, v) => message(5, [text(1, name), text(4, v), integer(20, 3)]),
  ints: (name, v) => message(5, [text(1, name), ...v.map((i) => integer(8, i)), integer(20, 7)]),
}
const valueInfo = (number, name, type, dims) =>
  message(number, [text(1, name), message(2, [message(1, [integer(1, type), message(2, dims.map((d) => message(1, [typeof d === 'string' ? text(2, d) : integer(1, d)])))])])])

/** A graph under construction. Operations give the names of their results. */
class Graph {
  #nodes = []
  #constants = []
  #inputs = []
  #outputs = []
  #count = 0
  #quantised = new Map() // name → [quantised, scale, zero point]: several layers may read one value

  constructor(tensors, q8) {
    this.tensors = tensors
    this.q8 = q8
  }

  input(name, type, dims) {
    this.#inputs.push(valueInfo(11, name, type, dims))
    return name
  }

  output(name, value, dims) {
    this.#nodes.push(message(1, [text(1, value), text(2, name), text(4, 'Identity')]))
    this.#outputs.push(valueInfo(12, name, FLOAT, dims))
  }

  nodes(count, type, inputs, ...attributes) {
    const outputs = Array.from({ length: count }, () => `v${this.#count++}`)
    this.#nodes.push(message(1, [...inputs.map((n) => text(1, n)), ...outputs.map((n) => text(2, n)), text(4, type), ...attributes]))
    return outputs
  }

  node(type, inputs, ...attributes) {
    return this.nodes(1, type, inputs, ...attributes)[0]
  }

  constant(data, dims, type = FLOAT) {
    const name = `c${this.#count++}`
    this.#constants.push(message(5, [...dims.map((d) => integer(1, d)), integer(2, type), text(8, name), bytes(9, data)]))
    return name
  }

  scalar(value) { return this.constant(Float32Array.of(value), []) }
  indices(...values) { return this.constant(BigInt64Array.from(values, BigInt), [values.length], INT64) }

  tensor(name) {
    if (!this.tensors[name]) throw new Error(`the weights lack ${name}`)
    return this.tensors[name]
  }

  parameter(name, dims = this.tensor(name).shape) { return this.constant(this.tensor(name).data, dims) }

  /** x·Wᵀ + b; rows [from, to) of W, all of them by default. */
  linear(x, weight, bias, from = 0, to = this.tensor(weight).shape[0]) {
    const { data, shape: [, inputs] } = this.tensor(weight)
    const columns = to - from
    const transposed = new Float32Array(inputs * columns)
    for (let n = 0; n < columns; n++) for (let k = 0; k < inputs; k++) transposed[k * columns + n] = data[(from + n) * inputs + k]
    const y = this.q8 ? this.#integerProduct(x, transposed, [inputs, columns]) : this.node('MatMul', [x, this.constant(transposed, [inputs, columns])])
    return bias && this.tensors[bias] ? this.node('Add', [y, this.constant(this.tensor(bias).data.subarray(from, to), [columns])]) : y
  }

  /** Both operands in 8 bits, with one scale and zero point for each tensor, as onnxruntime's quantize_dynamic does. */
  #integerProduct(x, weights, dims) {
    if (!this.#quantised.has(x)) this.#quantised.set(x, this.nodes(3, 'DynamicQuantizeLinear', [x]))
    const [xq, xScale, xZero] = this.#quantised.get(x)
    let low = 0, high = 0
    for (const w of weights) {
      low = Math.min(low, w)
      high = Math.max(high, w)
    }
    const scale = (high - low) / 255 || 1
    const zero = Math.round(-low / scale)
    const codes = Uint8Array.from(weights, (w) => Math.min(255, Math.max(0, Math.round(w / scale) + zero)))
    const sums = this.node('MatMulInteger', [xq, this.constant(codes, dims, UINT8), xZero, this.constant(Uint8Array.of(zero), [], UINT8)])
    return this.node('Mul', [this.node('Cast', [sums], attributes.int('to', FLOAT)), this.node('Mul', [xScale, this.scalar(scale)])])
  }

  norm(x, name, eps) {
    return this.node('LayerNormalization', [x, this.parameter(`${name}.weight`), this.parameter(`${name}.bias`)], attributes.int('axis', -1), attributes.float('epsilon', eps))
  }

  activation(x, kind) {
    if (kind === 'quick_gelu') return this.node('Mul', [x, this.node('Sigmoid', [this.node('Mul', [x, this.scalar(1.702)])])])
    return this.node('Gelu', [x], attributes.string('approximate', kind === 'gelu' ? 'none' : 'tanh'))
  }

  /** Attention of queries to keys and values, each [batch, tokens, width]. */
  attend(q, k, v, width, heads, mask) {
    const split = this.indices(0, 0, heads, width / heads)
    const perHead = (x, order) => this.node('Transpose', [this.node('Reshape', [x, split])], attributes.ints('perm', order))
    const products = this.node('MatMul', [perHead(q, [0, 2, 1, 3]), perHead(k, [0, 2, 3, 1])])
    let scores = this.node('Mul', [products, this.scalar(Math.sqrt(heads / width))])
    if (mask) scores = this.node('Add', [scores, mask])
    const mixed = this.node('MatMul', [this.node('Softmax', [scores], attributes.int('axis', -1)), perHead(v, [0, 2, 1, 3])])
    return this.node('Reshape', [this.node('Transpose', [mixed], attributes.ints('perm', [0, 2, 1, 3])), this.indices(0, 0, width)])
  }

  blocks(x, c, start, names, mask) {
    for (let k = 0; k < c.num_hidden_layers; k++) {
      const linear = (y, part) => this.linear(y, `${start}.${k}.${names[part]}.weight`, `${start}.${k}.${names[part]}.bias`)
      const norm = (y, part) => this.norm(y, `${start}.${k}.${names[part]}`, c.layer_norm_eps)
      const before = norm(x, 'norm1')
      const mixed = this.attend(linear(before, 'query'), linear(before, 'key'), linear(before, 'value'), c.hidden_size, c.num_attention_heads, mask)
      x = this.node('Add', [x, linear(mixed, 'out')])
      x = this.node('Add', [x, linear(this.activation(linear(norm(x, 'norm2'), 'up'), c.hidden_act), 'down')])
    }
    return x
  }

  /** Patches as tokens with their positions, after the class token where one is named: [1, tokens, width]. */
  patches(c, names) {
    const { hidden_size: width, patch_size: patch, image_size: image } = c
    const pixels = this.input('pixel_values', FLOAT, [1, 3, image, image])
    const bias = this.tensors[`${names.patch}.bias`] ? [this.parameter(`${names.patch}.bias`)] : []
    const square = [attributes.ints('kernel_shape', [patch, patch]), attributes.ints('strides', [patch, patch])]
    const planes = this.node('Conv', [pixels, this.parameter(`${names.patch}.weight`), ...bias], ...square)
    let x = this.node('Transpose', [this.node('Reshape', [planes, this.indices(0, width, -1)])], attributes.ints('perm', [0, 2, 1]))
    if (names.class) x = this.node('Concat', [this.parameter(names.class, [1, 1, width]), x], attributes.int('axis', 1))
    const positions = this.tensor(names.positions).data
    return this.node('Add', [x, this.constant(positions, [1, positions.length / width, width])])
  }

  /** Token i of each sequence: [batch, width]. */
  token(x, i) {
    return this.node('Squeeze', [this.node('Slice', [x, this.indices(i), this.indices(i + 1), this.indices(1)]), this.indices(1)])
  }

  write(path) {
    const graph = message(7, [...this.#nodes, text(2, 'tower'), ...this.#constants, ...this.#inputs, ...this.#outputs])
    writeFileSync(path, Buffer.concat([integer(1, 9), graph, message(8, [text(1, ''), integer(2, 20)])].flat()))
  }
}

const towers = {
  vit(g, c) {
    const x = g.patches(c, { patch: 'vit.embeddings.patch_embeddings.projection', class: 'vit.embeddings.cls_token', positions: 'vit.embeddings.position_embeddings' })
    const tokens = g.norm(g.blocks(x, c, 'vit.encoder.layer', vitBlock), 'vit.layernorm', c.layer_norm_eps)
    const embedding = g.token(tokens, 0)
    g.output('logits', g.linear(embedding, 'classifier.weight', 'classifier.bias'), [1, g.tensor('classifier.bias').data.length])
    g.output('embedding', embedding, [1, c.hidden_size])
  },
  clip(g, c) {
    const v = 'vision_model'
    let x = g.patches(c, { patch: `${v}.embeddings.patch_embedding`, class: `${v}.embeddings.class_embedding`, positions: `${v}.embeddings.position_embedding.weight` })
    x = g.blocks(g.norm(x, `${v}.pre_layrnorm`, c.layer_norm_eps), c, `${v}.encoder.layers`, clipBlock)
    x = g.linear(g.norm(g.token(x, 0), `${v}.post_layernorm`, c.layer_norm_eps), 'visual_projection.weight')
    g.output('embedding', x, [1, g.tensor('visual_projection.weight').shape[0]])
  },
  siglip_vision_model(g, c) {
    const v = 'vision_model', head = `${v}.head`, width = c.hidden_size
    let x = g.patches(c, { patch: `${v}.embeddings.patch_embedding`, positions: `${v}.embeddings.position_embedding.weight` })
    x = g.norm(g.blocks(x, c, `${v}.encoder.layers`, clipBlock), `${v}.post_layernorm`, c.layer_norm_eps)
    const part = (y, i) => g.linear(y, `${head}.attention.in_proj_weight`, `${head}.attention.in_proj_bias`, i * width, (i + 1) * width)
    const mixed = g.attend(part(g.parameter(`${head}.probe`), 0), part(x, 1), part(x, 2), width, c.num_attention_heads)
    const y = g.linear(mixed, `${head}.attention.out_proj.weight`, `${head}.attention.out_proj.bias`)
    const up = g.linear(g.norm(y, `${head}.layernorm`, c.layer_norm_eps), `${head}.mlp.fc1.weight`, `${head}.mlp.fc1.bias`)
    const down = g.linear(g.activation(up, c.hidden_act), `${head}.mlp.fc2.weight`, `${head}.mlp.fc2.bias`)
    g.output('embedding', g.token(g.node('Add', [y, down]), 0), [1, width])
  },
  text(g, c, length) {
    const t = 'text_model', width = c.hidden_size
    const ids = g.input('input_ids', INT64, ['texts', length])
    const positions = g.tensor(`${t}.embeddings.position_embedding.weight`).data.subarray(0, length * width)
    let x = g.node('Gather', [g.parameter(`${t}.embeddings.token_embedding.weight`), ids])
    x = g.node('Add', [x, g.constant(positions, [1, length, width])])
    const mask = new Float32Array(length * length)
    for (let i = 0; i < length; i++) mask.fill(-3e38, i * length + i + 1, (i + 1) * length)
    x = g.norm(g.blocks(x, c, `${t}.encoder.layers`, clipBlock, g.constant(mask, [length, length])), `${t}.final_layer_norm`, c.layer_norm_eps)
    // The first end token is the only one: padding has another id.
    const isEnd = g.node('Cast', [g.node('Equal', [ids, g.indices(c.eos_token_id)])], attributes.int('to', FLOAT))
    x = g.node('Squeeze', [g.node('MatMul', [g.node('Unsqueeze', [isEnd, g.indices(1)]), x]), g.indices(1)])
    x = g.linear(x, 'text_projection.weight')
    g.output('embedding', x, ['texts', g.tensor('text_projection.weight').shape[0]])
  },
}

/** Writes files[dtype], dtype 'f32' or 'q8'. A text tower takes texts of exactly length ids. */
export function exportTower(folder, tower, files, length) {
  const { config, tower: c } = configOf(folder, tower)
  const tensors = readTensors(join(folder, 'model.safetensors'))
  for (const [dtype, path] of Object.entries(files)) {
    const graph = new Graph(tensors, dtype === 'q8')
    towers[tower === 'text' ? 'text' : config.model_type](graph, c, length)
    graph.write(path)
  }
}

/** Writes eight consecutive layers, for the comparison of matrix products alone. */
export function exportChain(path, dtype, rows, layers) {
  const graph = new Graph(Object.fromEntries(layers.map((layer, i) => [i, layer])), dtype === 'q8')
  let x = graph.input('x', FLOAT, [rows, layers[0].shape[1]])
  layers.forEach((_, i) => (x = graph.linear(x, i)))
  graph.output('y', x, [rows, layers.at(-1).shape[0]])
  graph.write(path)
}
