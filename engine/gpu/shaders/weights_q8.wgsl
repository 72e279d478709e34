// Weights in int8: the Bytes of kernel.Linear, [⌈outputs/8⌉][⌈inputs/4⌉][8][4], four inputs
// of an output side by side. finish multiplies the sum of an output by its scale.

@group(1) @binding(0) var<storage, read> panels: array<vec4<u32>>;

// weight gives the weights from input k to outputs 4·quad to 4·quad+3, without scale.
fn weight(k: u32, quad: u32) -> vec4<f32> {
  let groups = (params.inputs + 3u) >> 2u;
  let bytes = panels[((quad >> 1u) * groups + (k >> 2u)) * 2u + (quad & 1u)];
  let left = vec4<u32>(24u - 8u * (k & 3u));
  return vec4<f32>(bitcast<vec4<i32>>(bytes << left) >> vec4<u32>(24u));
}
