//! The normal distribution.

use std::f64::consts::{PI, SQRT_2};

use rand::{Rng, RngExt as _};

/// The logarithm of `sqrt(2 pi)`.
pub(super) const LOG_SQRT_2_PI: f64 = 0.918_938_533_204_672_8;

/// Mean and deviation of values, of all of them.
pub(super) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    (mean, (squares.sum::<f64>() / count).sqrt())
}

/// The complementary error function, to about 1e-14 of its value: a Taylor series near 0, Lentz's continued fraction in
/// the tail (Abramowitz and Stegun 7.1.5 and 7.1.14).
fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    if x < 2.0 {
        let (mut term, mut sum, mut k) = (x, x, 0.0);
        while term.abs() > 1e-17 * sum.abs() {
            k += 1.0;
            term *= -x * x / k;
            sum += term / (2.0 * k + 1.0);
        }
        return 1.0 - 2.0 / PI.sqrt() * sum;
    }
    let mut fraction = 0.0;
    for k in (1..=80).rev() {
        fraction = f64::from(k) / 2.0 / (x + fraction);
    }
    (-x * x).exp() / PI.sqrt() / (x + fraction)
}

/// How much of the standard normal distribution lies below.
pub(super) fn below(z: f64) -> f64 {
    erfc(-z / SQRT_2) / 2.0
}

/// How much of it lies between, without loss in the tails.
pub(super) fn between(low: f64, high: f64) -> f64 {
    if low > 0.0 {
        below(-low) - below(-high)
    } else {
        below(high) - below(low)
    }
}

/// The logarithm of `phi(z) + z Phi(z)`: of the improvement that is expected of a standard normal value over `-z`
/// (Ament et al. 2023). Far below 0 the sum cancels, and its asymptotic series takes over.
pub(super) fn log_improvement(z: f64) -> f64 {
    let log_density = -z * z / 2.0 - LOG_SQRT_2_PI;
    if z > -25.0 {
        (log_density.exp() + z * below(z)).max(1e-300).ln()
    } else {
        let square = z * z;
        log_density - square.ln() + (1.0 - 3.0 / square + 15.0 / (square * square)).ln()
    }
}

/// A standard normal number (Box and Muller 1958).
pub(super) fn draw(rng: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (2.0 * PI * rng.random::<f64>()).cos()
}

/// A normal number between two bounds, which enclose the mean.
pub(super) fn draw_between(
    mean: f64,
    sigma: f64,
    (low, high): (f64, f64),
    rng: &mut impl Rng,
) -> f64 {
    loop {
        let value = mean + sigma * draw(rng);
        if (low..=high).contains(&value) {
            return value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_agree_with_scipy() {
        // scipy.stats.norm.cdf
        for (z, expected) in [
            (-8.0, 6.220_960_574_271_786e-16),
            (-3.0, 0.001_349_898_031_630_094_6),
            (-1.0, 0.158_655_253_931_457_05),
            (0.5, 0.691_462_461_274_013_1),
            (2.9, 0.998_134_186_699_616),
        ] {
            let found = below(z);
            assert!((found / expected - 1.0).abs() < 1e-12, "{z}: {found}");
        }
        assert!((between(5.0, 6.0) / 2.856_649_842_085_27e-7 - 1.0).abs() < 1e-7);
    }

    #[test]
    fn improvement_is_smooth_where_its_form_changes() {
        let (left, right) = (log_improvement(-25.000_001), log_improvement(-24.999_999));
        assert!((left - right).abs() < 1e-3, "{left} {right}");
        assert!(log_improvement(-100.0).is_finite());
        assert!((log_improvement(0.0) - 0.398_942_280_401_432_7_f64.ln()).abs() < 1e-12);
    }
}
