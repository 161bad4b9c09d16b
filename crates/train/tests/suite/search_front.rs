//! What a search has found: the front of several objectives, the best trial, and what mattered.

use everloop_domain::search::{Condition, Dimension, Objective, Sampler};
use everloop_train::tuning::Study;
use proptest::prelude::*;

use crate::functions::{number, range};
use crate::searches::{carried_out, choices, failed, points, scored, search};

/// A study with these values, one row a trial; nothing for one that failed.
fn study(rows: &[Option<Vec<f64>>], is_maximized: &[bool]) -> Study {
    let mut search = search(
        Sampler::Random,
        rows.len(),
        vec![range("x", (0.0, 1.0), false, false)],
    );
    let objectives = is_maximized.iter().enumerate();
    search.objectives = objectives
        .map(|(place, is_maximized)| Objective {
            metric: format!("m{place}"),
            is_maximized: *is_maximized,
        })
        .collect();
    carried_out(search, |asked| match &rows[asked.number] {
        Some(values) => scored(values.clone()),
        None => failed(),
    })
}

/// Whether one is better somewhere and worse nowhere, said objective by objective.
fn beats(one: &[f64], other: &[f64], is_maximized: &[bool]) -> bool {
    let mut is_better = false;
    for ((one, other), is_maximized) in one.iter().zip(other).zip(is_maximized) {
        let (one, other) = if *is_maximized {
            (one, other)
        } else {
            (other, one)
        };
        if one < other {
            return false;
        }
        is_better |= one > other;
    }
    is_better
}

fn naive_front(rows: &[Option<Vec<f64>>], is_maximized: &[bool]) -> Vec<usize> {
    let is_beaten = |row: &[f64]| {
        let mut others = rows.iter().flatten();
        others.any(|other| beats(other, row, is_maximized))
    };
    let places = rows.iter().enumerate().filter_map(|(place, row)| {
        let row = row.as_ref()?;
        (!is_beaten(row)).then_some(place)
    });
    places.collect()
}

/// Directions, and rows of whole numbers with many equal ones.
fn table() -> impl Strategy<Value = (Vec<bool>, Vec<Option<Vec<f64>>>)> {
    (1_usize..4).prop_flat_map(|n_objectives| {
        let values = prop::collection::vec((-4_i32..4).prop_map(f64::from), n_objectives);
        (
            prop::collection::vec(any::<bool>(), n_objectives),
            prop::collection::vec(prop::option::weighted(0.8, values), 1..25),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn nobody_beats_the_front_and_it_has_the_best((is_maximized, rows) in table()) {
        let study = study(&rows, &is_maximized);
        let front: Vec<usize> = study.front().iter().map(|trial| trial.number).collect();
        prop_assert_eq!(&front, &naive_front(&rows, &is_maximized));
        match study.best() {
            Some(best) => prop_assert!(front.contains(&best.number)),
            None => prop_assert!(rows.iter().all(Option::is_none)),
        }
    }
}

/// The best of several objectives does not depend on their units.
#[test]
fn the_best_compromise_has_no_unit() {
    let rows = |unit: f64| -> Vec<Option<Vec<f64>>> {
        [
            [0.0, 10.0],
            [3.0, 13.0],
            [5.0, 20.0],
            [1.0, 11.0],
            [0.0, 9.0],
        ]
        .iter()
        .map(|row| Some(vec![row[0] * unit, row[1]]))
        .collect()
    };
    for unit in [1e-6, 1.0, 1e6] {
        let study = study(&rows(unit), &[true, false]);
        assert_eq!(study.best().unwrap().number, 1, "{unit}");
    }
}

#[test]
fn a_number_missing_from_one_objective_fails_the_trial() {
    let rows = vec![
        Some(vec![1.0, f64::NAN]),
        Some(vec![f64::NEG_INFINITY, 0.0]),
        Some(vec![2.0, 2.0]),
    ];
    let study = study(&rows, &[false, false]);
    let problems: Vec<Option<&str>> = study
        .trials()
        .map(|trial| trial.problem.as_deref())
        .collect();
    assert_eq!(problems, [Some("`m1` is NaN"), Some("`m0` is -inf"), None]);
    let front: Vec<usize> = study.front().iter().map(|trial| trial.number).collect();
    assert_eq!(front, [2]);
}

fn under(chooser: usize, choice: usize, dimension: Dimension) -> Dimension {
    Dimension {
        when: vec![Condition {
            dimension: chooser,
            choices: vec![choice],
        }],
        ..dimension
    }
}

/// `strong` and `kind` decide, `weak` hardly, `idle` and `unused` do not.
fn weighed_study(seed: u64, sign: f64) -> Study {
    let mut search = search(
        Sampler::Random,
        150,
        vec![
            range("idle", (1e-5, 1.0), true, false),
            range("strong", (0.0, 1.0), false, false),
            choices("kind", 3),
            choices("unused", 3),
            under(2, 1, range("weak", (0.0, 1.0), false, false)),
        ],
    );
    search.seed = seed;
    search.objectives[0].is_maximized = sign < 0.0;
    carried_out(search, |asked| {
        let kind = asked.parameters["kind"].to_string();
        let of_kind = if kind == "c2" { 0.0 } else { 1.0 };
        let loss = 4.0 * (number(&asked.parameters, "strong") - 0.7).powi(2) + of_kind;
        scored(vec![sign * loss])
    })
}

#[test]
fn what_does_not_matter_weighs_little_in_either_direction() {
    for seed in 0..4 {
        let study = weighed_study(seed, 1.0);
        let found = study.importances(0);
        let share = |name: &str| {
            let one = found.iter().find(|one| one.dimension == name);
            one.unwrap().share
        };
        for (matters, idle) in [("strong", "idle"), ("kind", "unused"), ("strong", "weak")] {
            assert!(share(matters) > 2.0 * share(idle), "{seed}: {found:?}");
        }
        let sum: f64 = found.iter().map(|one| one.share).sum();
        assert!((sum - 1.0).abs() < 1e-9 && found.iter().all(|one| one.share >= 0.0));
        assert!(found.is_sorted_by(|one, next| one.share >= next.share));
        let mirrored = weighed_study(seed, -1.0);
        assert_eq!(points(&mirrored), points(&study));
        assert_eq!(mirrored.importances(0), found, "{seed}");
    }
}
