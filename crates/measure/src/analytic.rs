//! Intervals by a formula, where there is one: no draws, and the same numbers on any machine.

use everloop_domain::Task;

use crate::bootstrap::Difference;
use crate::interval::{Interval, two_sided_quantile, wilson};
use crate::outcomes::same_length;
use crate::paired::delong;
use crate::special::normal_two_sided;
use crate::{Error, Metric, Outcomes, probabilistic};

/// The interval of a metric by a formula, and the formula's name; nothing if the metric has none, or if rows are
/// weighted.
///
/// Shares of rows (accuracy; recall, precision and specificity of a binary task) have Wilson's interval, the area under
/// a binary ROC curve has `DeLong`'s, and means over the rows (`mae`, `mse`, `log_loss`, a binary `brier`) the normal
/// one; `rmse` is the root of `mse`.
///
/// # Errors
///
/// As for the score itself, and if the level is impossible.
pub fn analytic_interval(
    metric: Metric,
    outcomes: &Outcomes<'_>,
    level: f64,
) -> Result<Option<(Interval, &'static str)>, Error> {
    let z = two_sided_quantile(level)?;
    outcomes.check("an interval")?;
    if outcomes.weights.is_some() || !metric.suits(outcomes.task) {
        return Ok(None);
    }
    if let Some((n_hits, n_rows)) = share(metric, outcomes) {
        return Ok(if n_rows == 0 {
            None
        } else {
            Some((wilson(n_hits, n_rows, level)?, "Wilson"))
        });
    }
    if metric.name() == "roc_auc" && outcomes.task == Task::Binary {
        return Ok(Some((delong(outcomes, level)?, "DeLong")));
    }
    let Some(losses) = losses(metric, outcomes)? else {
        return Ok(None);
    };
    let (mean, error) = mean_and_error(&losses);
    let root = |value: f64| {
        if metric.name() == "rmse" {
            value.sqrt()
        } else {
            value
        }
    };
    let interval = Interval {
        estimate: root(mean),
        low: root((mean - z * error).max(0.0)),
        high: root(mean + z * error),
        level,
    };
    Ok(Some((interval, "normal")))
}

/// The difference of a metric that is a mean over the rows (`candidate` less `champion`), by the normal distribution
/// of paired differences; nothing for other metrics and for `rmse`, whose difference is no mean.
///
/// # Errors
///
/// As for the score itself, if the numbers of rows differ, and if the level is impossible.
pub fn paired_means(
    metric: Metric,
    champion: &Outcomes<'_>,
    candidate: &Outcomes<'_>,
    level: f64,
) -> Result<Option<Difference>, Error> {
    let z = two_sided_quantile(level)?;
    same_length(
        "rows of champion and candidate",
        champion.n_rows(),
        candidate.n_rows(),
    )?;
    if metric.name() == "rmse" || champion.weights.is_some() || candidate.weights.is_some() {
        return Ok(None);
    }
    let (Some(old), Some(new)) = (losses(metric, champion)?, losses(metric, candidate)?) else {
        return Ok(None);
    };
    let differences: Vec<f64> = new.iter().zip(&old).map(|(new, old)| new - old).collect();
    let (estimate, error) = mean_and_error(&differences);
    Ok(Some(Difference {
        interval: Interval {
            estimate,
            low: estimate - z * error,
            high: estimate + z * error,
            level,
        },
        p_value: if error > 0.0 {
            normal_two_sided(estimate / error)
        } else {
            f64::from(u8::from(estimate == 0.0))
        },
    }))
}

/// The hits and the rows of a metric that is a share of rows.
fn share(metric: Metric, outcomes: &Outcomes<'_>) -> Option<(usize, usize)> {
    let rows = || outcomes.truth.iter().zip(outcomes.predicted);
    let n_of = |truth: f64| rows().filter(|(it, _)| **it == truth).count();
    let n_both = |class: f64| {
        rows()
            .filter(|(truth, predicted)| **truth == class && **predicted == class)
            .count()
    };
    let is_binary = outcomes.task == Task::Binary;
    match metric.name() {
        "accuracy" => {
            let n_right = rows().filter(|(truth, predicted)| truth == predicted);
            Some((n_right.count(), outcomes.n_rows()))
        }
        "recall" if is_binary => Some((n_both(1.0), n_of(1.0))),
        "specificity" if is_binary => Some((n_both(0.0), n_of(0.0))),
        "precision" if is_binary => {
            let n_selected = rows().filter(|(_, predicted)| **predicted == 1.0);
            Some((n_both(1.0), n_selected.count()))
        }
        _ => None,
    }
}

/// What each row adds to a metric that is a mean (of which `rmse` is the root).
fn losses(metric: Metric, outcomes: &Outcomes<'_>) -> Result<Option<Vec<f64>>, Error> {
    let rows = outcomes.truth.iter().zip(outcomes.predicted);
    Ok(match metric.name() {
        "mae" => Some(
            rows.map(|(truth, predicted)| (truth - predicted).abs())
                .collect(),
        ),
        "mse" | "rmse" => Some(
            rows.map(|(truth, predicted)| (truth - predicted).powi(2))
                .collect(),
        ),
        "accuracy" => Some(
            rows.map(|(truth, predicted)| f64::from(u8::from(truth == predicted)))
                .collect(),
        ),
        "log_loss" => Some(probabilistic::log_losses(outcomes)?),
        "brier" if outcomes.task == Task::Binary => {
            let probabilities = outcomes.probabilities("brier")?;
            let pairs = outcomes.truth.iter().zip(probabilities);
            Some(
                pairs
                    .map(|(truth, probability)| (truth - probability).powi(2))
                    .collect(),
            )
        }
        _ => None,
    })
}

/// The mean, and its standard error by the sample variance (0 of a single row).
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let variance = squares / (values.len().max(2) - 1) as f64;
    (mean, (variance / n).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers<'a>(truth: &'a [f64], predicted: &'a [f64]) -> Outcomes<'a> {
        Outcomes {
            task: Task::Regression,
            truth,
            predicted,
            probabilities: None,
            n_classes: 0,
            weights: None,
        }
    }

    fn classes<'a>(truth: &'a [f64], predicted: &'a [f64]) -> Outcomes<'a> {
        Outcomes {
            task: Task::Binary,
            n_classes: 2,
            ..numbers(truth, predicted)
        }
    }

    #[track_caller]
    fn interval(metric: &str, outcomes: &Outcomes<'_>) -> Option<(Interval, &'static str)> {
        analytic_interval(Metric::parse(metric).unwrap(), outcomes, 0.95).unwrap()
    }

    // scipy 1.17: `stats.norm.interval(0.95, 1.5, stats.sem([1, 1, 2, 2]))` = 0.934207, 2.065793.
    #[test]
    fn means_have_the_normal_interval() {
        let outcomes = numbers(&[0.0; 4], &[1.0, -1.0, 2.0, -2.0]);
        let (found, how) = interval("mae", &outcomes).unwrap();
        assert_eq!((found.estimate, how), (1.5, "normal"));
        assert!((found.low - 0.934_207_1).abs() < 1e-6, "{found:?}");
        let (found, _) = interval("rmse", &outcomes).unwrap();
        assert!((found.estimate - 2.5_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn shares_have_wilsons_interval() {
        let outcomes = classes(&[1.0, 1.0, 0.0, 0.0], &[1.0, 0.0, 0.0, 0.0]);
        assert_eq!(
            interval("recall", &outcomes).unwrap().0,
            wilson(1, 2, 0.95).unwrap()
        );
        assert_eq!(
            interval("accuracy", &outcomes).unwrap().0,
            wilson(3, 4, 0.95).unwrap()
        );
        assert_eq!(interval("f1", &outcomes), None);
    }

    #[test]
    fn equal_models_do_not_differ() {
        let outcomes = numbers(&[0.0; 3], &[1.0, 2.0, 3.0]);
        let mae = Metric::parse("mae").unwrap();
        let found = paired_means(mae, &outcomes, &outcomes, 0.95).unwrap();
        assert_eq!(found.map(|it| it.p_value), Some(1.0));
        let rmse = Metric::parse("rmse").unwrap();
        let none = paired_means(rmse, &outcomes, &outcomes, 0.95).unwrap();
        assert!(none.is_none());
    }
}
