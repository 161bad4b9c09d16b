//! The functions of hidden units and their slopes, in a form that compilers turn into vector instructions.

use crate::model::Activation;

/// `sqrt(2 / pi)`, of the approximation of GELU with tanh (Hendrycks and Gimpel 2016).
const GELU_FACTOR: f32 = 0.797_884_6;
/// The weight of the cube in it.
const GELU_CUBE: f32 = 0.044_715;

impl Activation {
    /// In the order of the parameter's words.
    pub(super) const ALL: [Self; 4] = [Self::Relu, Self::Tanh, Self::Gelu, Self::Silu];

    /// Writes the function of `values` to `outputs` and leaves its slopes in `values`.
    pub(super) fn apply(self, values: &mut [f32], outputs: &mut [f32]) {
        match self {
            Self::Relu => each(values, outputs, |x| {
                (x.max(0.0), f32::from(u8::from(x > 0.0)))
            }),
            Self::Tanh => each(values, outputs, |x| {
                let y = tanh(x);
                (y, 1.0 - y * y)
            }),
            Self::Gelu => each(values, outputs, |x| {
                let squared = x * x;
                let t = tanh(GELU_FACTOR * x * (1.0 + GELU_CUBE * squared));
                let inner = GELU_FACTOR * (1.0 + 3.0 * GELU_CUBE * squared);
                let half = 0.5 * (1.0 + t);
                (x * half, half + 0.5 * x * (1.0 - t * t) * inner)
            }),
            Self::Silu => each(values, outputs, |x| {
                let s = 1.0 / (1.0 + exp(-x));
                (x * s, s * (1.0 + x * (1.0 - s)))
            }),
        }
    }
}

fn each(values: &mut [f32], outputs: &mut [f32], function: impl Fn(f32) -> (f32, f32)) {
    for (value, output) in values.iter_mut().zip(outputs) {
        (*output, *value) = function(*value);
    }
}

fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (exp(2.0 * x) + 1.0)
}

/// `e^x` to about seven digits: `2^k` by its bits times the exponential of what is left, a polynomial (its Taylor series to
/// the sixth power; what is left is at most `ln(2) / 2`). Outside of -87 to 87 it is that of the end.
fn exp(x: f32) -> f32 {
    /// Adding this leaves the nearest whole number in the lowest bits.
    const SHIFT: f32 = 12_582_912.0;
    /// `ln(2)` in two parts, the first of few bits.
    const LN_2: (f32, f32) = (0.693_359_4, -0.000_212_194_44);
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let whole = shifted - SHIFT;
    let rest = x - whole * LN_2.0 - whole * LN_2.1;
    let high = 1.0 / 6.0 + rest * (1.0 / 24.0 + rest * (1.0 / 120.0 + rest * (1.0 / 720.0)));
    let power = 1.0 + rest * (1.0 + rest * (0.5 + rest * high));
    let exponent = shifted.to_bits().wrapping_add(127).wrapping_shl(23);
    power * f32::from_bits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_that_of_the_library() {
        for step in -8700..8700 {
            let x = step as f32 / 100.0;
            let (found, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!(
                (found / expected - 1.0).abs() < 4e-7,
                "{x}: {found} {expected}"
            );
        }
        assert!(exp(1e9).is_finite() && exp(-1e9) > 0.0);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn functions_and_slopes_are_those_of_the_model() {
        for activation in Activation::ALL {
            for step in -60..60 {
                let x = f64::from(step) / 10.0 + 0.05;
                let (mut values, mut outputs) = ([x as f32], [0.0]);
                activation.apply(&mut values, &mut outputs);
                let slope = (activation.of(x + 1e-5) - activation.of(x - 1e-5)) / 2e-5;
                assert!(
                    (f64::from(outputs[0]) - activation.of(x)).abs() < 2e-6
                        && (f64::from(values[0]) - slope).abs() < 2e-5,
                    "{activation:?} at {x}: {outputs:?} {values:?}"
                );
            }
        }
    }
}
