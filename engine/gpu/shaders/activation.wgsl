// The activations of kernel.Activation, by number. Each holds for every float32:
// nothing overflows on the way.

const identity = 0u;
const gelu = 1u;
const geluTanh = 2u;
const quickGelu = 3u;
const silu = 4u;
const relu = 5u;
const tanhOf = 6u;

// sigmoid is 1/(1 + exp(−x)). Past 80 it is 0 or 1 to all digits of a float32.
fn sigmoid(x: vec4<f32>) -> vec4<f32> {
  return 1.0 / (1.0 + exp(clamp(-x, vec4<f32>(-80.0), vec4<f32>(80.0))));
}

// hyperbolic is tanh(x) = 2σ(2x) − 1, near zero x − x³/3, which loses no digits.
// The built-in may overflow.
fn hyperbolic(x: vec4<f32>) -> vec4<f32> {
  return select(2.0 * sigmoid(2.0 * x) - 1.0, x - x * x * x / 3.0, abs(x) < vec4<f32>(0.02));
}

// erf is good to 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26).
fn erf(x: vec4<f32>) -> vec4<f32> {
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let square = min(x * x, vec4<f32>(80.0));
  return sign(x) * (1.0 - poly * exp(-square));
}

fn activate(x: vec4<f32>, act: u32) -> vec4<f32> {
  switch act {
    case gelu: {
      return 0.5 * x * (1.0 + erf(x * 0.70710678));
    }
    case geluTanh: {
      // From ±10 on the result is x or 0; the cube of more might overflow.
      let near = clamp(x, vec4<f32>(-10.0), vec4<f32>(10.0));
      return x * sigmoid(1.5957691216 * (near + 0.044715 * near * near * near));
    }
    case quickGelu: {
      return x * sigmoid(1.702 * x);
    }
    case silu: {
      return x * sigmoid(x);
    }
    case relu: {
      return max(x, vec4<f32>(0.0));
    }
    case tanhOf: {
      return hyperbolic(x);
    }
    default: {
      return x;
    }
  }
}
