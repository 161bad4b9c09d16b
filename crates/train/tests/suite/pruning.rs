//! Pruners never end the best trial, wait as long as they are told to, and do the same upwards and downwards.

use everloop_domain::search::{Pruner, Sampler};
use everloop_train::tuning::{Asked, Outcome, Study};
use proptest::prelude::*;

use crate::functions::range;
use crate::searches::{scored, search};

const PRUNERS: [Pruner; 5] = [
    Pruner::Median {
        startup_trials: 1,
        warmup_steps: 0,
    },
    Pruner::Median {
        startup_trials: 4,
        warmup_steps: 3,
    },
    Pruner::SuccessiveHalving {
        min_resource: 1,
        reduction_factor: 2,
    },
    Pruner::SuccessiveHalving {
        min_resource: 3,
        reduction_factor: 3,
    },
    Pruner::Hyperband {
        min_resource: 1,
        reduction_factor: 3,
    },
];
const N_STEPS: usize = 9;

/// A study whose pruner has all to say.
fn study(pruner: Pruner, trials: usize) -> Study {
    let mut search = search(
        Sampler::Random,
        trials,
        vec![range("x", (0.0, 1.0), false, false)],
    );
    search.pruner = pruner;
    Study::new(search).unwrap()
}

/// Shows a trial its losses until it is ended, and gives how many it saw; upwards the losses are gains.
fn carried_out(study: &mut Study, losses: &[f64], is_maximized: bool) -> usize {
    let sign = if is_maximized { -1.0 } else { 1.0 };
    let Asked {
        number, mut judge, ..
    } = study.ask().unwrap();
    let mut curve = Vec::new();
    let end = losses.iter().enumerate().position(|(place, loss)| {
        let step = place as u64 + 1;
        curve.push((step, sign * loss));
        judge.sees(step, losses.len() as u64, sign * loss, is_maximized)
    });
    let values = match end {
        Some(_) => Vec::new(),
        None => vec![sign * losses[losses.len() - 1]],
    };
    let outcome = Outcome {
        curve,
        is_curve_maximized: is_maximized,
        ..scored(values)
    };
    study.tell(number, outcome);
    end.map_or(losses.len(), |place| place + 1)
}

fn used(pruner: Pruner, rows: &[Vec<f64>], is_maximized: bool) -> Vec<usize> {
    let mut study = study(pruner, rows.len());
    rows.iter()
        .map(|row| carried_out(&mut study, row, is_maximized))
        .collect()
}

/// Few values, so that many are equal.
fn rows() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let row = prop::collection::vec(
        (0_i32..12).prop_map(|value| f64::from(value) / 4.0),
        N_STEPS,
    );
    prop::collection::vec(row, 1..30)
}

/// Before which step no trial is ended, and how many trials must be complete first.
fn patience(pruner: Pruner) -> (usize, usize) {
    match pruner {
        Pruner::None => (usize::MAX, usize::MAX),
        Pruner::Median {
            startup_trials,
            warmup_steps,
        } => (warmup_steps, startup_trials),
        Pruner::SuccessiveHalving { min_resource, .. } | Pruner::Hyperband { min_resource, .. } => {
            (min_resource, 0)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn who_is_nowhere_behind_is_never_ended(
        pruner in prop::sample::select(PRUNERS.to_vec()),
        mut rows in rows(),
        lead in 0_u8..2,
    ) {
        // The least that anyone had at this or a later step: as good as the best, or better.
        let mut best = [f64::INFINITY; N_STEPS];
        for row in &rows {
            best.iter_mut().zip(row).for_each(|(best, loss)| *best = best.min(*loss));
        }
        for step in (1..N_STEPS).rev() {
            best[step - 1] = best[step - 1].min(best[step]);
        }
        rows.push(best.iter().map(|loss| loss - f64::from(lead)).collect());
        for is_maximized in [false, true] {
            let used = used(pruner, &rows, is_maximized);
            prop_assert_eq!(used.last(), Some(&N_STEPS));
        }
    }

    #[test]
    fn upwards_is_downwards_mirrored(
        pruner in prop::sample::select(PRUNERS.to_vec()),
        rows in rows(),
    ) {
        prop_assert_eq!(used(pruner, &rows, true), used(pruner, &rows, false));
    }

    #[test]
    fn nobody_is_ended_before_the_first_comparison(
        pruner in prop::sample::select(PRUNERS.to_vec()),
        rows in rows(),
    ) {
        let (first_step, n_complete) = patience(pruner);
        let mut study = study(pruner, rows.len());
        for row in &rows {
            let before = study.trials().filter(|trial| trial.is_complete()).count();
            let used = carried_out(&mut study, row, false);
            if used < N_STEPS {
                prop_assert!(used >= first_step && before >= n_complete, "{used} after {before}");
            }
        }
    }
}

/// The steps that each trial takes when ever worse ones follow the first.
#[track_caller]
fn ends_the_worse(pruner: Pruner, expected: &[usize]) {
    let rows: Vec<Vec<f64>> = (0..expected.len())
        .map(|row| vec![row as f64; N_STEPS])
        .collect();
    assert_eq!(used(pruner, &rows, false), expected, "{pruner:?}");
}

#[test]
fn ever_worse_trials_are_ended_at_once() {
    ends_the_worse(Pruner::None, &[9, 9, 9, 9]);
    ends_the_worse(PRUNERS[0], &[9, 1, 1, 1]);
    ends_the_worse(PRUNERS[1], &[9, 9, 9, 9, 3, 3]);
    ends_the_worse(PRUNERS[2], &[9, 1, 1, 1]);
    ends_the_worse(PRUNERS[3], &[9, 3, 3, 3]);
}

#[test]
fn what_is_no_number_is_ended_when_it_is_compared() {
    for (pruner, expected) in PRUNERS.into_iter().zip([1, 3, 1, 3]) {
        let mut study = study(pruner, 5);
        for _ in 0..4 {
            carried_out(&mut study, &[1.0; N_STEPS], true);
        }
        let used = carried_out(&mut study, &[f64::NAN; N_STEPS], true);
        assert_eq!(used, expected, "{pruner:?}");
    }
}

/// A failure has no say, whatever it saw on its way: its curve is not a peer's of the median.
#[test]
fn failures_do_not_move_the_median() {
    let mut study = study(PRUNERS[0], 9);
    carried_out(&mut study, &[2.0; N_STEPS], false);
    for _ in 0..7 {
        let asked = study.ask().unwrap();
        let outcome = Outcome {
            curve: (1..=N_STEPS as u64).map(|step| (step, 0.0)).collect(),
            problem: Some("no memory".to_owned()),
            ..Outcome::default()
        };
        study.tell(asked.number, outcome);
    }
    assert_eq!(carried_out(&mut study, &[1.0; N_STEPS], false), N_STEPS);
}
