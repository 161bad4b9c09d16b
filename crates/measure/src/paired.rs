//! Champion against candidate on the same rows: is the difference more than chance?

use serde::{Deserialize, Serialize};

use crate::curves::checked;
use crate::interval::{Interval, two_sided_quantile};
use crate::outcomes::same_length;
use crate::special::{fair_coins, normal_two_sided};
use crate::{Error, Outcomes};

/// `McNemar`'s exact test (1947).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Rows that only the champion predicts rightly.
    pub n_only_champion: usize,
    /// Rows that only the candidate predicts rightly.
    pub n_only_candidate: usize,
    /// The chance of such a difference between equally accurate models, on either side.
    pub p_value: f64,
}

/// Two areas under the ROC curve (`DeLong` et al. 1988).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeLong {
    /// The candidate's area less the champion's.
    pub interval: Interval,
    /// The chance of such a difference between equally good rankings, on either side.
    pub p_value: f64,
}

/// Tests whether two models are equally accurate, by the rows on which only one of them is right.
///
/// # Errors
///
/// Fails if the task has no classes, the truths differ, or the outcomes are not sound.
pub fn mcnemar(champion: &Outcomes<'_>, candidate: &Outcomes<'_>) -> Result<McNemar, Error> {
    if !champion.task.is_classification() {
        return Err(Error::Task {
            metric: "mcnemar",
            task: champion.task.as_str(),
        });
    }
    same_rows(champion, candidate, "mcnemar")?;
    let (mut n_only_champion, mut n_only_candidate) = (0_usize, 0_usize);
    for row in 0..champion.n_rows() {
        let truth = champion.truth[row];
        match (
            champion.predicted[row] == truth,
            candidate.predicted[row] == truth,
        ) {
            (true, false) => n_only_champion += 1,
            (false, true) => n_only_candidate += 1,
            _ => {}
        }
    }
    let n = (n_only_champion + n_only_candidate) as f64;
    let fewer = n_only_champion.min(n_only_candidate);
    // From the greatest term down: the others are its multiples.
    let mut term = fair_coins(fewer as f64, n);
    let mut tail = 0.0;
    for k in (0..=fewer).rev() {
        tail += term;
        term *= k as f64 / (n - k as f64 + 1.0);
        if term < tail * f64::EPSILON {
            break;
        }
    }
    Ok(McNemar {
        n_only_champion,
        n_only_candidate,
        p_value: (2.0 * tail).min(1.0),
    })
}

/// The interval of the area under the ROC curve. Weights of rows are not regarded.
///
/// # Errors
///
/// Fails if the task is not binary, there are no probabilities, only one class occurs, the level is impossible, or
/// the outcomes are not sound.
pub fn delong(outcomes: &Outcomes<'_>, level: f64) -> Result<Interval, Error> {
    let z = two_sided_quantile(level)?;
    let placements = Placements::of(outcomes)?;
    let half = z * placements.covariance(&placements).sqrt();
    let estimate = placements.area();
    Ok(Interval {
        estimate,
        low: (estimate - half).max(0.0),
        high: (estimate + half).min(1.0),
        level,
    })
}

/// Tests whether two models rank the same rows equally well.
///
/// # Errors
///
/// As [`delong`], and if the truths differ.
pub fn delong_paired(
    champion: &Outcomes<'_>,
    candidate: &Outcomes<'_>,
    level: f64,
) -> Result<DeLong, Error> {
    let z = two_sided_quantile(level)?;
    same_rows(champion, candidate, "delong")?;
    let (left, right) = (Placements::of(champion)?, Placements::of(candidate)?);
    let variance =
        left.covariance(&left) + right.covariance(&right) - 2.0 * left.covariance(&right);
    let estimate = right.area() - left.area();
    let error = variance.max(0.0).sqrt();
    let p_value = if error > 0.0 {
        normal_two_sided(estimate / error)
    } else if estimate == 0.0 {
        1.0
    } else {
        0.0
    };
    Ok(DeLong {
        interval: Interval {
            estimate,
            low: estimate - z * error,
            high: estimate + z * error,
            level,
        },
        p_value,
    })
}

fn same_rows(
    champion: &Outcomes<'_>,
    candidate: &Outcomes<'_>,
    metric: &'static str,
) -> Result<(), Error> {
    champion.check(metric)?;
    candidate.check(metric)?;
    same_length(
        "rows of champion and candidate",
        champion.n_rows(),
        candidate.n_rows(),
    )?;
    if champion.truth == candidate.truth {
        Ok(())
    } else {
        let why = "champion and candidate were scored on different rows";
        Err(Error::Undefined { metric, why })
    }
}

/// For each positive row the share of negative rows ranked below it, and the other way round (ties count half).
struct Placements {
    positive: Vec<f64>,
    negative: Vec<f64>,
}

impl Placements {
    /// By mid-ranks (Sun and Xu 2014), in the order of the rows.
    fn of(outcomes: &Outcomes<'_>) -> Result<Self, Error> {
        // Checks the task and both classes.
        checked(outcomes, "delong")?;
        let scores = outcomes.probabilities("delong")?;
        let rows = |class: f64| -> Vec<usize> {
            let all = 0..outcomes.n_rows();
            all.filter(|row| (outcomes.truth[*row] == 1.0) == (class == 1.0))
                .collect()
        };
        let (positive, negative) = (rows(1.0), rows(0.0));
        let sorted = |rows: &[usize]| {
            let mut values: Vec<f64> = rows.iter().map(|row| scores[*row]).collect();
            values.sort_unstable_by(f64::total_cmp);
            values
        };
        let placed = |rows: &[usize], others: &[f64]| -> Vec<f64> {
            rows.iter()
                .map(|row| {
                    let below = others.partition_point(|other| *other < scores[*row]);
                    let up_to = others.partition_point(|other| *other <= scores[*row]);
                    f64::midpoint(below as f64, up_to as f64) / others.len() as f64
                })
                .collect()
        };
        let (of_positive, of_negative) = (sorted(&positive), sorted(&negative));
        Ok(Self {
            positive: placed(&positive, &of_negative),
            negative: placed(&negative, &of_positive),
        })
    }

    fn area(&self) -> f64 {
        mean(&self.positive)
    }

    /// The covariance of two areas on the same rows.
    fn covariance(&self, other: &Self) -> f64 {
        sample_covariance(&self.positive, &other.positive) / self.positive.len() as f64
            + sample_covariance(&self.negative, &other.negative) / self.negative.len() as f64
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// 0 for a single row, which tells nothing of the spread.
fn sample_covariance(left: &[f64], right: &[f64]) -> f64 {
    let (centre, other_centre) = (mean(left), mean(right));
    let pairs = left.iter().zip(right);
    let sum: f64 = pairs
        .map(|(one, other)| (one - centre) * (other - other_centre))
        .sum();
    sum / (left.len().max(2) - 1) as f64
}
