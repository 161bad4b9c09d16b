//! From probabilities to decisions: a threshold that suits what errors cost, or one for each group of people.
//!
//! Both are chosen on the validation part, which the model has not learnt from, and become a part of the graph.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use everloop_domain::Value;
use everloop_lifecycle::{Lifecycle, Mitigation, Parity, ThresholdGoal};
use everloop_measure::{
    Comparison, Goal, GroupCounts, Groups, Outcomes, choose_threshold, group_thresholds, reweighing,
};
use everloop_package::graph::{Decision, Graph};
use everloop_package::native::NativeModel;
use everloop_package::{Kind, Scorer as _};
use everloop_train::Fitted;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::scoring::{Scored, texts};

/// Where the threshold lies that models have by themselves.
pub(crate) const HALF: f64 = 0.5;

/// What was decided about thresholds and differences between groups, and what it changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// The threshold of the positive class; nothing if no row should be positive, or if groups have their own.
    pub threshold: Option<f64>,
    /// The thresholds of groups, if they have their own.
    pub by_group: Vec<(String, Option<f64>)>,
    /// The column of the groups.
    pub column: Option<String>,
    /// What was wanted, in words.
    pub goal: String,
    /// Numbers on the validation rows (of reweighing: on the train rows) before and after, by name.
    pub before: BTreeMap<String, f64>,
    /// The same after.
    pub after: BTreeMap<String, f64>,
}

/// A graph with its decision.
pub(super) struct Deciding {
    pub(super) graph: Graph,
    pub(super) decided: Decided,
}

/// Chooses what the file asks for; nothing if it asks for nothing.
pub(super) fn decide(
    lifecycle: &Lifecycle,
    fitted: &Fitted,
    validation: &RecordBatch,
) -> Result<Option<Deciding>, Error> {
    let evaluate = &lifecycle.evaluate;
    let fairness = evaluate.fairness.as_ref();
    let mitigation = fairness.and_then(|it| Some((it.groups.first()?, it.mitigate?)));
    let by_group = match mitigation {
        Some((column, Mitigation::GroupThresholds { parity, tolerance })) => {
            Some((column, parity, tolerance))
        }
        _ => None,
    };
    if evaluate.threshold.is_none() && by_group.is_none() {
        return Ok(None);
    }
    if validation.num_rows() == 0 {
        return Err(Error::Invalid(
            "a threshold is chosen on the validation part, which has no rows: raise `split.validation`".to_owned(),
        ));
    }
    let predictions = fitted.predict(validation)?;
    let rows = ("validation", validation);
    let scored = Scored::of(lifecycle, rows, &predictions, &fitted.classes)?;
    let (decision, decided) = match (by_group, evaluate.threshold) {
        (Some((column, parity, tolerance)), _) => {
            of_groups(fitted, &scored, validation, column, parity, tolerance)?
        }
        (None, Some(goal)) => of_all(&scored, goal)?,
        (None, None) => return Ok(None),
    };
    Ok(Some(Deciding {
        graph: fitted.graph.deciding(&decision)?,
        decided,
    }))
}

/// The trainer's predictions with the labels that the graph decides on: probabilities stay the trainer's, so that the
/// parity check still compares both.
pub(super) fn relabelled(
    graph: &Graph,
    inputs: &RecordBatch,
    predictions: &RecordBatch,
) -> Result<RecordBatch, Error> {
    let decided = NativeModel::new(graph)?.score(inputs)?;
    let columns = predictions.schema();
    let columns = columns.fields().iter().zip(predictions.columns());
    let columns = columns.map(|(field, column)| {
        let label = decided
            .column_by_name(field.name())
            .filter(|_| field.name() == "prediction");
        (field.name().clone(), Arc::clone(label.unwrap_or(column)))
    });
    RecordBatch::try_from_iter(columns).map_err(|error| Error::Invalid(error.to_string()))
}

fn of_all(scored: &Scored, goal: ThresholdGoal) -> Result<(Decision, Decided), Error> {
    let outcomes = scored.outcomes();
    let chosen = choose_threshold(&outcomes, &measured(goal))?;
    let probabilities = scored.probabilities.as_deref().unwrap_or_default();
    let threshold = chosen
        .threshold
        .map(|at| between(at, probabilities.iter().copied()));
    let after = relabel(scored, |_| threshold);
    let decided = Decided {
        threshold,
        by_group: Vec::new(),
        column: None,
        goal: words(goal),
        before: rates(scored, &scored.predicted, goal),
        after: rates(scored, &after, goal),
    };
    Ok((Decision::At(threshold), decided))
}

fn of_groups(
    fitted: &Fitted,
    scored: &Scored,
    validation: &RecordBatch,
    column: &str,
    parity: Parity,
    tolerance: f64,
) -> Result<(Decision, Decided), Error> {
    let inputs = &fitted.graph.signature().inputs;
    let input = inputs.iter().find(|input| input.name == column);
    let kind = input.map(|input| input.kind).ok_or_else(|| {
        Error::Invalid(format!(
            "`mitigate: group_thresholds` needs `{column}` as an input of the model, and it is none; use `mitigate: reweighing`"
        ))
    })?;
    let values = group_texts(validation, column)?;
    let groups = Groups::of(&values);
    let outcomes = scored.outcomes();
    let chosen = group_thresholds(&outcomes, &groups, wanted(parity), tolerance)?;
    let probabilities = scored.probabilities.as_deref().unwrap_or_default();
    let mut by_group = Vec::with_capacity(chosen.thresholds.len());
    for (place, (name, threshold)) in chosen.thresholds.iter().enumerate() {
        let own = (0..values.len()).filter(|row| groups.of_row(*row) == place);
        let own: Vec<f64> = own.map(|row| probabilities[row]).collect();
        let threshold = threshold.map(|at| between(at, own.into_iter()));
        by_group.push((name.clone(), threshold));
    }
    let thresholds = by_group
        .iter()
        .filter(|(name, _)| name != "missing")
        .map(|(name, threshold)| {
            let value = match (kind, name.parse()) {
                (Kind::Integer, Ok(number)) => Value::Integer(number),
                _ => Value::Text(name.clone()),
            };
            (value, *threshold)
        })
        .collect();
    let decision = Decision::ByGroup {
        column: column.to_owned(),
        thresholds,
        otherwise: HALF,
    };
    let after = relabel(scored, |row| by_group[groups.of_row(row)].1);
    let decided = Decided {
        threshold: None,
        by_group: by_group.clone(),
        column: Some(column.to_owned()),
        goal: format!("{parity:?} parity of `{column}` to {tolerance}"),
        before: apart(&outcomes, &groups)?,
        after: apart(
            &Outcomes {
                predicted: &after,
                ..outcomes
            },
            &groups,
        )?,
    };
    Ok((decision, decided))
}

/// The weights of train rows that make the target independent of the groups, if the file asks for it.
pub(super) fn weights(
    lifecycle: &Lifecycle,
    train: &RecordBatch,
) -> Result<Option<(Vec<f64>, Decided)>, Error> {
    let Some(fairness) = &lifecycle.evaluate.fairness else {
        return Ok(None);
    };
    if fairness.mitigate != Some(Mitigation::Reweighing) {
        return Ok(None);
    }
    let target = &lifecycle.dataset.target;
    let truth = train
        .column_by_name(target)
        .ok_or_else(|| Error::Invalid(format!("the train rows have no column `{target}`")))?;
    let labels = texts(truth);
    let mut classes: Vec<&Option<String>> = labels.iter().collect();
    classes.sort_unstable();
    classes.dedup();
    let class = |label: &Option<String>| {
        let place = classes.binary_search(&label).unwrap_or_default();
        place as f64
    };
    let values: Vec<f64> = labels.iter().map(class).collect();
    let mut names = vec![String::new(); train.num_rows()];
    for column in &fairness.groups {
        for (name, value) in names.iter_mut().zip(group_texts(train, column)?) {
            name.push_str(&value);
            name.push('\u{1f}');
        }
    }
    let groups = Groups::of(&names);
    let weights = reweighing(&values, &groups, None)?;
    let decided = Decided {
        threshold: Some(HALF),
        by_group: Vec::new(),
        column: Some(fairness.groups.join(", ")),
        goal: "reweighing: the target does not depend on the group in the weighed train rows"
            .to_owned(),
        before: base_rates(&values, &groups, None),
        after: base_rates(&values, &groups, Some(&weights)),
    };
    Ok(Some((weights, decided)))
}

fn base_rates(values: &[f64], groups: &Groups, weights: Option<&[f64]>) -> BTreeMap<String, f64> {
    let mut sums = vec![(0.0, 0.0); groups.names().len()];
    for (row, value) in values.iter().enumerate() {
        let weight = weights.map_or(1.0, |weights| weights[row]);
        let (positive, all) = &mut sums[groups.of_row(row)];
        *positive += weight * value;
        *all += weight;
    }
    let shares = sums.iter().map(|(positive, all)| positive / all);
    let (low, high) = shares.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), share| {
        (low.min(share), high.max(share))
    });
    BTreeMap::from([("base_rate_difference".to_owned(), high - low)])
}

fn group_texts(rows: &RecordBatch, column: &str) -> Result<Vec<String>, Error> {
    let found = rows
        .column_by_name(column)
        .ok_or_else(|| Error::Invalid(format!("the rows have no column `{column}`")))?;
    let missing = || "missing".to_owned();
    Ok(texts(found)
        .into_iter()
        .map(|text| text.unwrap_or_else(missing))
        .collect())
}

/// The middle between a threshold and the next lower probability: rounding then decides nothing.
fn between(threshold: f64, probabilities: impl Iterator<Item = f64>) -> f64 {
    let below = probabilities.filter(|it| *it < threshold);
    let next = below.fold(f64::NEG_INFINITY, f64::max);
    if next.is_finite() {
        f64::midpoint(threshold, next)
    } else {
        threshold
    }
}

fn relabel(scored: &Scored, threshold: impl Fn(usize) -> Option<f64>) -> Vec<f64> {
    let probabilities = scored.probabilities.as_deref().unwrap_or_default();
    let rows = probabilities.iter().enumerate();
    rows.map(|(row, it)| f64::from(u8::from(threshold(row).is_some_and(|at| *it >= at))))
        .collect()
}

/// What decisions do, as shares of rows, or of their weight; and what they cost, if costs are known.
fn rates(scored: &Scored, predicted: &[f64], goal: ThresholdGoal) -> BTreeMap<String, f64> {
    let weight = |row: usize| scored.weights.as_ref().map_or(1.0, |all| all[row]);
    let n_of = |is_positive: f64, is_selected: f64| {
        let pairs = scored.truth.iter().zip(predicted).enumerate();
        let found = pairs.filter(|(_, pair)| *pair == (&is_positive, &is_selected));
        found.fold(0.0, |sum, (row, _)| sum + weight(row))
    };
    let (found, wrongly) = (n_of(1.0, 1.0), n_of(0.0, 1.0));
    let (missed, left) = (n_of(1.0, 0.0), n_of(0.0, 0.0));
    let all = found + wrongly + missed + left;
    let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    let mut rates = BTreeMap::from([
        ("accuracy".to_owned(), ratio(found + left, all)),
        ("precision".to_owned(), ratio(found, found + wrongly)),
        ("recall".to_owned(), ratio(found, found + missed)),
        ("selection_rate".to_owned(), ratio(found + wrongly, all)),
    ]);
    if let ThresholdGoal::Cost {
        false_positive,
        false_negative,
        true_positive,
        true_negative,
    } = goal
    {
        let cost = found * true_positive
            + wrongly * false_positive
            + missed * false_negative
            + left * true_negative;
        rates.insert("cost_per_row".to_owned(), ratio(cost, all));
    }
    rates
}

/// How far groups lie apart.
fn apart(outcomes: &Outcomes<'_>, groups: &Groups) -> Result<BTreeMap<String, f64>, Error> {
    let counts = GroupCounts::of(outcomes, groups)?;
    let with = Comparison::BetweenGroups;
    let named = [
        (
            "demographic_parity_difference",
            counts.demographic_parity_difference(with),
        ),
        (
            "equalized_odds_difference",
            counts.equalized_odds_difference(with),
        ),
        (
            "equal_opportunity_difference",
            counts.equal_opportunity_difference(with),
        ),
        (
            "accuracy",
            counts.rate(everloop_measure::GroupRate::Accuracy).overall(),
        ),
    ];
    let named = named.into_iter();
    Ok(named
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect())
}

fn measured(goal: ThresholdGoal) -> Goal {
    match goal {
        ThresholdGoal::Cost {
            false_positive,
            false_negative,
            true_positive,
            true_negative,
        } => Goal::Cost {
            true_positive,
            false_positive,
            false_negative,
            true_negative,
        },
        ThresholdGoal::F { beta } => Goal::F { beta },
        ThresholdGoal::Accuracy => Goal::Accuracy,
        ThresholdGoal::BalancedAccuracy => Goal::BalancedAccuracy,
        ThresholdGoal::RecallAtPrecision(min) => Goal::RecallAtPrecision { min },
        ThresholdGoal::PrecisionAtRecall(min) => Goal::PrecisionAtRecall { min },
        ThresholdGoal::RecallAtFalsePositiveRate(max) => Goal::RecallAtFalsePositiveRate { max },
        ThresholdGoal::RecallAtSelectionRate(max) => Goal::RecallAtSelectionRate { max },
    }
}

fn wanted(parity: Parity) -> everloop_measure::Parity {
    match parity {
        Parity::Demographic => everloop_measure::Parity::Demographic,
        Parity::TruePositiveRate => everloop_measure::Parity::TruePositiveRate,
        Parity::FalsePositiveRate => everloop_measure::Parity::FalsePositiveRate,
        Parity::EqualizedOdds => everloop_measure::Parity::EqualizedOdds,
    }
}

fn words(goal: ThresholdGoal) -> String {
    match goal {
        ThresholdGoal::Cost {
            false_positive,
            false_negative,
            ..
        } => format!(
            "the lowest cost, {false_positive} a false positive and {false_negative} a false negative"
        ),
        ThresholdGoal::F { beta } => format!("the highest F score with beta {beta}"),
        ThresholdGoal::Accuracy => "the highest accuracy".to_owned(),
        ThresholdGoal::BalancedAccuracy => "the highest balanced accuracy".to_owned(),
        ThresholdGoal::RecallAtPrecision(min) => {
            format!("the highest recall at precision {min} or more")
        }
        ThresholdGoal::PrecisionAtRecall(min) => {
            format!("the highest precision at recall {min} or more")
        }
        ThresholdGoal::RecallAtFalsePositiveRate(max) => {
            format!("the highest recall at a false positive rate of {max} or less")
        }
        ThresholdGoal::RecallAtSelectionRate(max) => {
            format!("the highest recall with {max} of the rows selected or less")
        }
    }
}

#[cfg(test)]
mod tests {
    use everloop_domain::Task;

    use super::*;

    fn scored() -> Scored {
        Scored {
            task: Task::Binary,
            truth: vec![0.0, 0.0, 1.0, 1.0],
            predicted: vec![0.0, 0.0, 0.0, 1.0],
            probabilities: Some(vec![0.1, 0.3, 0.4, 0.9]),
            classes: vec![Value::Integer(0), Value::Integer(1)],
            weights: None,
        }
    }

    #[test]
    fn a_threshold_lies_between_two_probabilities() {
        let (decision, decided) = of_all(&scored(), ThresholdGoal::Accuracy).unwrap();
        assert_eq!(decision, Decision::At(Some(f64::midpoint(0.3, 0.4))));
        assert_eq!(
            (decided.before["accuracy"], decided.after["accuracy"]),
            (0.75, 1.0)
        );
    }

    #[test]
    fn rows_count_by_their_weight() {
        let scored = Scored {
            truth: vec![0.0, 1.0, 0.0, 1.0],
            weights: Some(vec![1.0, 5.0, 1.0, 1.0]),
            ..scored()
        };
        let (decision, decided) = of_all(&scored, ThresholdGoal::Accuracy).unwrap();
        assert_eq!(decision, Decision::At(Some(f64::midpoint(0.1, 0.3))));
        assert_eq!(
            (decided.before["accuracy"], decided.after["accuracy"]),
            (0.375, 0.875)
        );
    }

    #[test]
    fn costs_are_told_before_and_after() {
        let goal = ThresholdGoal::Cost {
            false_positive: 1.0,
            false_negative: 5.0,
            true_positive: 0.0,
            true_negative: 0.0,
        };
        let (_, decided) = of_all(&scored(), goal).unwrap();
        assert_eq!(
            (
                decided.before["cost_per_row"],
                decided.after["cost_per_row"]
            ),
            (1.25, 0.0)
        );
    }
}
