//! Differences between groups, by Fairlearn's definitions.

use std::collections::BTreeMap;

use everloop_domain::Task;
use serde::{Deserialize, Serialize};

use crate::tally::Counts;
use crate::{Error, Outcomes};

/// The name of the demographic parity difference.
pub const DEMOGRAPHIC_PARITY: &str = "demographic_parity_difference";
/// The name of the equalized odds difference.
pub const EQUALIZED_ODDS: &str = "equalized_odds_difference";
/// Groups smaller than this are noted: their rates are uncertain.
const SMALL_GROUP: usize = 30;

/// Rates of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupScore {
    /// The group.
    pub group: String,
    /// Its rows.
    pub n_rows: usize,
    /// The share of rows that are predicted positive.
    pub selection_rate: f64,
    /// The share of positive rows that are predicted positive; nothing without positive rows.
    pub true_positive_rate: Option<f64>,
    /// The share of negative rows that are predicted positive; nothing without negative rows.
    pub false_positive_rate: Option<f64>,
    /// The share of rows that are predicted rightly.
    pub accuracy: f64,
}

/// The groups of one column, and how far they lie apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// The column.
    pub column: String,
    /// The groups, by name.
    pub by_group: Vec<GroupScore>,
    /// The greatest difference of selection rates, 0 to 1.
    pub demographic_parity_difference: f64,
    /// The greater of the greatest differences of true and false positive rates, 0 to 1. Groups without positive
    /// (negative) rows are left out of the first (second).
    pub equalized_odds_difference: f64,
}

/// Compares the groups of a column.
///
/// # Errors
///
/// Fails if the task is not binary, there are no rows, or lengths differ.
pub fn fairness(
    outcomes: &Outcomes<'_>,
    groups: &[String],
    column: &str,
) -> Result<GroupReport, Error> {
    if outcomes.task != Task::Binary {
        return Err(Error::Task {
            metric: "fairness",
            task: outcomes.task.as_str(),
        });
    }
    outcomes.check("fairness")?;
    if groups.len() != outcomes.n_rows() {
        return Err(Error::Length {
            what: "rows and groups",
            left: outcomes.n_rows(),
            right: groups.len(),
        });
    }
    let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
    for (row, group) in groups.iter().enumerate() {
        let (is_positive, is_selected) =
            (outcomes.truth[row] == 1.0, outcomes.predicted[row] == 1.0);
        counts
            .entry(group)
            .or_default()
            .add(is_positive, is_selected, 1.0);
    }
    let by_group: Vec<GroupScore> = counts
        .iter()
        .map(|(group, counts)| GroupScore::new(group, counts))
        .collect();
    let spread = |see: &dyn Fn(&GroupScore) -> Option<f64>| {
        extremes(&by_group, see).map_or(0.0, |(low, high)| high.1 - low.1)
    };
    let odds =
        spread(&|group| group.true_positive_rate).max(spread(&|group| group.false_positive_rate));
    Ok(GroupReport {
        column: column.to_owned(),
        demographic_parity_difference: spread(&|group| Some(group.selection_rate)),
        equalized_odds_difference: odds,
        by_group,
    })
}

impl GroupScore {
    fn new(group: &str, counts: &Counts) -> Self {
        let n_positive = counts.true_positive + counts.false_negative;
        let n_negative = counts.true_negative + counts.false_positive;
        let n_rows = n_positive + n_negative;
        let rate = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        Self {
            group: group.to_owned(),
            n_rows: n_rows as usize,
            selection_rate: (counts.true_positive + counts.false_positive) / n_rows,
            true_positive_rate: rate(counts.true_positive, n_positive),
            false_positive_rate: rate(counts.false_positive, n_negative),
            accuracy: (counts.true_positive + counts.true_negative) / n_rows,
        }
    }
}

type Extreme<'a> = (&'a GroupScore, f64);

/// The groups with the lowest and the highest rate.
fn extremes<'a>(
    groups: &'a [GroupScore],
    rate: &dyn Fn(&GroupScore) -> Option<f64>,
) -> Option<(Extreme<'a>, Extreme<'a>)> {
    let rated: Vec<Extreme<'a>> = groups
        .iter()
        .filter_map(|group| Some((group, rate(group)?)))
        .collect();
    let low = rated
        .iter()
        .min_by(|left, right| left.1.total_cmp(&right.1))?;
    let high = rated
        .iter()
        .max_by(|left, right| left.1.total_cmp(&right.1))?;
    Some((*low, *high))
}

impl GroupReport {
    /// Both differences by name.
    #[must_use]
    pub fn differences(&self) -> [(&'static str, f64); 2] {
        [
            (DEMOGRAPHIC_PARITY, self.demographic_parity_difference),
            (EQUALIZED_ODDS, self.equalized_odds_difference),
        ]
    }

    /// Which groups make a difference, in words with their numbers.
    #[must_use]
    pub fn explain(&self, name: &str) -> String {
        let part = |what: &str, rate: &dyn Fn(&GroupScore) -> Option<f64>| {
            extremes(&self.by_group, rate).map(|((low, lowest), (high, highest))| {
                let words = format!(
                    "{what} {lowest:.3} for {} and {highest:.3} for {}",
                    shown(low),
                    shown(high)
                );
                (highest - lowest, words)
            })
        };
        let parts: Vec<(f64, String)> = if name == DEMOGRAPHIC_PARITY {
            part("selection rate", &|group| Some(group.selection_rate))
                .into_iter()
                .collect()
        } else {
            let true_positive = part("true positive rate", &|group| group.true_positive_rate);
            true_positive
                .into_iter()
                .chain(part("false positive rate", &|group| {
                    group.false_positive_rate
                }))
                .collect()
        };
        let greatest = parts
            .into_iter()
            .max_by(|left, right| left.0.total_cmp(&right.0));
        greatest.map_or_else(String::new, |(_, words)| {
            format!("`{}`: {words}", self.column)
        })
    }
}

fn shown(group: &GroupScore) -> String {
    let note = if group.n_rows < SMALL_GROUP {
        format!(" (only {} rows)", group.n_rows)
    } else {
        String::new()
    };
    format!("`{}`{note}", group.group)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> GroupReport {
        let outcomes = Outcomes {
            task: Task::Binary,
            truth: &[1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0],
            predicted: &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            probabilities: None,
            n_classes: 2,
            weights: None,
        };
        let groups: Vec<String> = ["a", "a", "a", "a", "b", "b", "b", "b"]
            .map(str::to_owned)
            .into();
        fairness(&outcomes, &groups, "sex").unwrap()
    }

    // Expected values by Fairlearn 0.15.
    #[test]
    fn differences_are_those_of_fairlearn() {
        assert_eq!(report().demographic_parity_difference, 0.5);
        assert_eq!(report().equalized_odds_difference, 0.5);
    }

    #[test]
    fn the_groups_that_make_the_difference_are_named() {
        assert_eq!(
            report().explain(DEMOGRAPHIC_PARITY),
            "`sex`: selection rate 0.500 for `a` (only 4 rows) and 1.000 for `b` (only 4 rows)"
        );
    }

    #[test]
    fn a_group_without_positive_rows_has_no_true_positive_rate() {
        let outcomes = Outcomes {
            task: Task::Binary,
            truth: &[1.0, 0.0],
            predicted: &[1.0, 0.0],
            probabilities: None,
            n_classes: 2,
            weights: None,
        };
        let report = fairness(&outcomes, &["a".to_owned(), "b".to_owned()], "g").unwrap();
        assert_eq!(report.by_group[1].true_positive_rate, None);
        assert_eq!(report.equalized_odds_difference, 0.0);
    }

    #[test]
    fn groups_must_fit_the_rows() {
        let outcomes = Outcomes {
            task: Task::Binary,
            truth: &[1.0],
            predicted: &[1.0],
            probabilities: None,
            n_classes: 2,
            weights: None,
        };
        assert!(
            fairness(&outcomes, &[], "g")
                .unwrap_err()
                .to_string()
                .contains("rows and groups differ")
        );
        let numbers = Outcomes {
            task: Task::Regression,
            ..outcomes
        };
        assert!(fairness(&numbers, &["a".to_owned()], "g").is_err());
    }
}
