//! The conditions of a column: its values, or bins of its numbers.

use super::{SliceColumn, SliceValues};
use crate::calibration::interpolated;
use crate::fairness::Groups;

/// How many categories of a column are tried.
const MAX_CATEGORIES: usize = 50;
/// Stands for a row of which no condition holds.
const NONE: u32 = u32::MAX;

/// The conditions of a column, and which of them holds in each row.
pub(super) struct Conditions {
    name: String,
    values: Vec<String>,
    of_row: Vec<u32>,
}

impl Conditions {
    pub(super) fn of(column: &SliceColumn<'_>, n_bins: usize) -> Self {
        let (values, of_row) = match column.values {
            SliceValues::Texts(texts) => categories(texts),
            SliceValues::Numbers(numbers) => bins(numbers, n_bins),
        };
        Self {
            name: column.name.to_owned(),
            values,
            of_row,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn values(&self) -> &[String] {
        &self.values
    }

    pub(super) fn n_rows(&self) -> usize {
        self.of_row.len()
    }

    /// The place of the value that holds in a row.
    pub(super) fn of_row(&self, row: usize) -> Option<usize> {
        let value = self.of_row[row];
        (value != NONE).then_some(value as usize)
    }
}

/// The most frequent texts, ties by name.
fn categories(texts: &[String]) -> (Vec<String>, Vec<u32>) {
    let groups = Groups::of(texts);
    let mut n_rows = vec![0_usize; groups.names().len()];
    for row in 0..groups.n_rows() {
        n_rows[groups.of_row(row)] += 1;
    }
    let mut by_size: Vec<usize> = (0..n_rows.len()).collect();
    // The groups are in the order of their names, and sorting keeps that of equally large ones.
    by_size.sort_by_key(|group| std::cmp::Reverse(n_rows[*group]));
    by_size.truncate(MAX_CATEGORIES);
    let mut place = vec![NONE; n_rows.len()];
    for (to, from) in by_size.iter().enumerate() {
        place[*from] = to as u32;
    }
    let name = |group: &usize| groups.names()[*group].clone();
    (
        by_size.iter().map(name).collect(),
        (0..groups.n_rows())
            .map(|row| place[groups.of_row(row)])
            .collect(),
    )
}

/// Bins of about the same number of rows; equal numbers share a bin, missing ones have their own.
fn bins(numbers: &[f64], n_bins: usize) -> (Vec<String>, Vec<u32>) {
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|it| !it.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut edges: Vec<f64> = Vec::new();
    if let (Some(low), Some(high)) = (sorted.first(), sorted.last()) {
        edges = (1..n_bins)
            .map(|edge| interpolated(&sorted, edge as f64 / n_bins as f64))
            .filter(|edge| edge > low && edge <= high)
            .collect();
        edges.dedup();
    }
    let mut values: Vec<String> = (0..=edges.len())
        .map(|bin| match (bin.checked_sub(1), edges.get(bin)) {
            (None, None) => "present".to_owned(),
            (None, Some(high)) => format!("below {}", rounded(*high)),
            (Some(low), None) => format!("{} or more", rounded(edges[low])),
            (Some(low), Some(high)) => format!("{} to {}", rounded(edges[low]), rounded(*high)),
        })
        .collect();
    values.push("missing".to_owned());
    let missing = values.len() as u32 - 1;
    let bin = |number: &f64| {
        if number.is_nan() {
            missing
        } else {
            edges.partition_point(|edge| edge <= number) as u32
        }
    };
    (values, numbers.iter().map(bin).collect())
}

/// Four digits that count.
fn rounded(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(numbers: &[f64], n_bins: usize, expected: &[&str]) {
        let (values, of_row) = bins(numbers, n_bins);
        let found: Vec<&str> = of_row
            .iter()
            .map(|bin| values[*bin as usize].as_str())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn numbers_are_cut_into_bins() {
        check(
            &[1.0, 2.0, 3.0, 4.0],
            2,
            &["below 2.5", "below 2.5", "2.5 or more", "2.5 or more"],
        );
        check(&[7.0, 7.0, f64::NAN], 4, &["present", "present", "missing"]);
        check(
            &[0.0, 0.0, 0.0, 0.0, 12_345.678],
            4,
            &["present", "present", "present", "present", "present"],
        );
    }

    #[test]
    fn rare_categories_are_no_condition() {
        let texts: Vec<String> = (0..60).flat_map(|at| vec![format!("{at:02}"); 2]).collect();
        let (values, of_row) = categories(&texts);
        assert_eq!((values.len(), of_row[0], of_row[119]), (50, 0, NONE));
    }
}
