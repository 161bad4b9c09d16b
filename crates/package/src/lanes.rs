//! Work on several numbers at once, by the widest registers that the processor has.
//!
//! The program is compiled for every x86-64 processor, whose registers hold two doubles; most processors have registers
//! for four or eight. [`wide`] runs a loop on them. It fuses no products and changes no order, so results have the same
//! bits everywhere.
//!
//! The products of faer leave the upper halves of these registers in use. Until they are cleared, every plain instruction
//! of the thread waits for them: on the machine where this was measured, `exp` took 130 ns instead of 3. [`settle`] clears
//! them; [`product`] does so by itself.

use std::hint::black_box;

use faer::linalg::matmul::matmul;
use faer::traits::ComplexField;
use faer::traits::pulp::{Arch, Simd, WithSimd};
use faer::{Accum, MatMut, MatRef, Par};

/// A loop that is worth being compiled for each kind of register.
pub trait Loop {
    /// What it gives.
    type Output;

    /// Runs it. This and what it calls must be `#[inline(always)]`, or else it is compiled for the narrowest registers.
    fn run(self) -> Self::Output;
}

/// Runs a loop on the widest registers.
pub fn wide<L: Loop>(one: L) -> L::Output {
    Arch::new().dispatch(Wide(one))
}

struct Wide<L>(L);

impl<L: Loop> WithSimd for Wide<L> {
    type Output = L::Output;

    #[expect(clippy::inline_always, reason = "compiled for each kind of register")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> L::Output {
        self.0.run()
    }
}

/// Clears the upper halves of registers: to be called after any work of faer.
pub fn settle() {
    Arch::new().dispatch(Touch);
}

/// A function that uses a wide register ends by clearing all of them.
struct Touch;

impl WithSimd for Touch {
    type Output = ();

    #[expect(clippy::inline_always, reason = "a function of each kind of register")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        black_box(simd.splat_f64s(black_box(1.0)));
    }
}

/// The product of two matrices, put or added, on one thread.
pub fn product<T: ComplexField + From<f32>>(
    to: MatMut<'_, T>,
    accum: Accum,
    left: MatRef<'_, T>,
    right: MatRef<'_, T>,
) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that settles after it"
    )]
    matmul(to, accum, left, right, T::from(1.0), Par::Seq);
    settle();
}

/// Replaces each number `x` by `e^x`, to two units in the last place.
pub fn exponentials(values: &mut [f64]) {
    wide(Exponentials(values));
}

struct Exponentials<'a>(&'a mut [f64]);

impl Loop for Exponentials<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "compiled for each kind of register")]
    #[inline(always)]
    fn run(self) {
        for value in self.0 {
            *value = exponential(*value);
        }
    }
}

/// `1 / 13!`, `1 / 12!`, … `1 / 0!`.
const TAYLOR: [f64; 14] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

/// `e^x = 2^i e^r` for the whole number `i` nearest to `x / ln 2` (Cody and Waite 1980, chapter 6), without calls and
/// branches, so that the compiler takes several at once.
#[inline(always)]
fn exponential(x: f64) -> f64 {
    // Adding it leaves the nearest whole number in the lowest bits.
    const ROUNDING: f64 = 6_755_399_441_055_744.0;
    /// The upper digits of `ln 2`, whose products with `i` are exact, and the rest.
    const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
    // Beyond these the result is 0 or infinite; NaN stays.
    let x = if x < -746.0 { -746.0 } else { x };
    let x = if x > 710.0 { 710.0 } else { x };
    let whole = x * std::f64::consts::LOG2_E + ROUNDING - ROUNDING;
    let rest = x - whole * LN_2[0] - whole * LN_2[1];
    let mut series = 0.0;
    for factor in TAYLOR {
        series = series * rest + factor;
    }
    // In two factors: the power itself may be too large or too small for a double.
    let half = whole * 0.5 + ROUNDING - ROUNDING;
    let power = |whole: f64| f64::from_bits((whole + (ROUNDING + 1023.0)).to_bits() << 52);
    series * power(half) * power(whole - half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(x: f64) {
        let mut found = [x];
        exponentials(&mut found);
        let expected = x.exp();
        let gap = (found[0] - expected).abs();
        assert!(
            gap <= 4.5e-16 * expected || gap <= f64::from_bits(1) || found[0] == expected,
            "{x}: {} {expected}",
            found[0]
        );
    }

    #[test]
    fn powers_are_right_to_the_last_places() {
        for step in -75_000..71_000 {
            check(f64::from(step) / 100.0 + 0.001);
            check(f64::from(step) / 1e6);
        }
        for x in [0.0, -0.0, 709.78, 709.79, -745.13, -745.14, 1e9, -1e9] {
            check(x);
        }
        check(f64::INFINITY);
        check(f64::NEG_INFINITY);
        let mut nothing = [f64::NAN];
        exponentials(&mut nothing);
        assert!(nothing[0].is_nan());
    }

    #[test]
    fn the_bits_do_not_depend_on_how_many_are_taken_at_once() {
        let values: Vec<f64> = (0..99).map(|at| f64::from(at) / -7.0).collect();
        let mut together = values.clone();
        exponentials(&mut together);
        for (value, together) in values.iter().zip(together) {
            let mut alone = [*value];
            exponentials(&mut alone);
            assert_eq!(alone[0].to_bits(), together.to_bits());
        }
    }

    #[test]
    fn products_are_put_or_added() {
        let (left, right) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0]);
        let left = MatRef::from_row_major_slice(&left, 2, 2);
        let right = MatRef::from_row_major_slice(&right, 2, 1);
        let mut to = [1.0, 1.0];
        let mut into = |accum| {
            product(
                MatMut::from_row_major_slice_mut(&mut to, 2, 1),
                accum,
                left,
                right,
            );
            to
        };
        assert_eq!(into(Accum::Add), [18.0, 40.0]);
        assert_eq!(into(Accum::Replace), [17.0, 39.0]);
    }
}
