//! How much each parameter matters: PED-ANOVA (Watanabe, Bansal and Hutter 2023). A parameter matters if its values among
//! the best trials are spread otherwise than among all: the Pearson divergence between the two densities, as a share.

use serde::{Deserialize, Serialize};

use super::axis::Axis;
use super::normal::mean_and_deviation;
use super::space::Space;
use super::trial::Trial;

/// The share of trials that count as the best, and how many at least.
const BEST_SHARE: f64 = 0.1;
const MIN_BEST: usize = 8;
/// Densities of numbers are compared at so many places.
const N_PLACES: usize = 50;

/// How much a dimension matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The dimension.
    pub dimension: String,
    /// Its share of all differences; all shares sum to 1.
    pub share: f64,
}

/// The importances of all dimensions, the greatest first; nothing if there are too few trials to tell.
pub(super) fn of(space: &Space, trials: &[&Trial], losses: &[f64]) -> Vec<Importance> {
    let divergences: Vec<f64> = (0..space.axes.len())
        .map(|dimension| divergence(&space.axes[dimension], dimension, trials, losses))
        .collect();
    let sum: f64 = divergences.iter().sum();
    if sum <= 0.0 {
        return Vec::new();
    }
    let pairs = space.dimensions.iter().zip(divergences);
    let mut shares: Vec<Importance> = pairs
        .map(|(dimension, divergence)| Importance {
            dimension: dimension.id.clone(),
            share: divergence / sum,
        })
        .collect();
    shares.sort_by(|left, right| right.share.total_cmp(&left.share));
    shares
}

fn divergence(axis: &Axis, dimension: usize, trials: &[&Trial], losses: &[f64]) -> f64 {
    let pairs = trials.iter().zip(losses);
    let mut known: Vec<(f64, f64)> = pairs
        .filter_map(|(trial, loss)| Some((*loss, axis.share(trial.point[dimension]?))))
        .collect();
    known.sort_by(|left, right| left.0.total_cmp(&right.0));
    let n_best = ((BEST_SHARE * known.len() as f64).ceil() as usize).max(MIN_BEST);
    if known.len() < 2 * MIN_BEST {
        return 0.0;
    }
    let shares: Vec<f64> = known.into_iter().map(|(_, share)| share).collect();
    let (best, all) = (density(axis, &shares[..n_best]), density(axis, &shares));
    // A dimension that applies now and then only matters as often.
    let how_often = shares.len() as f64 / trials.len() as f64;
    let terms = best
        .iter()
        .zip(&all)
        .map(|(best, all)| (best / all - 1.0).powi(2) * all);
    how_often * terms.sum::<f64>()
}

/// The probabilities of choices, or of places between the bounds; none is 0.
fn density(axis: &Axis, values: &[f64]) -> Vec<f64> {
    let weights: Vec<f64> = match axis {
        Axis::Choices(count) => (0..*count)
            .map(|choice| {
                let hits = values
                    .iter()
                    .filter(|value| **value as usize == choice)
                    .count();
                hits as f64 + 1.0 / *count as f64
            })
            .collect(),
        Axis::Line(_) => {
            let width = bandwidth(values);
            let kernel = |at: f64| -> f64 {
                let powers = values
                    .iter()
                    .map(|value| (-0.5 * ((at - value) / width).powi(2)).exp());
                powers.sum::<f64>() / (width * (2.0 * std::f64::consts::PI).sqrt()) + 1.0
            };
            let place = |place: usize| (place as f64 + 0.5) / N_PLACES as f64;
            (0..N_PLACES).map(|at| kernel(place(at))).collect()
        }
    };
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// Scott's rule, with a floor that keeps few values from being spikes.
fn bandwidth(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let (_, deviation) = mean_and_deviation(values);
    (1.059 * deviation * count.powf(-0.2)).max(0.05)
}

#[cfg(test)]
mod tests {
    use everloop_domain::search::Objective;
    use everloop_domain::search::{Pruner, Sampler, Search};

    use super::super::space::tests::{choices, range};
    use super::super::{Outcome, Study};

    #[test]
    fn what_matters_more_comes_first() {
        let mut study = Study::new(Search {
            trials: 200,
            objectives: vec![Objective {
                metric: "loss".to_owned(),
                is_maximized: false,
            }],
            sampler: Sampler::Random,
            pruner: Pruner::None,
            space: vec![
                range("idle", 0.0, 1.0, false, false),
                range("strong", 0.0, 1.0, false, false),
                choices("word", &["a", "b"]),
            ],
            cross_validation: None,
            parallel: 1,
            timeout: None,
            trial_timeout: None,
            seed: 1,
        })
        .unwrap();
        while let Some(asked) = study.ask() {
            let number = |name: &str| match &asked.parameters[name] {
                everloop_domain::ParameterValue::One(value) => value.as_f64().unwrap_or_default(),
                _ => 0.0,
            };
            let word = f64::from(u8::from(asked.parameters["word"].to_string() == "b"));
            let values =
                vec![10.0 * (number("strong") - 0.3).powi(2) + 0.5 * word + 0.01 * number("idle")];
            study.tell(
                asked.number,
                Outcome {
                    values,
                    ..Outcome::default()
                },
            );
        }
        let found = study.importances(0);
        let names: Vec<&str> = found.iter().map(|one| one.dimension.as_str()).collect();
        assert_eq!(names[0], "strong", "{found:?}");
        assert!(
            found
                .iter()
                .find(|one| one.dimension == "idle")
                .unwrap()
                .share
                < 0.1,
            "{found:?}"
        );
        let sum: f64 = found.iter().map(|one| one.share).sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }
}
