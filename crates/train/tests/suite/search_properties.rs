//! What samplers suggest lies in the space, whatever the space, and is not misled by trials without a value.

use std::collections::{BTreeMap, BTreeSet};

use everloop_domain::search::{Condition, Dimension, Domain, Sampler};
use everloop_domain::{ParameterValue, Value};
use everloop_train::tuning::{Asked, Outcome, Study, TrialState};
use proptest::prelude::*;

use crate::functions::{number, range};
use crate::searches::{SAMPLERS, carried_out, choices, failed, mixed, points, scored, search};

type Parameters = BTreeMap<String, ParameterValue>;

fn stepped(id: &str, (low, high): (f64, f64), step: f64, is_whole: bool) -> Dimension {
    Dimension {
        domain: Domain::Range {
            low,
            high,
            step: Some(step),
            is_log: false,
            is_whole,
        },
        ..range(id, (low, high), false, is_whole)
    }
}

/// A dimension of any kind; the condition is made once the earlier dimensions are known.
fn dimension() -> impl Strategy<Value = Dimension> {
    let choice = (1_usize..4).prop_map(|count| choices("", count));
    let real = (-100.0..100.0, 0.0..50.0)
        .prop_map(|(low, width)| range("", (low, low + width), false, false));
    let log = (1e-6..10.0, 1.0..1e6)
        .prop_map(|(low, factor)| range("", (low, low * factor), true, false));
    let whole = (1_i32..50, 0_i32..500, any::<bool>()).prop_map(|(low, width, is_log)| {
        range("", (f64::from(low), f64::from(low + width)), is_log, true)
    });
    let tenths = (-9_i32..9, 1_i32..9, 0_i32..30).prop_map(|(low, step, width)| {
        let tenth = |tenths: i32| f64::from(tenths) / 10.0;
        stepped("", (tenth(low), tenth(low + width)), tenth(step), false)
    });
    let wholes = (-9_i32..9, 1_i32..9, 0_i32..60).prop_map(|(low, step, width)| {
        let ends = (f64::from(low), f64::from(low + width));
        stepped("", ends, f64::from(step), true)
    });
    prop_oneof![choice, real, log, whole, tenths, wholes]
}

/// Some dimensions, each of which may depend on an earlier choice, which may depend on others.
fn space() -> impl Strategy<Value = Vec<Dimension>> {
    let one = (dimension(), any::<bool>(), 0_usize..3, any::<usize>());
    prop::collection::vec(one, 1..7).prop_map(|drafts| {
        let mut space: Vec<Dimension> = Vec::new();
        for (place, (draft, is_free, choice, parent)) in drafts.into_iter().enumerate() {
            let choosers: Vec<(usize, usize)> = space
                .iter()
                .enumerate()
                .filter_map(|(place, earlier)| match &earlier.domain {
                    Domain::Choices(values) => Some((place, values.len())),
                    Domain::Range { .. } => None,
                })
                .collect();
            let chooser = choosers.get(parent % choosers.len().max(1));
            let when = chooser
                .filter(|_| !is_free)
                .map(|(dimension, count)| Condition {
                    dimension: *dimension,
                    choices: vec![choice % count],
                });
            space.push(Dimension {
                id: format!("p{place}"),
                parameter: format!("p{place}"),
                when: when.into_iter().collect(),
                ..draft
            });
        }
        space
    })
}

fn applies(space: &[Dimension], dimension: &Dimension, parameters: &Parameters) -> bool {
    dimension.when.iter().all(|condition| {
        let chooser = &space[condition.dimension];
        let Domain::Choices(values) = &chooser.domain else {
            return false;
        };
        let allowed = condition.choices.iter().map(|choice| &values[*choice]);
        let chosen = parameters.get(&chooser.parameter);
        allowed.into_iter().any(|allowed| chosen == Some(allowed))
    })
}

fn is_value_of(domain: &Domain, value: &ParameterValue) -> bool {
    let (low, high, step, is_whole) = match domain {
        Domain::Choices(values) => return values.contains(value),
        Domain::Range {
            low,
            high,
            step,
            is_whole,
            ..
        } => (*low, *high, *step, *is_whole),
    };
    let found = match value {
        ParameterValue::One(Value::Integer(whole)) if is_whole => *whole as f64,
        ParameterValue::One(Value::Number(real)) if !is_whole => *real,
        _ => return false,
    };
    let steps = step.map_or(0.0, |step| (found - low) / step);
    (low..=high).contains(&found) && (steps - steps.round()).abs() < 1e-6
}

fn lies_in(space: &[Dimension], parameters: &Parameters) -> Result<(), TestCaseError> {
    for dimension in space {
        let found = parameters.get(&dimension.parameter);
        let is_right = match found {
            Some(value) => {
                applies(space, dimension, parameters) && is_value_of(&dimension.domain, value)
            }
            None => !applies(space, dimension, parameters),
        };
        prop_assert!(is_right, "{dimension:?}: {found:?} of {parameters:?}");
    }
    Ok(())
}

/// Any value, now and then none.
fn anything(asked: &Asked) -> Outcome {
    match asked.number % 9 {
        3 => failed(),
        5 => Outcome {
            curve: vec![(1, 0.5)],
            ..Outcome::default()
        },
        _ => {
            let numbers = asked
                .parameters
                .keys()
                .map(|name| number(&asked.parameters, name));
            let sum: f64 = numbers.filter(|value| value.is_finite()).sum();
            scored(vec![sum.sin() + 0.1 * sum])
        }
    }
}

fn suggests_points_of(
    sampler: Sampler,
    trials: usize,
    space: &[Dimension],
) -> Result<(), TestCaseError> {
    let study = carried_out(search(sampler, trials, space.to_vec()), anything);
    prop_assert_eq!(study.trials().count(), study.n_trials());
    for trial in study.trials() {
        lies_in(space, &trial.parameters)?;
    }
    // What was suggested is taken up again.
    let mut again = Study::new(study.search().clone()).unwrap();
    for trial in study.trials() {
        let line = serde_json::to_string(trial).unwrap();
        let trial = serde_json::from_str(&line).unwrap();
        prop_assert!(again.restore(trial), "{}", line);
    }
    prop_assert!(again.trials().eq(study.trials()), "JSON keeps all digits");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn chance_stays_in_the_space(space in space()) {
        suggests_points_of(Sampler::Random, 30, &space)?;
    }

    #[test]
    fn parzen_estimators_stay_in_the_space(space in space()) {
        suggests_points_of(Sampler::Tpe, 30, &space)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4) })]

    #[test]
    fn gaussian_processes_stay_in_the_space(space in space()) {
        suggests_points_of(Sampler::Gp, 15, &space)?;
    }
}

/// Few values each, so that the grid can be counted: the values of a choice lead on, those of a range do not.
#[track_caller]
fn grid_is(space: &[Dimension], expected: usize) {
    let study = carried_out(search(Sampler::Grid, usize::MAX, space.to_vec()), anything);
    let distinct: BTreeSet<String> = study
        .trials()
        .map(|trial| format!("{:?}", trial.parameters))
        .collect();
    assert_eq!((study.n_trials(), distinct.len()), (expected, expected));
    for trial in study.trials() {
        lies_in(space, &trial.parameters).unwrap();
    }
}

#[test]
fn a_grid_visits_every_point_once() {
    let under = |dimension: usize, choice: usize, what: Dimension| Dimension {
        when: vec![Condition {
            dimension,
            choices: vec![choice],
        }],
        ..what
    };
    grid_is(&[stepped("tenths", (0.0, 0.3), 0.1, false)], 4);
    grid_is(&[stepped("short", (0.0, 1.0), 0.3, false)], 4);
    grid_is(&[choices("a", 3), range("n", (1.0, 4.0), false, true)], 12);
    grid_is(
        &[
            choices("a", 2),
            under(0, 1, choices("b", 3)),
            under(1, 2, range("n", (0.0, 1.0), false, true)),
        ],
        1 + 2 + 2,
    );
    grid_is(&mixed().space, 5 * (5 + 5 + 2));
}

/// Whatever is no number counts like a failure: the search goes the same way.
#[test]
fn a_value_that_is_no_number_is_a_failure_to_every_sampler() {
    let function = mixed();
    let way = |sampler: Sampler, bad: &dyn Fn() -> Outcome| {
        let study = carried_out(search(sampler, 18, function.space.clone()), |asked| {
            if asked.number % 3 == 1 {
                bad()
            } else {
                scored(vec![(function.value)(&asked.parameters)])
            }
        });
        let states = study.trials().map(|trial| trial.state);
        let n_failed = states.filter(|state| *state == TrialState::Failed).count();
        assert_eq!(n_failed, 6);
        assert_ne!(study.best().unwrap().number % 3, 1);
        points(&study)
    };
    for sampler in SAMPLERS {
        let expected = way(sampler, &failed);
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let found = way(sampler, &|| scored(vec![value]));
            assert_eq!(found, expected, "{sampler:?} {value}");
        }
    }
}

/// Failures are not what is looked for, though they have no loss.
#[test]
fn a_region_of_failures_is_left() {
    let space = vec![range("x", (0.0, 1.0), false, false)];
    for (sampler, trials) in [(Sampler::Tpe, 50), (Sampler::Gp, 30)] {
        let study = carried_out(search(sampler, trials, space.clone()), |asked| {
            let x = number(&asked.parameters, "x");
            if x < 0.5 {
                failed()
            } else {
                scored(vec![(x - 0.8).powi(2)])
            }
        });
        let late = study.trials().skip(trials - 15);
        let n_failed = late.filter(|trial| !trial.is_complete()).count();
        assert!(n_failed < 6, "{sampler:?}: {n_failed} of 15");
        assert!(study.best().unwrap().values[0] < 0.005, "{sampler:?}");
    }
}

/// What was ended early for a small accuracy is worse than what was for a great one, as for a loss the other way.
#[test]
fn a_search_upwards_mirrors_one_downwards() {
    let function = mixed();
    let way = |sampler: Sampler, sign: f64| {
        let mut search = search(sampler, 24, function.space.clone());
        search.objectives[0].is_maximized = sign < 0.0;
        let study = carried_out(search, |asked| {
            let value = sign * (function.value)(&asked.parameters);
            let is_pruned = asked.number >= 3;
            Outcome {
                values: if is_pruned && sampler == Sampler::Tpe || asked.number % 4 == 1 {
                    Vec::new()
                } else {
                    vec![value]
                },
                curve: vec![(2, value)],
                is_curve_maximized: sign < 0.0,
                ..Outcome::default()
            }
        });
        points(&study)
    };
    for sampler in SAMPLERS {
        assert_eq!(way(sampler, -1.0), way(sampler, 1.0), "{sampler:?}");
    }
}
