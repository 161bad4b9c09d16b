//! Differences between groups, by Fairlearn's definitions.

mod groups;
mod mitigation;
mod privilege;

use serde::{Deserialize, Serialize};

pub use groups::{Comparison, GroupCounts, GroupRate, GroupValues, Groups};
pub use mitigation::{GroupThresholds, Parity, group_thresholds, reweighing};
pub use privilege::{Privilege, privilege, theil_index};

use crate::{Error, Outcomes};

/// The name of the demographic parity difference.
pub const DEMOGRAPHIC_PARITY: &str = "demographic_parity_difference";
/// The name of the equalized odds difference.
pub const EQUALIZED_ODDS: &str = "equalized_odds_difference";
/// The name of the demographic parity ratio.
pub const DEMOGRAPHIC_PARITY_RATIO: &str = "demographic_parity_ratio";
/// The name of the equalized odds ratio.
pub const EQUALIZED_ODDS_RATIO: &str = "equalized_odds_ratio";
/// The name of the equal opportunity difference.
pub const EQUAL_OPPORTUNITY: &str = "equal_opportunity_difference";
/// The name of the equal opportunity ratio.
pub const EQUAL_OPPORTUNITY_RATIO: &str = "equal_opportunity_ratio";
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
    /// The smallest ratio of selection rates, 0 to 1; nothing if nobody is selected.
    pub demographic_parity_ratio: Option<f64>,
    /// The greater of the greatest differences of true and false positive rates, 0 to 1. Groups without positive
    /// (negative) rows are left out of the first (second).
    pub equalized_odds_difference: f64,
    /// The smaller of the smallest ratios of true and false positive rates, 0 to 1.
    pub equalized_odds_ratio: Option<f64>,
    /// The greatest difference of true positive rates, 0 to 1.
    pub equal_opportunity_difference: Option<f64>,
    /// The smallest ratio of true positive rates, 0 to 1.
    pub equal_opportunity_ratio: Option<f64>,
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
    let groups = Groups::of(groups);
    let counts = GroupCounts::of(outcomes, &groups)?;
    let between = Comparison::BetweenGroups;
    let rate = |rate| -> Vec<Option<f64>> {
        let values = counts.rate(rate);
        values.by_group().map(|(_, value)| value).collect()
    };
    let selected = rate(GroupRate::SelectionRate);
    let found = rate(GroupRate::TruePositiveRate);
    let wrongly = rate(GroupRate::FalsePositiveRate);
    let right = rate(GroupRate::Accuracy);
    let groups = groups.names().iter().enumerate();
    let by_group = groups.map(|(index, group)| GroupScore {
        group: group.clone(),
        n_rows: counts.n_rows()[index],
        selection_rate: selected[index].unwrap_or_default(),
        true_positive_rate: found[index],
        false_positive_rate: wrongly[index],
        accuracy: right[index].unwrap_or_default(),
    });
    Ok(GroupReport {
        column: column.to_owned(),
        demographic_parity_difference: counts
            .demographic_parity_difference(between)
            .unwrap_or_default(),
        demographic_parity_ratio: counts.demographic_parity_ratio(between),
        equalized_odds_difference: counts
            .equalized_odds_difference(between)
            .unwrap_or_default(),
        equalized_odds_ratio: counts.equalized_odds_ratio(between),
        equal_opportunity_difference: counts.equal_opportunity_difference(between),
        equal_opportunity_ratio: counts.equal_opportunity_ratio(between),
        by_group: by_group.collect(),
    })
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
    /// The differences by name: the greater, the less fair. One that no two groups have a rate for is absent.
    #[must_use]
    pub fn differences(&self) -> Vec<(&'static str, f64)> {
        let found = [
            (DEMOGRAPHIC_PARITY, Some(self.demographic_parity_difference)),
            (EQUALIZED_ODDS, Some(self.equalized_odds_difference)),
            (EQUAL_OPPORTUNITY, self.equal_opportunity_difference),
        ];
        present(found)
    }

    /// The ratios by name: the smaller, the less fair.
    #[must_use]
    pub fn ratios(&self) -> Vec<(&'static str, f64)> {
        let found = [
            (DEMOGRAPHIC_PARITY_RATIO, self.demographic_parity_ratio),
            (EQUALIZED_ODDS_RATIO, self.equalized_odds_ratio),
            (EQUAL_OPPORTUNITY_RATIO, self.equal_opportunity_ratio),
        ];
        present(found)
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
        let selected = part("selection rate", &|group| Some(group.selection_rate));
        let found = part("true positive rate", &|group| group.true_positive_rate);
        let wrongly = part("false positive rate", &|group| group.false_positive_rate);
        let parts = match name {
            DEMOGRAPHIC_PARITY | DEMOGRAPHIC_PARITY_RATIO => [selected, None],
            EQUAL_OPPORTUNITY | EQUAL_OPPORTUNITY_RATIO => [found, None],
            _ => [found, wrongly],
        };
        let greatest = parts
            .into_iter()
            .flatten()
            .max_by(|left, right| left.0.total_cmp(&right.0));
        greatest.map_or_else(String::new, |(_, words)| {
            format!("`{}`: {words}", self.column)
        })
    }
}

fn present<const N: usize>(found: [(&'static str, Option<f64>); N]) -> Vec<(&'static str, f64)> {
    let found = found.into_iter();
    found
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
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
    use everloop_domain::Task;

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
