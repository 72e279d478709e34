// The common start of linear.wgsl and linear_row.wgsl:
// dst = act(x·Wᵀ·scale + bias) + residual.

// Offsets and strides count vectors of four values, the other fields single values.
struct Params {
  x: u32,
  xStride: u32,
  rows: u32,
  inputs: u32,
  dst: u32,
  dstStride: u32,
  outputs: u32,
  residual: u32,
  residualStride: u32,
  hasResidual: u32,
  act: u32,
}

@group(0) @binding(0) var<storage, read_write> arena: array<vec4<f32>>;
@group(0) @binding(1) var<uniform> params: Params;
@group(1) @binding(1) var<storage, read> vectors: array<vec4<f32>>; // [2][⌈outputs/8⌉·8]: bias, scale

// inputs4 gives four inputs of a row from k on, zeros beyond the last; k is a multiple
// of 4.
fn inputs4(row: u32, k: u32) -> vec4<f32> {
  if (row >= params.rows || k >= params.inputs) {
    return vec4<f32>();
  }
  let x = arena[params.x + row * params.xStride + (k >> 2u)];
  let valid = vec4<u32>(k, k + 1u, k + 2u, k + 3u) < vec4<u32>(params.inputs);
  return select(vec4<f32>(), x, valid);
}

// finish computes the result from the sums of outputs 4·quad to 4·quad+3 and stores it.
// Columns beyond the last output are padding.
fn finish(row: u32, quad: u32, sum: vec4<f32>) {
  if (row >= params.rows || 4u * quad >= params.outputs) {
    return;
  }
  let scale = vectors[((params.outputs + 7u) >> 3u) * 2u + quad];
  var y = activate(sum * scale + vectors[quad], params.act);
  if (params.hasResidual != 0u) {
    y += arena[params.residual + row * params.residualStride + quad];
  }
  arena[params.dst + row * params.dstStride + quad] = y;
}
