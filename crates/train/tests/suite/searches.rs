//! What tests of searches share.

use everloop_domain::Value;
use everloop_domain::search::{Dimension, Domain, Objective, Pruner, Sampler, Search};
use everloop_train::tuning::{Asked, Outcome, Study, Trial};

use crate::functions::{self, Function, range};

pub(crate) const SAMPLERS: [Sampler; 4] =
    [Sampler::Random, Sampler::Grid, Sampler::Tpe, Sampler::Gp];

/// A search for small values.
pub(crate) fn search(sampler: Sampler, trials: usize, space: Vec<Dimension>) -> Search {
    Search {
        trials,
        objectives: vec![Objective {
            metric: "value".to_owned(),
            is_maximized: false,
        }],
        sampler,
        pruner: Pruner::None,
        space,
        cross_validation: None,
        parallel: 1,
        timeout: None,
        trial_timeout: None,
        seed: 5,
    }
}

/// Conditional, categorical, whole and logarithmic.
pub(crate) fn mixed() -> Function {
    let mut all = functions::all().into_iter();
    all.find(|function| function.name == "mixed").unwrap()
}

/// Choices `c0`, `c1` and so on.
pub(crate) fn choices(id: &str, count: usize) -> Dimension {
    let values = (0..count).map(|place| Value::Text(format!("c{place}")).into());
    Dimension {
        domain: Domain::Choices(values.collect()),
        ..range(id, (0.0, 1.0), false, false)
    }
}

pub(crate) fn scored(values: Vec<f64>) -> Outcome {
    Outcome {
        values,
        ..Outcome::default()
    }
}

pub(crate) fn failed() -> Outcome {
    Outcome {
        problem: Some("diverged".to_owned()),
        ..Outcome::default()
    }
}

/// Carries one trial after the other out.
pub(crate) fn carried_out(search: Search, outcome: impl Fn(&Asked) -> Outcome) -> Study {
    let mut study = Study::new(search).unwrap();
    while let Some(asked) = study.ask() {
        study.tell(asked.number, outcome(&asked));
    }
    study
}

/// What was tried, in its order.
pub(crate) fn points(study: &Study) -> Vec<Vec<Option<f64>>> {
    let points = study.trials().map(|trial: &Trial| trial.point.clone());
    points.collect()
}
