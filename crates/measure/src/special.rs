//! The distributions that the tests need.

/// The chance that a chi-square variable with `degrees` degrees of freedom exceeds `value`.
pub(crate) fn chi_square_tail(value: f64, degrees: f64) -> f64 {
    if value <= 0.0 {
        1.0
    } else {
        upper_gamma(degrees / 2.0, value / 2.0)
    }
}

/// The chance that a standard normal variable lies at or below `value`.
pub(crate) fn normal_share(value: f64) -> f64 {
    let tail = chi_square_tail(value * value, 1.0) / 2.0;
    if value > 0.0 { 1.0 - tail } else { tail }
}

/// The chance that a standard normal variable lies as far from 0 as `value`, on either side.
pub(crate) fn normal_two_sided(value: f64) -> f64 {
    chi_square_tail(value * value, 1.0)
}

/// The value below which a standard normal variable lies with the chance `share`; infinite at 0 and 1.
///
/// Acklam's rational approximation (2003), refined by a step of Halley's method.
pub(crate) fn normal_quantile(share: f64) -> f64 {
    if share <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if share >= 1.0 {
        return f64::INFINITY;
    }
    if share > 0.5 {
        return -normal_quantile(1.0 - share);
    }
    let mut value = lower_quantile(share);
    for _ in 0..2 {
        let density = (-value * value / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let step = (normal_share(value) - share) / density;
        value -= step / (1.0 + value * step / 2.0);
    }
    value
}

/// Acklam's approximation for shares up to a half; its relative error is below 1.15e-9.
fn lower_quantile(share: f64) -> f64 {
    const CENTRE: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const BELOW_CENTRE: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const TAIL: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const BELOW_TAIL: [f64; 5] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    let polynomial = |terms: &[f64], x: f64| terms.iter().fold(0.0, |sum, term| sum * x + term);
    if share < 0.024_25 {
        let x = (-2.0 * share.ln()).sqrt();
        return polynomial(&TAIL, x) / polynomial(&BELOW_TAIL, x);
    }
    let centred = share - 0.5;
    let square = centred * centred;
    centred * polynomial(&CENTRE, square) / polynomial(&BELOW_CENTRE, square)
}

/// The chance that of `n` fair coins `k` show heads (Loader 2000: no loss of digits for large numbers).
pub(crate) fn fair_coins(k: f64, n: f64) -> f64 {
    if k <= 0.0 || k >= n {
        return (-n * std::f64::consts::LN_2).exp();
    }
    let half = n / 2.0;
    let error = stirling_error(n) - stirling_error(k) - stirling_error(n - k);
    let scale = (n / (2.0 * std::f64::consts::PI * k * (n - k))).sqrt();
    scale * (error - deviance(k, half) - deviance(n - k, half)).exp()
}

/// `ln(x!)` less Stirling's formula for it.
fn stirling_error(x: f64) -> f64 {
    if x < 16.0 {
        let factorial: f64 = (2..=x as u64).map(|factor| factor as f64).product();
        return factorial.ln() - (x + 0.5) * x.ln() + x - 0.5 * (2.0 * std::f64::consts::PI).ln();
    }
    let square = x * x;
    (1.0 / 12.0
        - (1.0 / 360.0
            - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / (1188.0 * square)) / square) / square)
            / square)
        / x
}

/// `x ln(x / mean) + mean - x`, without loss of digits near the mean.
fn deviance(x: f64, mean: f64) -> f64 {
    let difference = x - mean;
    if difference.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() - difference;
    }
    let ratio = difference / (x + mean);
    let mut sum = difference * ratio;
    let mut term = 2.0 * x * ratio;
    for step in 1..1000 {
        term *= ratio * ratio;
        let next = sum + term / f64::from(2 * step + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// The chance that Student's t with `degrees` degrees of freedom exceeds `value`.
pub(crate) fn student_tail(value: f64, degrees: f64) -> f64 {
    if value < 0.0 {
        return 1.0 - student_tail(-value, degrees);
    }
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { 0.5 } else { 0.0 };
    }
    let (a, square) = (degrees / 2.0, value * value);
    // x = degrees / (degrees + square), and what is left of 1.
    let (x, rest) = (degrees / (degrees + square), square / (degrees + square));
    let front = (ln_half_step(a) - a * (square / degrees).ln_1p()).exp() * rest.sqrt()
        / std::f64::consts::PI.sqrt();
    let two_sided = if x < (a + 1.0) / (a + 2.5) {
        front * beta_fraction(a, 0.5, x) / a
    } else {
        1.0 - front * beta_fraction(0.5, a, rest) / 0.5
    };
    (two_sided / 2.0).clamp(0.0, 0.5)
}

/// `ln(gamma(x + 1/2) / gamma(x))`; for large numbers without loss of digits.
fn ln_half_step(x: f64) -> f64 {
    if x < 100.0 {
        return ln_gamma(x + 0.5) - ln_gamma(x);
    }
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    0.5 * x.ln() + inverse * (-1.0 / 8.0 + square * (1.0 / 192.0 - square / 640.0))
}

/// The continued fraction of the incomplete beta function (Press et al., Numerical Recipes, 6.4).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0), TINY);
    let mut fraction = d;
    for step in 1..10_000 {
        let step = f64::from(step);
        let even = step * (b - step) * x / ((a + 2.0 * step - 1.0) * (a + 2.0 * step));
        let odd = -(a + step) * (a + b + step) * x / ((a + 2.0 * step) * (a + 2.0 * step + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / nonzero(1.0 + term * d, TINY);
            c = nonzero(1.0 + term / c, TINY);
            change = d * c;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    fraction
}

/// Stands for 0 where a continued fraction would divide by it.
const TINY: f64 = 1e-300;

/// The regularised upper incomplete gamma function: a series below `shape + 1`, Lentz's continued fraction above
/// (Press et al., Numerical Recipes, 6.2).
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

    // Expected values by SciPy 1.17: norm.cdf, norm.ppf, binom.pmf.
    #[test]
    fn normal_shares_and_quantiles() {
        check(normal_share(1.0), 0.841_344_746_068_542_9);
        check(normal_share(-2.5), 0.006_209_665_325_776_132);
        check(normal_quantile(0.975), 1.959_963_984_540_054);
        check(-normal_quantile(1e-6), 4.753_424_308_822_899);
        check(normal_quantile(0.6), 0.253_347_103_135_799_7);
        assert_eq!(normal_quantile(0.5), 0.0);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
    }

    #[test]
    fn student_tails() {
        check(student_tail(2.0, 7.3), 0.041_970_519_667_051_565);
        check(student_tail(-1.0, 1.0), 0.75);
        check(student_tail(0.3, 400_000.0), 0.382_088_655_757_156_06);
        check(student_tail(6.0, 12_345.6), 1.014_229_785_999_783_1e-9);
    }

    #[test]
    fn coins_are_counted() {
        check(fair_coins(0.0, 3.0), 0.125);
        check(fair_coins(1.0, 3.0), 0.375);
        check(fair_coins(10.0, 30.0), 0.027_981_600_724_160_67);
        check(
            fair_coins(500_000.0, 1_000_000.0),
            0.000_797_884_361_332_369_2,
        );
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
