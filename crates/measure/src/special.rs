//! The distributions that the tests need.

/// The chance that a chi-square variable with `degrees` degrees of freedom exceeds `value`.
pub(crate) fn chi_square_tail(value: f64, degrees: f64) -> f64 {
    if value <= 0.0 {
        1.0
    } else {
        upper_gamma(degrees / 2.0, value / 2.0)
    }
}

/// The regularised upper incomplete gamma function: a series below `shape + 1`, Lentz's continued fraction above
/// (Press et al., Numerical Recipes, 6.2).
/// Stands for 0 where a continued fraction would divide by it.
const TINY: f64 = 1e-300;

fn upper_gamma(shape: f64, x: f64) -> f64 {
    let scale = (shape * x.ln() - x - ln_gamma(shape)).exp();
    if x < shape + 1.0 {
        let mut term = 1.0 / shape;
        let mut sum = term;
        let mut index = shape;
        while term > sum * 1e-17 {
            index += 1.0;
            term *= x / index;
            sum += term;
        }
        return (1.0 - sum * scale).clamp(0.0, 1.0);
    }
    let mut b = x + 1.0 - shape;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for step in 1..10_000 {
        let step = f64::from(step);
        let a = -step * (step - shape);
        b += 2.0;
        d = 1.0 / nonzero(a * d + b, TINY);
        c = nonzero(b + a / c, TINY);
        let change = d * c;
        fraction *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    (fraction * scale).clamp(0.0, 1.0)
}

fn nonzero(value: f64, tiny: f64) -> f64 {
    if value.abs() < tiny { tiny } else { value }
}

/// The logarithm of the gamma function by Lanczos' approximation (g = 7, 9 terms); for positive arguments.
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let t = x + 7.5;
    let series: f64 = TERMS[0]
        + (1..9)
            .map(|index| TERMS[index] / (x + index as f64))
            .sum::<f64>();
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + series.ln()
}

/// The chance that the Kolmogorov statistic exceeds `value`: the alternating series, or its theta form for small values.
pub(crate) fn kolmogorov_tail(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    if value < 1.18 {
        let factor = (-std::f64::consts::PI.powi(2) / (8.0 * value * value)).exp();
        let sum: f64 = (0..20)
            .map(|index| factor.powi((2 * index + 1) * (2 * index + 1)))
            .sum();
        return (1.0 - (2.0 * std::f64::consts::PI).sqrt() / value * sum).clamp(0.0, 1.0);
    }
    let sum: f64 = (1..20)
        .map(|index| {
            let sign = if index % 2 == 1 { 1.0 } else { -1.0 };
            sign * (-2.0 * f64::from(index * index) * value * value).exp()
        })
        .sum();
    (2.0 * sum).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() <= 1e-11 * expected.max(1e-3),
            "{found}, expected {expected}"
        );
    }

    // Expected values by SciPy 1.17: chi2.sf, kstwobign.sf.
    #[test]
    fn chi_square_tails() {
        check(chi_square_tail(3.841_458_820_694_124, 1.0), 0.05);
        check(chi_square_tail(18.307_038_053_275_146, 10.0), 0.05);
        check(chi_square_tail(0.0, 3.0), 1.0);
        check(chi_square_tail(2.0, 2.0), 0.367_879_441_171_442_33);
        check(chi_square_tail(50.0, 2.0), 1.388_794_386_496_4e-11);
    }

    #[test]
    fn kolmogorov_tails() {
        check(
            kolmogorov_tail(1.358_098_639_110_653),
            0.050_000_000_057_552_84,
        );
        check(kolmogorov_tail(0.5), 0.963_945_243_664_875_1);
        check(kolmogorov_tail(1.0), 0.269_999_671_677_354_56);
        check(kolmogorov_tail(2.0), 0.000_670_925_255_779_695_3);
    }
}
