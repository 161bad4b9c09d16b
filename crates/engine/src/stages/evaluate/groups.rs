//! How groups of people fare: every rate of every group, and how far groups lie apart.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use everloop_lifecycle::{Bound, Evaluate, Fairness};
use everloop_measure::{Comparison, GroupCounts, GroupRate, Groups};
use serde::{Deserialize, Serialize};

use super::column_texts;
use super::gates::GateOutcome;
use super::intervals::pick;
use crate::Error;
use crate::scoring::Scored;

/// The rates by name.
const RATES: [(&str, GroupRate); 9] = [
    ("selection_rate", GroupRate::SelectionRate),
    ("true_positive_rate", GroupRate::TruePositiveRate),
    ("false_positive_rate", GroupRate::FalsePositiveRate),
    ("true_negative_rate", GroupRate::TrueNegativeRate),
    ("false_negative_rate", GroupRate::FalseNegativeRate),
    ("accuracy", GroupRate::Accuracy),
    ("balanced_accuracy", GroupRate::BalancedAccuracy),
    ("precision", GroupRate::Precision),
    ("f1", GroupRate::F1),
];

/// The groups of a column, or of those who share the values of two columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupComparison {
    /// The column, or `sex, race`.
    pub column: String,
    /// The groups, by name.
    pub groups: Vec<GroupRates>,
    /// Differences, ratios, smallest and greatest rates by name; small groups are not regarded.
    pub comparisons: BTreeMap<String, f64>,
    /// Why nothing is compared, if so.
    pub problem: Option<String>,
}

/// The rates of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupRates {
    /// The group.
    pub group: String,
    /// Its rows.
    pub n_rows: usize,
    /// Whether it has too few rows to be compared.
    pub is_small: bool,
    /// Its rates by name; those that its rows do not tell are absent.
    pub rates: BTreeMap<String, f64>,
}

/// Compares the groups of every column, and of every two of them.
pub(super) fn groups(
    evaluate: &Evaluate,
    scored: &Scored,
    test: &RecordBatch,
) -> Result<Vec<GroupComparison>, Error> {
    let Some(fairness) = &evaluate.fairness else {
        return Ok(Vec::new());
    };
    let mut columns = Vec::with_capacity(fairness.groups.len());
    for column in &fairness.groups {
        columns.push((column.clone(), column_texts(test, column)?));
    }
    let mut found = Vec::new();
    for (column, values) in &columns {
        found.push(compare(fairness, scored, column, values)?);
    }
    if fairness.intersections {
        for (index, (right, right_values)) in columns.iter().enumerate() {
            for (left, left_values) in &columns[..index] {
                let pairs = left_values.iter().zip(right_values);
                let values: Vec<String> = pairs
                    .map(|(one, other)| format!("{one}, {other}"))
                    .collect();
                let name = format!("{left}, {right}");
                found.push(compare(fairness, scored, &name, &values)?);
            }
        }
    }
    Ok(found)
}

fn compare(
    fairness: &Fairness,
    scored: &Scored,
    column: &str,
    values: &[String],
) -> Result<GroupComparison, Error> {
    let groups = Groups::of(values);
    let outcomes = scored.outcomes();
    let counts = GroupCounts::of(&outcomes, &groups)?;
    let rates: Vec<(&str, Vec<Option<f64>>)> = RATES
        .iter()
        .map(|(name, rate)| {
            let values = counts.rate(*rate);
            let values = values.by_group().map(|(_, value)| value).collect();
            (*name, values)
        })
        .collect();
    let is_small = |group: usize| counts.n_rows()[group] < fairness.min_group_size;
    let of_group = |group: usize| {
        let found = rates.iter();
        let found = found.filter_map(|(name, values)| Some(((*name).to_owned(), values[group]?)));
        GroupRates {
            group: groups.names()[group].clone(),
            n_rows: counts.n_rows()[group],
            is_small: is_small(group),
            rates: found.collect(),
        }
    };
    let rows: Vec<usize> = (0..values.len())
        .filter(|row| !is_small(groups.of_row(*row)))
        .collect();
    let n_large = (0..groups.names().len())
        .filter(|group| !is_small(*group))
        .count();
    let (comparisons, problem) = if n_large < 2 {
        let words = format!(
            "{n_large} of {} groups have {} rows or more: there is nothing to compare",
            groups.names().len(),
            fairness.min_group_size
        );
        (BTreeMap::new(), Some(words))
    } else {
        (comparisons(scored, values, &rows)?, None)
    };
    Ok(GroupComparison {
        column: column.to_owned(),
        groups: (0..groups.names().len()).map(of_group).collect(),
        comparisons,
        problem,
    })
}

/// The comparisons of groups on some rows, by Fairlearn's definitions.
fn comparisons(
    scored: &Scored,
    values: &[String],
    rows: &[usize],
) -> Result<BTreeMap<String, f64>, Error> {
    let large: Vec<&str> = rows.iter().map(|row| values[*row].as_str()).collect();
    let groups = Groups::of(&large);
    let picked = pick(scored, rows);
    let counts = GroupCounts::of(&picked.outcomes(), &groups)?;
    let with = Comparison::BetweenGroups;
    let mut found = BTreeMap::new();
    let mut put = |name: String, value: Option<f64>| {
        if let Some(value) = value {
            found.insert(name, value);
        }
    };
    for (name, rate) in RATES {
        let values = counts.rate(rate);
        put(format!("{name}_difference"), values.difference(with));
        put(format!("{name}_ratio"), values.ratio(with));
        put(format!("{name}_group_min"), values.group_min());
        put(format!("{name}_group_max"), values.group_max());
    }
    for (name, value) in [
        (
            "demographic_parity_difference",
            counts.demographic_parity_difference(with),
        ),
        (
            "demographic_parity_ratio",
            counts.demographic_parity_ratio(with),
        ),
        (
            "equalized_odds_difference",
            counts.equalized_odds_difference(with),
        ),
        ("equalized_odds_ratio", counts.equalized_odds_ratio(with)),
        (
            "equal_opportunity_difference",
            counts.equal_opportunity_difference(with),
        ),
        (
            "equal_opportunity_ratio",
            counts.equal_opportunity_ratio(with),
        ),
        ("mean_odds_difference", counts.mean_odds_difference(with)),
    ] {
        put(name.to_owned(), value);
    }
    Ok(found)
}

/// Whether a greater number of this name is the fairer one.
pub(super) fn is_better_greater(name: &str) -> bool {
    name.ends_with("_ratio") || name.ends_with("_group_min")
}

/// The bounds that `evaluate.fairness.metrics` sets, as gates: of every column, and of every two.
pub(super) fn bounds(evaluate: &Evaluate, all: &[GroupComparison]) -> Vec<GateOutcome> {
    let Some(fairness) = &evaluate.fairness else {
        return Vec::new();
    };
    let mut gates = Vec::new();
    for (name, bound) in &fairness.bounds {
        for comparison in all {
            gates.push(gate(name, *bound, comparison));
        }
    }
    gates
}

fn gate(name: &str, bound: Bound, comparison: &GroupComparison) -> GateOutcome {
    let mut words = Vec::new();
    words.extend(bound.min.map(|min| format!(">= {min}")));
    words.extend(bound.max.map(|max| format!("<= {max}")));
    let words = words.join(" and ");
    let text = format!("{name} {words} by {}", comparison.column);
    match comparison.comparisons.get(name) {
        Some(value) => {
            let holds = bound.min.is_none_or(|min| *value >= min)
                && bound.max.is_none_or(|max| *value <= max);
            let shown = format!("{name} = {value:.4} {words}; {}", explain(name, comparison));
            GateOutcome::new(text, holds, false, shown)
        }
        // What cannot be computed is not known to hold. Intersections without two large groups cannot be: their
        // columns are bound by themselves.
        None if comparison.column.contains(", ") => {
            let why = comparison.problem.as_deref().unwrap_or("no group tells it");
            GateOutcome::new(text, true, false, format!("not compared: {why}"))
        }
        None => {
            let why = comparison.problem.as_deref().unwrap_or("no group tells it");
            GateOutcome::new(text, false, false, format!("{name} has no value: {why}"))
        }
    }
}

/// The groups that a comparison is between, in words with their numbers.
pub(super) fn explain(name: &str, comparison: &GroupComparison) -> String {
    let rate_names: Vec<&str> = if name.starts_with("demographic_parity") {
        vec!["selection_rate"]
    } else if name.starts_with("equal_opportunity") {
        vec!["true_positive_rate"]
    } else if name.contains("_odds_") {
        vec!["true_positive_rate", "false_positive_rate"]
    } else {
        let rates = RATES.iter().map(|(rate, _)| *rate);
        rates
            .filter(|rate| name.starts_with(rate))
            .take(1)
            .collect()
    };
    let widest = rate_names
        .iter()
        .filter_map(|rate| {
            let large = comparison.groups.iter().filter(|group| !group.is_small);
            let rated: Vec<(&GroupRates, f64)> = large
                .filter_map(|group| Some((group, *group.rates.get(*rate)?)))
                .collect();
            let low = rated
                .iter()
                .min_by(|one, other| one.1.total_cmp(&other.1))?;
            let high = rated
                .iter()
                .max_by(|one, other| one.1.total_cmp(&other.1))?;
            Some((high.1 - low.1, *rate, *low, *high))
        })
        .max_by(|one, other| one.0.total_cmp(&other.0));
    widest.map_or_else(String::new, |(_, rate, low, high)| {
        format!(
            "`{}`: {} {:.3} for `{}` and {:.3} for `{}`",
            comparison.column,
            rate.replace('_', " "),
            low.1,
            low.0.group,
            high.1,
            high.0.group
        )
    })
}

/// Numbers that gates may name: `selection_rate_difference` (the least fair column's),
/// `selection_rate_difference.sex`, `selection_rate.sex.Female` and `selection_rate.sex.min`.
pub(super) fn named(all: &[GroupComparison]) -> BTreeMap<String, f64> {
    let mut found: BTreeMap<String, f64> = BTreeMap::new();
    for comparison in all {
        let column = &comparison.column;
        let is_single = !column.contains(", ");
        for (name, value) in &comparison.comparisons {
            found.insert(format!("{name}.{column}"), *value);
            if is_single {
                let worst = found.entry(name.clone()).or_insert(*value);
                *worst = if is_better_greater(name) {
                    worst.min(*value)
                } else {
                    worst.max(*value)
                };
            }
        }
        for group in &comparison.groups {
            for (rate, value) in &group.rates {
                found.insert(format!("{rate}.{column}.{}", group.group), *value);
            }
        }
        for (rate, _) in RATES {
            for (end, short) in [("_group_min", "min"), ("_group_max", "max")] {
                if let Some(value) = comparison.comparisons.get(&format!("{rate}{end}")) {
                    found.insert(format!("{rate}.{column}.{short}"), *value);
                }
            }
        }
    }
    found
}
