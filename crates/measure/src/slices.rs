//! Scores on parts of the rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rows::Rows;
use crate::{Error, Metric, Outcomes, score};

/// The scores of the rows that share a value of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceScore {
    /// The column.
    pub column: String,
    /// The value.
    pub value: String,
    /// How many rows there are.
    pub n_rows: usize,
    /// Metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// Why a metric is absent: a slice may hold one class only.
    pub missing: BTreeMap<String, String>,
}

/// Scores each value of a column by itself, in order of the values.
///
/// # Errors
///
/// Fails if values and rows differ in number.
pub fn slices(
    outcomes: &Outcomes<'_>,
    column: &str,
    values: &[String],
    metrics: &[Metric],
) -> Result<Vec<SliceScore>, Error> {
    if values.len() != outcomes.n_rows() {
        return Err(Error::Length {
            what: "rows and slice values",
            left: outcomes.n_rows(),
            right: values.len(),
        });
    }
    let mut rows_by_value: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, value) in values.iter().enumerate() {
        rows_by_value.entry(value).or_default().push(row);
    }
    Ok(rows_by_value
        .into_iter()
        .map(|(value, rows)| slice(outcomes, column, value, &rows, metrics))
        .collect())
}

fn slice(
    outcomes: &Outcomes<'_>,
    column: &str,
    value: &str,
    rows: &[usize],
    metrics: &[Metric],
) -> SliceScore {
    let picked = Rows::of(outcomes, rows);
    let part = picked.outcomes(outcomes);
    let mut found = SliceScore {
        column: column.to_owned(),
        value: value.to_owned(),
        n_rows: rows.len(),
        metrics: BTreeMap::new(),
        missing: BTreeMap::new(),
    };
    for metric in metrics {
        match score(*metric, &part) {
            Ok(value) => found
                .metrics
                .insert(metric.name().to_owned(), value)
                .map(|_| ()),
            Err(error) => found
                .missing
                .insert(metric.name().to_owned(), error.to_string())
                .map(|_| ()),
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use everloop_domain::Task;

    use super::*;

    #[test]
    fn each_value_is_scored_by_itself() {
        let outcomes = Outcomes {
            task: Task::Binary,
            truth: &[1.0, 0.0, 1.0, 1.0],
            predicted: &[1.0, 1.0, 1.0, 0.0],
            probabilities: Some(&[0.9, 0.6, 0.7, 0.2]),
            n_classes: 2,
            weights: None,
        };
        let values: Vec<String> = ["x", "x", "y", "y"].map(str::to_owned).into();
        let found = slices(
            &outcomes,
            "c",
            &values,
            &["accuracy", "roc_auc"].map(|name| Metric::parse(name).unwrap()),
        )
        .unwrap();
        assert_eq!(
            (
                found[0].value.as_str(),
                found[0].n_rows,
                found[0].metrics["roc_auc"]
            ),
            ("x", 2, 1.0)
        );
        assert_eq!(found[1].metrics["accuracy"], 0.5);
        assert!(found[1].missing["roc_auc"].contains("at least two classes"));
    }

    #[test]
    fn values_must_fit_the_rows() {
        let outcomes = Outcomes {
            task: Task::Regression,
            truth: &[1.0],
            predicted: &[1.0],
            probabilities: None,
            n_classes: 0,
            weights: None,
        };
        assert!(slices(&outcomes, "c", &[], &[]).is_err());
    }
}
