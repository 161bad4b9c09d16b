//! What can be done about differences between groups: weigh the rows before training, or decide by group afterwards.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::groups::Groups;
use crate::curves::checked;
use crate::outcomes::same_length;
use crate::steps::Steps;
use crate::{Error, Outcomes};

/// Thresholds of a group that are tried at most.
const MAX_TRIED: usize = 1000;
/// The same where two rates are held at once.
const MAX_TRIED_OF_TWO: usize = 100;

/// Weights of rows that make the target independent of the group (Kamiran and Calders 2012): how often group and
/// class would meet by chance, by how often they do.
///
/// # Errors
///
/// Fails if lengths differ or there are no rows.
pub fn reweighing(
    target: &[f64],
    groups: &Groups,
    weights: Option<&[f64]>,
) -> Result<Vec<f64>, Error> {
    if target.is_empty() {
        return Err(Error::Empty { what: "reweighing" });
    }
    crate::outcomes::finite("the target", target)?;
    same_length("rows and groups", target.len(), groups.n_rows())?;
    if let Some(weights) = weights {
        same_length("rows and weights", target.len(), weights.len())?;
        crate::outcomes::weigh("reweighing", weights)?;
    }
    let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
    // Whole classes are alike whatever their sign of zero.
    let class = |row: usize| (target[row] + 0.0).to_bits();
    let mut of_group = vec![0.0; groups.names().len()];
    let mut of_class: BTreeMap<u64, f64> = BTreeMap::new();
    let mut of_both: BTreeMap<(usize, u64), f64> = BTreeMap::new();
    let mut total = 0.0;
    for row in 0..target.len() {
        let group = groups.of_row(row);
        of_group[group] += weight(row);
        *of_class.entry(class(row)).or_default() += weight(row);
        *of_both.entry((group, class(row))).or_default() += weight(row);
        total += weight(row);
    }
    Ok((0..target.len())
        .map(|row| {
            let (group, class) = (groups.of_row(row), class(row));
            let both = of_both.get(&(group, class)).copied().unwrap_or_default();
            let expected = of_group[group] * of_class.get(&class).copied().unwrap_or_default();
            if both > 0.0 {
                weight(row) * expected / (total * both)
            } else {
                0.0
            }
        })
        .collect())
}

/// What must be about equal in all groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parity {
    /// The selection rates: demographic parity.
    Demographic,
    /// The true positive rates: equal opportunity.
    TruePositiveRate,
    /// The false positive rates.
    FalsePositiveRate,
    /// Both of them: equalized odds.
    EqualizedOdds,
}

/// A threshold for each group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupThresholds {
    /// By group: rows with this probability or more are predicted positive; nothing if no row should be.
    pub thresholds: Vec<(String, Option<f64>)>,
    /// The greatest difference between groups that is left.
    pub difference: f64,
    /// The accuracy on the rows at hand.
    pub accuracy: f64,
}

/// A threshold of one group and what it does.
#[derive(Clone, Copy, Debug)]
struct Cut {
    threshold: Option<f64>,
    rates: [f64; 2],
    n_right: f64,
}

/// Chooses a threshold for each group, so that accuracy is highest while the groups differ by at most `tolerance`.
///
/// Decisions stay deterministic: where Fairlearn's `ThresholdOptimizer` draws lots between two thresholds to make rates
/// exactly equal, a small difference is allowed here. Of each group at most a thousand thresholds are tried (for
/// equalized odds a hundred), spread evenly over its rows.
///
/// # Errors
///
/// Fails if the task is not binary, there are no probabilities, a group has no rows of a class that a rate needs, the
/// tolerance does not lie between 0 and 1, lengths differ, or the outcomes are not sound.
pub fn group_thresholds(
    outcomes: &Outcomes<'_>,
    groups: &Groups,
    parity: Parity,
    tolerance: f64,
) -> Result<GroupThresholds, Error> {
    checked(outcomes, "group thresholds")?;
    same_length("rows and groups", outcomes.n_rows(), groups.n_rows())?;
    if !(0.0..=1.0).contains(&tolerance) {
        return Err(Error::Setting {
            what: "the tolerance",
            value: tolerance,
            expected: "a number from 0 to 1",
        });
    }
    let options = options(outcomes, groups, parity)?;
    let (chosen, n_right) = best(&options, tolerance, parity);
    let rate = |of: usize| {
        let rates = chosen.iter().map(|option| option.rates[of]);
        let (low, high) = rates.fold((1.0_f64, 0.0_f64), |(low, high), rate| {
            (low.min(rate), high.max(rate))
        });
        high - low
    };
    Ok(GroupThresholds {
        thresholds: groups
            .names()
            .iter()
            .zip(&chosen)
            .map(|(name, option)| (name.clone(), option.threshold))
            .collect(),
        difference: rate(0).max(rate(1)),
        accuracy: n_right / outcomes.total_weight(),
    })
}

/// The thresholds of each group that are tried.
fn options(
    outcomes: &Outcomes<'_>,
    groups: &Groups,
    parity: Parity,
) -> Result<Vec<Vec<Cut>>, Error> {
    let scores = outcomes.probabilities("group thresholds")?;
    let mut rows: Vec<Vec<(f64, bool, f64)>> = vec![Vec::new(); groups.names().len()];
    for row in 0..outcomes.n_rows() {
        let is_positive = outcomes.truth[row] == 1.0;
        rows[groups.of_row(row)].push((scores[row], is_positive, outcomes.weight(row)));
    }
    let max = if parity == Parity::EqualizedOdds {
        MAX_TRIED_OF_TWO
    } else {
        MAX_TRIED
    };
    rows.into_iter()
        .map(|rows| of_group(&Steps::of(rows.into_iter()), parity, max))
        .collect()
}

fn of_group(steps: &Steps, parity: Parity, max: usize) -> Result<Vec<Cut>, Error> {
    let (n_positive, n_negative) = (steps.n_positive(), steps.n_negative());
    let is_enough = match parity {
        Parity::Demographic => n_positive + n_negative > 0.0,
        Parity::TruePositiveRate => n_positive > 0.0,
        Parity::FalsePositiveRate => n_negative > 0.0,
        Parity::EqualizedOdds => n_positive > 0.0 && n_negative > 0.0,
    };
    if !is_enough {
        return Err(Error::Undefined {
            metric: "a threshold for each group",
            why: "a group has no rows of a class",
        });
    }
    let rates = |found: f64, wrongly: f64| match parity {
        Parity::Demographic => [(found + wrongly) / (n_positive + n_negative), 0.0],
        Parity::TruePositiveRate => [found / n_positive, 0.0],
        Parity::FalsePositiveRate => [wrongly / n_negative, 0.0],
        Parity::EqualizedOdds => [found / n_positive, wrongly / n_negative],
    };
    let nobody = Cut {
        threshold: None,
        rates: [0.0, 0.0],
        n_right: n_negative,
    };
    let n_points = steps.points().len();
    let kept = |index: usize| {
        // Evenly spread, the last one among them.
        n_points <= max || (index + 1) * max / n_points > index * max / n_points
    };
    let options = steps.points().enumerate().filter(|(index, _)| kept(*index));
    let options = options.map(|(_, point)| Cut {
        threshold: Some(point.threshold),
        rates: rates(point.true_positive, point.false_positive),
        n_right: point.true_positive + n_negative - point.false_positive,
    });
    Ok([nobody].into_iter().chain(options).collect())
}

/// Of all windows as wide as the tolerance, the one in which the groups' most accurate thresholds are right most
/// often. A best window can be moved up until its lower end is a rate of some group, so that these are tried.
fn best(options: &[Vec<Cut>], tolerance: f64, parity: Parity) -> (Vec<Cut>, f64) {
    let ends = |of: usize| {
        let mut ends: Vec<f64> = options.iter().flatten().map(|it| it.rates[of]).collect();
        ends.sort_unstable_by(f64::total_cmp);
        ends.dedup();
        ends
    };
    let second = if parity == Parity::EqualizedOdds {
        ends(1)
    } else {
        vec![0.0]
    };
    // Rates are quotients: a difference of exactly the tolerance must not fail by rounding.
    let width = tolerance + 1e-12;
    let mut best: (Vec<Cut>, f64) = (Vec::new(), f64::NEG_INFINITY);
    for low in ends(0) {
        let inside: Vec<Vec<&Cut>> = options
            .iter()
            .map(|group| {
                // Rates rise along the options.
                let start = group.partition_point(|option| option.rates[0] < low);
                let end = group.partition_point(|option| option.rates[0] <= low + width);
                group[start..end].iter().collect()
            })
            .collect();
        if inside.iter().any(Vec::is_empty) {
            continue;
        }
        for other_low in &second {
            let is_inside = |option: &Cut| {
                option.rates[1] >= *other_low && option.rates[1] <= other_low + width
            };
            let chosen: Option<Vec<Cut>> = inside
                .iter()
                .map(|group| {
                    let fitting = group.iter().filter(|option| is_inside(option));
                    let best = fitting.max_by(|left, right| left.n_right.total_cmp(&right.n_right));
                    best.map(|option| **option)
                })
                .collect();
            let Some(chosen) = chosen else { continue };
            let n_right = chosen.iter().map(|option| option.n_right).sum();
            if n_right > best.1 {
                best = (chosen, n_right);
            }
        }
    }
    best
}
