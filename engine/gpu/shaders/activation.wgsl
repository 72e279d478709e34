// The activations, each in a function act_NAME with the name that it has in the table
// of kernel/activation.go. gpu/shaders.go appends the function activate, which chooses
// one by its code. No intermediate overflows, whatever the float32.

// sigmoid is 1/(1 + exp(−x)). Beyond ±80 it is 0 or 1 in float32.
fn sigmoid(x: vec4<f32>) -> vec4<f32> {
  return 1.0 / (1.0 + exp(clamp(-x, vec4<f32>(-80.0), vec4<f32>(80.0))));
}

// erf has an absolute error of 1.5e-7 at most (Abramowitz and Stegun 1964, 7.1.26).
fn erf(x: vec4<f32>) -> vec4<f32> {
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let square = min(x * x, vec4<f32>(80.0));
  return sign(x) * (1.0 - poly * exp(-square));
}

fn act_gelu(x: vec4<f32>) -> vec4<f32> {
  return 0.5 * x * (1.0 + erf(x * 0.70710678));
}

fn act_gelu_pytorch_tanh(x: vec4<f32>) -> vec4<f32> {
  // Beyond ±10 the result is x or 0; the cube of a larger value might overflow.
  let near = clamp(x, vec4<f32>(-10.0), vec4<f32>(10.0));
  return x * sigmoid(1.5957691216 * (near + 0.044715 * near * near * near));
}

fn act_quick_gelu(x: vec4<f32>) -> vec4<f32> {
  return x * sigmoid(1.702 * x);
}

fn act_silu(x: vec4<f32>) -> vec4<f32> {
  return x * sigmoid(x);
}

fn act_relu(x: vec4<f32>) -> vec4<f32> {
  return max(x, vec4<f32>(0.0));
}

// tanh(x) = 2σ(2x) − 1, and near zero x − x³/3, which has no cancellation. The
// built-in tanh may overflow.
fn act_tanh(x: vec4<f32>) -> vec4<f32> {
  return select(2.0 * sigmoid(2.0 * x) - 1.0, x - x * x * x / 3.0, abs(x) < vec4<f32>(0.02));
}
