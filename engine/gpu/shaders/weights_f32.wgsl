// Weights in float32: the Panels of kernel.Linear, [⌈outputs/8⌉][inputs][8].

@group(1) @binding(0) var<storage, read> panels: array<vec4<f32>>;

// weight gives the weights from input k to outputs 4·quad to 4·quad+3, without scale.
fn weight(k: u32, quad: u32) -> vec4<f32> {
  return panels[((quad >> 1u) * params.inputs + k) * 2u + (quad & 1u)];
}
