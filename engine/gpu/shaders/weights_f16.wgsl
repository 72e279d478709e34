// Weights in half floats: the Halves of kernel.Linear, [⌈outputs/8⌉][inputs][8]. They are
// unpacked to float32, without the feature shader-f16.

@group(1) @binding(0) var<storage, read> panels: array<vec2<u32>>;

// weight gives the weights from input k to outputs 4·quad to 4·quad+3, without scale.
fn weight(k: u32, quad: u32) -> vec4<f32> {
  let halves = panels[((quad >> 1u) * params.inputs + k) * 2u + (quad & 1u)];
  return vec4<f32>(unpack2x16float(halves.x), unpack2x16float(halves.y));
}
