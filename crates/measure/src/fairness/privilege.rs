//! Those who had the advantage against those who had not: AIF360's headline numbers.

use serde::{Deserialize, Serialize};

use super::groups::{GroupCounts, Groups};
use crate::tally::Counts;
use crate::{Error, Outcomes};

/// How unprivileged rows fare against privileged ones, unprivileged less privileged.
///
/// A number is absent where one side has no rows to compute it from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Privilege {
    /// The difference of selection rates.
    pub statistical_parity_difference: Option<f64>,
    /// The ratio of selection rates; the four-fifths rule asks for 0.8 or more.
    pub disparate_impact: Option<f64>,
    /// The difference of true positive rates.
    pub equal_opportunity_difference: Option<f64>,
    /// The mean of the differences of true and false positive rates.
    pub average_odds_difference: Option<f64>,
    /// The same of the differences without sign.
    pub average_abs_odds_difference: Option<f64>,
    /// The difference of precisions.
    pub predictive_parity_difference: Option<f64>,
}

/// Compares rows whose group is privileged with the others.
///
/// # Errors
///
/// Fails if the task is not binary, lengths differ, or the outcomes are not sound.
pub fn privilege(
    outcomes: &Outcomes<'_>,
    groups: &Groups,
    is_privileged: impl Fn(&str) -> bool,
) -> Result<Privilege, Error> {
    let counts = GroupCounts::of(outcomes, groups)?;
    let (mut with, mut without) = (Counts::default(), Counts::default());
    for (name, counts) in groups.names().iter().zip(counts.counts()) {
        let side = if is_privileged(name) {
            &mut with
        } else {
            &mut without
        };
        *side = side.plus(counts);
    }
    let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
    let difference = |rate: &dyn Fn(&Counts) -> Option<f64>| Some(rate(&without)? - rate(&with)?);
    let selected = |counts: &Counts| share(counts.n_selected(), counts.total());
    let found = |counts: &Counts| share(counts.true_positive, counts.n_positive());
    let wrongly = |counts: &Counts| share(counts.false_positive, counts.n_negative());
    let right = |counts: &Counts| share(counts.true_positive, counts.n_selected());
    let odds = difference(&found).zip(difference(&wrongly));
    Ok(Privilege {
        statistical_parity_difference: difference(&selected),
        disparate_impact: selected(&without)
            .zip(selected(&with))
            .and_then(|(without, with)| share(without, with)),
        equal_opportunity_difference: difference(&found),
        average_odds_difference: odds.map(|(one, other)| f64::midpoint(one, other)),
        average_abs_odds_difference: odds.map(|(one, other)| f64::midpoint(one.abs(), other.abs())),
        predictive_parity_difference: difference(&right),
    })
}

/// The Theil index of the benefits of the rows, `predicted - truth + 1` each (Speicher et al. 2018): 0 if all fare
/// equally well.
///
/// # Errors
///
/// Fails if the task is not binary, nobody has a benefit, or the outcomes are not sound.
pub fn theil_index(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    const NAME: &str = "theil_index";
    if outcomes.task != everloop_domain::Task::Binary {
        return Err(Error::Task {
            metric: NAME,
            task: outcomes.task.as_str(),
        });
    }
    outcomes.check(NAME)?;
    let mean = outcomes.mean(|truth, predicted| predicted - truth + 1.0);
    if mean <= 0.0 {
        let why = "every row is a positive one that is missed";
        return Err(Error::Undefined { metric: NAME, why });
    }
    Ok(outcomes.mean(|truth, predicted| {
        let share = (predicted - truth + 1.0) / mean;
        if share > 0.0 { share * share.ln() } else { 0.0 }
    }))
}
