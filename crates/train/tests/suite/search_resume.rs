//! A search gives the same trials whatever ends first, and after a stop at any moment.

use everloop_domain::search::{Dimension, Domain, Sampler, Search};
use everloop_train::tuning::{Asked, Outcome, Study, Trial};
use proptest::prelude::*;

use crate::functions::range;
use crate::searches::{SAMPLERS, failed, mixed, scored, search};

/// What comes of a trial depends on its parameters; some fail, and some are ended early.
fn outcome(asked: &Asked) -> Outcome {
    let value = (mixed().value)(&asked.parameters);
    match asked.number % 7 {
        2 => failed(),
        4 => Outcome {
            curve: vec![(1, value)],
            ..Outcome::default()
        },
        _ => Outcome {
            curve: vec![(1, value), (2, value / 3.0)],
            ..scored(vec![value])
        },
    }
}

fn mixed_search(sampler: Sampler, trials: usize, parallel: usize, seed: u64) -> Search {
    Search {
        parallel,
        seed,
        ..search(sampler, trials, mixed().space)
    }
}

/// Carries trials out until so many more have ended; which of those under way ends next is up to `picks`.
fn go_on(study: &mut Study, n_more: usize, picks: &[usize]) {
    let mut under_way: Vec<Asked> = Vec::new();
    for step in 0..n_more {
        under_way.extend(std::iter::from_fn(|| study.ask()));
        if under_way.is_empty() {
            return;
        }
        let asked = under_way.remove(picks[step % picks.len()] % under_way.len());
        study.tell(asked.number, outcome(&asked));
    }
}

fn whole(search: &Search, picks: &[usize]) -> Vec<Trial> {
    let mut study = Study::new(search.clone()).unwrap();
    go_on(&mut study, usize::MAX, picks);
    study.trials().cloned().collect()
}

fn goes_on_as_if_never_stopped(
    search: &Search,
    stop: usize,
    picks: &[usize],
) -> Result<(), TestCaseError> {
    let expected = whole(search, &[0]);
    prop_assert_eq!(expected.len(), search.trials);
    let mut stopped = Study::new(search.clone()).unwrap();
    go_on(&mut stopped, stop, picks);
    let mut again = Study::new(search.clone()).unwrap();
    // The journal has them as they ended, not by number.
    let lines: Vec<String> = stopped
        .trials()
        .map(|trial| serde_json::to_string(trial).unwrap())
        .collect();
    for line in lines.iter().rev() {
        prop_assert!(again.restore(serde_json::from_str(line).unwrap()));
    }
    go_on(&mut again, usize::MAX, picks);
    let found: Vec<Trial> = again.trials().cloned().collect();
    prop_assert_eq!(found, expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn a_search_goes_on_from_any_stop(
        sampler in prop::sample::select(vec![Sampler::Random, Sampler::Grid, Sampler::Tpe]),
        parallel in 1_usize..6,
        seed in any::<u64>(),
        stop in 0_usize..25,
        picks in prop::collection::vec(any::<usize>(), 1..9),
    ) {
        goes_on_as_if_never_stopped(&mixed_search(sampler, 24, parallel, seed), stop, &picks)?;
    }
}

#[test]
fn a_gaussian_process_goes_on_from_a_stop() {
    for (stop, parallel) in [(12, 1), (15, 3)] {
        let search = mixed_search(Sampler::Gp, 19, parallel, 2);
        goes_on_as_if_never_stopped(&search, stop, &[2, 0, 1]).unwrap();
    }
}

/// The next suggestion comes of the history, not only of the seed and the number.
#[test]
fn what_was_found_decides_what_comes_next() {
    for sampler in SAMPLERS {
        let next = |sign: f64| {
            let mut study = Study::new(mixed_search(sampler, 16, 1, 3)).unwrap();
            for _ in 0..15 {
                let asked = study.ask().unwrap();
                let value = (mixed().value)(&asked.parameters);
                study.tell(asked.number, scored(vec![sign * value]));
            }
            study.ask().unwrap().parameters
        };
        assert_eq!(next(1.0), next(1.0), "{sampler:?}");
        let learns = matches!(sampler, Sampler::Tpe | Sampler::Gp);
        assert_eq!(next(1.0) != next(-1.0), learns, "{sampler:?}");
    }
}

/// No trial begins before those that it is to learn from have ended, and none is given twice.
#[test]
fn no_more_trials_are_under_way_than_may_be() {
    for sampler in SAMPLERS {
        let mut study = Study::new(mixed_search(sampler, 6, 3, 1)).unwrap();
        let first: Vec<Asked> = std::iter::from_fn(|| study.ask()).collect();
        let numbers: Vec<usize> = first.iter().map(|asked| asked.number).collect();
        assert_eq!(numbers, [0, 1, 2], "{sampler:?}");
        study.tell(2, outcome(&first[2]));
        assert!(study.ask().is_none(), "trial 3 learns from trial 0");
        study.tell(0, outcome(&first[0]));
        assert_eq!(study.ask().unwrap().number, 3);
        assert!(study.ask().is_none(), "trial 4 learns from trial 1");
        assert!(study.tell(4, outcome(&first[0])).is_none());
    }
}

/// A journal of a search with other bounds, steps or conditions.
#[track_caller]
fn is_taken_up(domain: Domain, value: f64, expected: bool) {
    let x = Dimension {
        domain,
        ..range("x", (0.0, 1.0), false, false)
    };
    let wide = range("x", (-9.0, 9.0), false, false);
    let mut other = Study::new(search(Sampler::Random, 1, vec![wide])).unwrap();
    let asked = other.ask().unwrap();
    let mut trial = other.tell(asked.number, scored(vec![1.0])).unwrap().clone();
    trial.point = vec![Some(value)];
    let mut study = Study::new(search(Sampler::Random, 1, vec![x.clone()])).unwrap();
    assert_eq!(study.restore(trial), expected, "{value} of {x:?}");
}

#[test]
fn values_between_the_steps_are_of_another_search() {
    let domain = |step: Option<f64>, is_whole: bool| Domain::Range {
        low: 0.0,
        high: 3.0,
        step,
        is_log: false,
        is_whole,
    };
    is_taken_up(domain(None, false), 0.55, true);
    is_taken_up(domain(Some(0.1), false), 0.1 + 0.2, true);
    is_taken_up(domain(Some(0.1), false), 0.55, false);
    is_taken_up(domain(None, true), 2.0, true);
    is_taken_up(domain(None, true), 2.5, false);
    is_taken_up(domain(None, false), f64::NAN, false);
    is_taken_up(mixed().space[1].domain.clone(), 2.0, true);
    is_taken_up(mixed().space[1].domain.clone(), 3.0, false);
    is_taken_up(mixed().space[1].domain.clone(), 0.5, false);
}
