//! Intervals of any score by resampling the rows (Efron and Tibshirani 1993).

use crate::calibration::interpolated;
use crate::interval::{Interval, two_sided_quantile};
use crate::rows::Rows;
use crate::special::{normal_quantile, normal_share};
use crate::{Error, Outcomes};

/// Rows beyond which the jackknife of [`Method::Bca`] leaves out blocks of rows instead of single ones.
const MAX_JACKKNIFE: usize = 1000;

/// How bounds are taken from the resampled scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Their quantiles.
    Percentile,
    /// Their quantiles, corrected for bias and acceleration (Efron 1987).
    Bca,
}

/// How a score is resampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// How often: a thousand or more for a level of 0.95.
    pub n_resamples: usize,
    /// The chance that such intervals hold the true number.
    pub level: f64,
    /// How bounds are taken.
    pub method: Method,
}

/// A difference between two models on the same rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The score of the second less that of the first.
    pub interval: Interval,
    /// The chance of such a difference between equally good models, on either side; never less than one by the
    /// number of resamples.
    pub p_value: f64,
}

type Statistic<'a> = &'a dyn Fn(&Outcomes<'_>) -> Result<f64, Error>;

/// The interval of a score, for instance `&|outcomes| score(metric, outcomes)`.
///
/// `draw` gives 64 random bits a call; the same bits give the same interval. Resamples on which the score is not
/// defined (all rows of one class) are left out.
///
/// # Errors
///
/// Fails if the score is not defined on the rows, or on half of the resamples, or if a setting is impossible.
pub fn bootstrap(
    outcomes: &Outcomes<'_>,
    score: Statistic<'_>,
    settings: &Bootstrap,
    draw: &mut dyn FnMut() -> u64,
) -> Result<Interval, Error> {
    let sample = Sample {
        n_rows: outcomes.n_rows(),
        number: &|rows| score(&Rows::of(outcomes, rows).outcomes(outcomes)),
    };
    Ok(sample.interval(score(outcomes)?, settings, draw)?.0)
}

/// The interval of the difference of a score between two models that predicted the same rows (`candidate` less
/// `champion`): both are scored on the same resamples.
///
/// # Errors
///
/// As [`bootstrap`], and if the numbers of rows differ.
pub fn bootstrap_difference(
    champion: &Outcomes<'_>,
    candidate: &Outcomes<'_>,
    score: Statistic<'_>,
    settings: &Bootstrap,
    draw: &mut dyn FnMut() -> u64,
) -> Result<Difference, Error> {
    crate::outcomes::same_length(
        "rows of champion and candidate",
        champion.n_rows(),
        candidate.n_rows(),
    )?;
    let sample = Sample {
        n_rows: champion.n_rows(),
        number: &|rows| {
            let left = score(&Rows::of(champion, rows).outcomes(champion))?;
            Ok(score(&Rows::of(candidate, rows).outcomes(candidate))? - left)
        },
    };
    let (interval, resampled) =
        sample.interval(score(candidate)? - score(champion)?, settings, draw)?;
    let share = |is_extreme: fn(&f64) -> bool| {
        let n_extreme = resampled.iter().filter(|value| is_extreme(value)).count();
        (n_extreme + 1) as f64 / (resampled.len() + 1) as f64
    };
    let tail = share(|value| *value <= 0.0).min(share(|value| *value >= 0.0));
    Ok(Difference {
        interval,
        p_value: (2.0 * tail).min(1.0),
    })
}

/// Rows of which some can be taken, and their number.
struct Sample<'a> {
    n_rows: usize,
    number: &'a dyn Fn(&[usize]) -> Result<f64, Error>,
}

impl Sample<'_> {
    /// The interval, and the sorted numbers of the resamples.
    fn interval(
        &self,
        estimate: f64,
        settings: &Bootstrap,
        draw: &mut dyn FnMut() -> u64,
    ) -> Result<(Interval, Vec<f64>), Error> {
        let z = two_sided_quantile(settings.level)?;
        let resampled = self.resample(settings.n_resamples, draw)?;
        let shares = match settings.method {
            Method::Percentile => [normal_share(-z), normal_share(z)],
            Method::Bca => self.corrected(estimate, &resampled, z),
        };
        let [low, high] = shares.map(|share| interpolated(&resampled, share));
        let interval = Interval {
            estimate,
            low,
            high,
            level: settings.level,
        };
        Ok((interval, resampled))
    }

    fn resample(
        &self,
        n_resamples: usize,
        draw: &mut dyn FnMut() -> u64,
    ) -> Result<Vec<f64>, Error> {
        let mut rows = vec![0; self.n_rows];
        let mut resampled = Vec::with_capacity(n_resamples);
        for _ in 0..n_resamples {
            for row in &mut rows {
                *row = below(draw(), self.n_rows);
            }
            if let Ok(value) = (self.number)(&rows) {
                resampled.push(value);
            }
        }
        if resampled.is_empty() || 2 * resampled.len() < n_resamples {
            return Err(Error::Undefined {
                metric: "the interval",
                why: "the score has no value on half of the resamples",
            });
        }
        resampled.sort_unstable_by(f64::total_cmp);
        Ok(resampled)
    }

    /// The shares at which `BCa` takes its bounds.
    fn corrected(&self, estimate: f64, resampled: &[f64], z: f64) -> [f64; 2] {
        let n_below = resampled.partition_point(|value| *value < estimate);
        let n_up_to = resampled.partition_point(|value| *value <= estimate);
        let share = (n_below + n_up_to) as f64 / (2 * resampled.len()) as f64;
        // All resamples on one side tell nothing of the bias.
        let bias = if share > 0.0 && share < 1.0 {
            normal_quantile(share)
        } else {
            0.0
        };
        let acceleration = self.acceleration();
        [-z, z].map(|z| {
            let moved = bias + z;
            normal_share(bias + moved / (1.0 - acceleration * moved))
        })
    }

    /// How the spread grows with the number: the skewness of what leaving rows out does, by 6.
    fn acceleration(&self) -> f64 {
        let n_blocks = self.n_rows.min(MAX_JACKKNIFE);
        let mut without = Vec::with_capacity(n_blocks);
        for block in 0..n_blocks {
            let left_out = block * self.n_rows / n_blocks..(block + 1) * self.n_rows / n_blocks;
            let rows: Vec<usize> = (0..self.n_rows)
                .filter(|row| !left_out.contains(row))
                .collect();
            if let Ok(value) = (self.number)(&rows) {
                without.push(value);
            }
        }
        let mean = without.iter().sum::<f64>() / without.len().max(1) as f64;
        let moment = |power: i32| -> f64 {
            let terms = without.iter().map(|value| (mean - value).powi(power));
            terms.sum()
        };
        let spread = moment(2);
        if spread > 0.0 {
            moment(3) / (6.0 * spread.powf(1.5))
        } else {
            0.0
        }
    }
}

/// A number below `n`, from random bits (Lemire's multiplication; its bias is below one in 2^64 / n).
fn below(bits: u64, n: usize) -> usize {
    ((u128::from(bits) * n as u128) >> 64) as usize
}
