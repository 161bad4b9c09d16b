//! Sums over rows and the small problems that they leave: shared by `linear`, `logistic` and `svm`.

mod in_order;
mod quadratic;
mod sums;

pub(crate) use in_order::in_order;
pub(crate) use quadratic::{Factor, Penalty, Quadratic};
pub(crate) use sums::{Sums, Term, sums};

/// The largest system of equations, in bytes.
const MAX_SYSTEM_BYTES: usize = 8 << 30;

/// Refuses systems of equations that memory would not hold.
pub(crate) fn check_system(size: usize) -> Result<(), crate::Error> {
    let n_bytes = 2 * size * size * size_of::<f64>();
    if n_bytes <= MAX_SYSTEM_BYTES {
        return Ok(());
    }
    Err(crate::Error::Inputs(format!(
        "{size} equations need {} GiB, at most {} GiB are used; exclude columns, or take `boosting`",
        n_bytes >> 30,
        MAX_SYSTEM_BYTES >> 30
    )))
}

/// The inner product, in four sums that do not wait for each other.
#[expect(
    clippy::inline_always,
    reason = "compiled for the registers of its caller"
)]
#[inline(always)]
pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let (left_parts, left_rest) = left.as_chunks::<4>();
    let (right_parts, right_rest) = right.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (left, right) in left_parts.iter().zip(right_parts) {
        for lane in 0..4 {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f64 = left_rest
        .iter()
        .zip(right_rest)
        .map(|(left, right)| left * right)
        .sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Adds `factor * other`.
#[expect(
    clippy::inline_always,
    reason = "compiled for the registers of its caller"
)]
#[inline(always)]
pub(crate) fn add(to: &mut [f64], factor: f64, other: &[f64]) {
    to.iter_mut()
        .zip(other)
        .for_each(|(to, other)| *to += factor * other);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_beyond_memory_is_refused_with_its_size() {
        let error = check_system(40_000).unwrap_err().to_string();
        assert!(
            error.contains("40000 equations need 23 GiB, at most 8 GiB"),
            "{error}"
        );
    }

    #[test]
    fn inner_products_take_every_element() {
        let values: Vec<f64> = (1..=7).map(f64::from).collect();
        assert_eq!(dot(&values, &values), 140.0);
    }
}
