// Weights in float32: the panels of kernel.Linear as they are, [⌈outputs/8⌉][inputs][8].

@group(1) @binding(0) var<storage, read> panels: array<vec4<f32>>;

// weight gives the weights from input k to outputs 4·quad…, without their scale.
fn weight(k: u32, quad: u32) -> vec4<f32> {
  return panels[((quad >> 1u) * params.inputs + k) * 2u + (quad & 1u)];
}
