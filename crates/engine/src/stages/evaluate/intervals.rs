//! How certain the metrics are, and whether candidate and champion differ by more than chance.

use std::collections::BTreeMap;

use everloop_domain::Task;
use everloop_lifecycle::{Evaluate, IntervalMethod};
use everloop_measure::{
    Bootstrap, Difference, Interval, Method, Metric, analytic_interval, bootstrap,
    bootstrap_difference, delong_paired, mcnemar, paired_means, score,
};
use serde::{Deserialize, Serialize};

use super::chance::{Chance, evenly};
use crate::scoring::Scored;

/// Rows drawn in all resamples of one metric at most: beyond that fewer resamples are drawn.
const MAX_DRAWS: usize = 10_000_000;
/// Resamples that are drawn at least.
const MIN_RESAMPLES: usize = 200;
/// Rows that a bootstrap draws from at most.
const MAX_ROWS: usize = MAX_DRAWS / MIN_RESAMPLES;

/// The interval of a metric and how it was computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricInterval {
    /// The interval.
    pub interval: Interval,
    /// How: `Wilson`, `DeLong`, `normal`, or `bootstrap` with the number of resamples.
    pub method: String,
}

/// How candidate and champion differ on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// The metric.
    pub metric: String,
    /// The champion's score.
    pub champion: f64,
    /// The candidate's score.
    pub candidate: f64,
    /// The candidate's less the champion's, with its interval.
    pub difference: Interval,
    /// The chance of such a difference between equally good models, on either side.
    pub p_value: f64,
    /// The test: `DeLong`, `McNemar`, `paired normal` or `paired bootstrap`.
    pub test: String,
}

/// Rows and settings of a bootstrap within bounds; and a note if not all rows are drawn from.
fn settings(evaluate: &Evaluate, n_rows: usize) -> (Bootstrap, Option<String>) {
    let wanted = &evaluate.intervals;
    let n_drawn = n_rows.clamp(1, MAX_ROWS);
    let bootstrap = Bootstrap {
        n_resamples: wanted
            .resamples
            .min((MAX_DRAWS / n_drawn).max(MIN_RESAMPLES)),
        level: wanted.confidence,
        method: if wanted.method == IntervalMethod::Bca {
            Method::Bca
        } else {
            Method::Percentile
        },
    };
    let note = (n_rows > MAX_ROWS).then(|| {
        format!("bootstrap intervals draw from {MAX_ROWS} of {n_rows} rows: they are wider than they need be")
    });
    (bootstrap, note)
}

/// Some rows of scored ones.
pub(super) fn pick(scored: &Scored, rows: &[usize]) -> Scored {
    let of = |values: &[f64]| -> Vec<f64> { rows.iter().map(|row| values[*row]).collect() };
    let width = if scored.task == Task::Multiclass {
        scored.classes.len()
    } else {
        1
    };
    let probabilities = scored.probabilities.as_ref().map(|all| {
        let of_row = rows.iter().map(|row| &all[row * width..(row + 1) * width]);
        of_row.flatten().copied().collect()
    });
    Scored {
        task: scored.task,
        truth: of(&scored.truth),
        predicted: of(&scored.predicted),
        probabilities,
        classes: scored.classes.clone(),
        weights: scored.weights.as_deref().map(of),
    }
}

/// The interval of every metric that has a value; notes say what was left out.
pub(super) fn intervals(
    evaluate: &Evaluate,
    scored: &Scored,
    metrics: &BTreeMap<String, f64>,
    seed: u64,
    notes: &mut Vec<String>,
) -> BTreeMap<String, MetricInterval> {
    let mut found = BTreeMap::new();
    if evaluate.intervals.method == IntervalMethod::None {
        return found;
    }
    let (settings, note) = settings(evaluate, scored.truth.len());
    let rows = evenly(scored.truth.len(), MAX_ROWS);
    let sample = note.as_ref().map(|_| pick(scored, &rows));
    let sample = sample.as_ref().unwrap_or(scored);
    let mut is_sampled = false;
    for (name, value) in metrics {
        let Some(metric) = Metric::parse(name) else {
            continue;
        };
        let formula = if evaluate.intervals.method == IntervalMethod::Auto {
            analytic_interval(metric, &scored.outcomes(), settings.level)
                .ok()
                .flatten()
        } else {
            None
        };
        if let Some((interval, how)) = formula {
            let method = how.to_owned();
            found.insert(name.clone(), MetricInterval { interval, method });
            continue;
        }
        let mut chance = Chance::new(seed);
        let drawn = bootstrap(
            &sample.outcomes(),
            &|outcomes| score(metric, outcomes),
            &settings,
            &mut || chance.bits(),
        );
        match drawn {
            Ok(mut interval) => {
                is_sampled = true;
                interval.estimate = *value;
                let method = format!("bootstrap, {} resamples", settings.n_resamples);
                found.insert(name.clone(), MetricInterval { interval, method });
            }
            Err(error) => notes.push(format!("`{name}` has no interval: {error}")),
        }
    }
    notes.extend(note.filter(|_| is_sampled));
    found
}

/// Candidate against champion, metric by metric.
pub(super) fn paired(
    evaluate: &Evaluate,
    candidate: &Scored,
    champion: &Scored,
    seed: u64,
    notes: &mut Vec<String>,
) -> Vec<Paired> {
    let metrics = evaluate.metrics.iter();
    metrics
        .filter_map(|name| {
            let metric = Metric::parse(name)?;
            let left = score(metric, &champion.outcomes()).ok()?;
            let right = score(metric, &candidate.outcomes()).ok()?;
            match difference(evaluate, metric, candidate, champion, seed) {
                Ok((found, test)) => Some(Paired {
                    metric: name.clone(),
                    champion: left,
                    candidate: right,
                    difference: found.interval,
                    p_value: found.p_value,
                    test: test.to_owned(),
                }),
                Err(error) => {
                    notes.push(format!("`{name}` of the champion is not compared: {error}"));
                    None
                }
            }
        })
        .collect()
}

fn difference(
    evaluate: &Evaluate,
    metric: Metric,
    candidate: &Scored,
    champion: &Scored,
    seed: u64,
) -> Result<(Difference, &'static str), everloop_measure::Error> {
    let level = evaluate.intervals.confidence;
    let (old, new) = (champion.outcomes(), candidate.outcomes());
    if metric.name() == "roc_auc" && candidate.task == Task::Binary {
        let found = delong_paired(&old, &new, level)?;
        let (interval, p_value) = (found.interval, found.p_value);
        return Ok((Difference { interval, p_value }, "DeLong"));
    }
    if let Some(mut found) = paired_means(metric, &old, &new, level)? {
        if metric.name() != "accuracy" {
            return Ok((found, "paired normal"));
        }
        found.p_value = mcnemar(&old, &new)?.p_value;
        return Ok((found, "McNemar"));
    }
    let (settings, _) = settings(evaluate, candidate.truth.len());
    let rows = evenly(candidate.truth.len(), MAX_ROWS);
    let (old, new) = (pick(champion, &rows), pick(candidate, &rows));
    let mut chance = Chance::new(seed);
    let found = bootstrap_difference(
        &old.outcomes(),
        &new.outcomes(),
        &|outcomes| score(metric, outcomes),
        &settings,
        &mut || chance.bits(),
    )?;
    Ok((found, "paired bootstrap"))
}
