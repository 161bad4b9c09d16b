//! How far a window of a column lies from its reference.
//!
//! Numbers are compared by the two-sample Kolmogorov–Smirnov test, texts and booleans by the chi-square test of
//! homogeneity. A changed share of missing values is tested, too; the smaller p-value of both (times two) counts, so
//! a column that merely goes missing is found.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use crate::Error;
use crate::special::{chi_square_tail, kolmogorov_tail};

/// Categories beyond the most frequent ones are compared as one.
const MAX_CATEGORIES: usize = 100;

/// The distance of a column from its reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColumnDrift {
    /// `ks`, `chi_square` or `missing`.
    pub statistic: &'static str,
    /// Its value.
    pub value: f64,
    /// The chance of such a distance without drift.
    pub p_value: f64,
    /// The size of the difference, 0 to 1: the KS distance, the total variation distance of the shares, or the
    /// difference of the missing shares.
    pub effect: f64,
    /// Rows of the reference.
    pub n_reference: usize,
    /// Rows of the window.
    pub n_window: usize,
}

/// Compares a window of a column with its reference.
///
/// # Errors
///
/// [`Error::Empty`] if one of them has no rows, [`Error::Kinds`] if one holds numbers and the other does not.
pub fn drift(reference: &ArrayRef, window: &ArrayRef) -> Result<ColumnDrift, Error> {
    if reference.is_empty() || window.is_empty() {
        return Err(Error::Empty { what: "drift" });
    }
    let values = match (values(reference), values(window)) {
        (Values::Numbers(left), Values::Numbers(right)) => numbers(left, right),
        (Values::Texts(left), Values::Texts(right)) => categories(&left, &right),
        _ => {
            return Err(Error::Kinds {
                reference: reference.data_type().to_string(),
                window: window.data_type().to_string(),
            });
        }
    };
    let missing = missing(reference, window);
    let (n_reference, n_window) = (reference.len(), window.len());
    let found = [values, missing]
        .into_iter()
        .flatten()
        .min_by(|left, right| left.p_value.total_cmp(&right.p_value));
    Ok(match found {
        Some(found) => ColumnDrift {
            p_value: (2.0 * found.p_value).min(1.0),
            n_reference,
            n_window,
            ..found
        },
        None => ColumnDrift {
            statistic: "missing",
            value: 0.0,
            p_value: 1.0,
            effect: 0.0,
            n_reference,
            n_window,
        },
    })
}

enum Values {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

/// The values that are there: NaN and the empty text are missing.
fn values(column: &ArrayRef) -> Values {
    let rows = (0..column.len()).filter(|row| !column.is_null(*row));
    match column.data_type() {
        DataType::Float64 => {
            let array = column.as_primitive::<Float64Type>();
            Values::Numbers(
                rows.map(|row| array.value(row))
                    .filter(|value| !value.is_nan())
                    .collect(),
            )
        }
        DataType::Int64 => {
            let array = column.as_primitive::<Int64Type>();
            Values::Numbers(rows.map(|row| array.value(row) as f64).collect())
        }
        DataType::Boolean => Values::Texts(
            rows.map(|row| column.as_boolean().value(row).to_string())
                .collect(),
        ),
        _ => match column.as_string_opt::<i32>() {
            Some(array) => Values::Texts(
                rows.map(|row| array.value(row).to_owned())
                    .filter(|text| !text.is_empty())
                    .collect(),
            ),
            None => Values::Texts(Vec::new()),
        },
    }
}

fn n_present(column: &ArrayRef) -> usize {
    match values(column) {
        Values::Numbers(values) => values.len(),
        Values::Texts(values) => values.len(),
    }
}

/// The greatest difference of the two empirical distribution functions, with the asymptotic p-value of SciPy's
/// `ks_2samp(method="asymp")` up to its correction of the sample size.
fn numbers(mut left: Vec<f64>, mut right: Vec<f64>) -> Option<ColumnDrift> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    left.sort_by(f64::total_cmp);
    right.sort_by(f64::total_cmp);
    let (n_left, n_right) = (left.len() as f64, right.len() as f64);
    let (mut at_left, mut at_right, mut distance) = (0, 0, 0.0_f64);
    while at_left < left.len() && at_right < right.len() {
        let value = left[at_left].min(right[at_right]);
        at_left += left[at_left..]
            .iter()
            .take_while(|other| **other <= value)
            .count();
        at_right += right[at_right..]
            .iter()
            .take_while(|other| **other <= value)
            .count();
        distance = distance.max((at_left as f64 / n_left - at_right as f64 / n_right).abs());
    }
    let effective = (n_left * n_right / (n_left + n_right)).sqrt();
    Some(ColumnDrift {
        statistic: "ks",
        value: distance,
        p_value: kolmogorov_tail(effective * distance),
        effect: distance,
        n_reference: left.len(),
        n_window: right.len(),
    })
}

/// The chi-square test that both samples have the same shares (without continuity correction).
fn categories(left: &[String], right: &[String]) -> Option<ColumnDrift> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    let mut counts: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for value in left {
        counts.entry(value).or_default().0 += 1.0;
    }
    for value in right {
        counts.entry(value).or_default().1 += 1.0;
    }
    let mut table: Vec<(f64, f64)> = counts.into_values().collect();
    table.sort_by(|one, other| (other.0 + other.1).total_cmp(&(one.0 + one.1)));
    if table.len() > MAX_CATEGORIES {
        let rest = table.split_off(MAX_CATEGORIES - 1);
        table.push(
            rest.iter()
                .fold((0.0, 0.0), |sum, count| (sum.0 + count.0, sum.1 + count.1)),
        );
    }
    let (value, degrees) = chi_square(&table);
    let (n_left, n_right) = (left.len() as f64, right.len() as f64);
    let variation: f64 = table
        .iter()
        .map(|(one, other)| (one / n_left - other / n_right).abs())
        .sum();
    Some(ColumnDrift {
        statistic: "chi_square",
        value,
        p_value: chi_square_tail(value, degrees),
        effect: variation / 2.0,
        n_reference: left.len(),
        n_window: right.len(),
    })
}

/// The statistic of a table of two columns, and its degrees of freedom.
fn chi_square(table: &[(f64, f64)]) -> (f64, f64) {
    let left: f64 = table.iter().map(|(left, _)| left).sum();
    let right: f64 = table.iter().map(|(_, right)| right).sum();
    let total = left + right;
    let mut value = 0.0;
    for (one, other) in table {
        for (count, column) in [(one, left), (other, right)] {
            let expected = (one + other) * column / total;
            if expected > 0.0 {
                value += (count - expected).powi(2) / expected;
            }
        }
    }
    (value, table.len() as f64 - 1.0)
}

/// The chi-square test of the shares of missing values; nothing if none is missing anywhere.
fn missing(reference: &ArrayRef, window: &ArrayRef) -> Option<ColumnDrift> {
    let (n_reference, n_window) = (reference.len() as f64, window.len() as f64);
    let (present, present_now) = (n_present(reference) as f64, n_present(window) as f64);
    let (absent, absent_now) = (n_reference - present, n_window - present_now);
    if absent + absent_now == 0.0 || present + present_now == 0.0 {
        return None;
    }
    let (value, degrees) = chi_square(&[(absent, absent_now), (present, present_now)]);
    Some(ColumnDrift {
        statistic: "missing",
        value,
        p_value: chi_square_tail(value, degrees),
        effect: (absent / n_reference - absent_now / n_window).abs(),
        n_reference: reference.len(),
        n_window: window.len(),
    })
}

#[cfg(test)]
mod tests;
