//! Searches against Optuna's: the best values that its sampler finds, and the decisions of its pruners.

use everloop_domain::search::{Pruner, Sampler, Search};
use everloop_domain::{ParameterValue, Value};
use everloop_train::tuning::{Outcome, Study};
use serde_json::Value as Json;

use crate::functions::{self, Function, range};
use crate::searches;

/// Seeds of ours for each function; the golden numbers have 40. `cargo xtask bench tuning` compares 100 with 100.
const N_SEEDS: u64 = 9;

fn golden() -> Json {
    serde_json::from_str(include_str!("../golden/tuning.json")).unwrap()
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect()
}

fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}

fn search(sampler: Sampler, trials: usize, function: &Function, seed: u64) -> Search {
    Search {
        seed,
        ..searches::search(sampler, trials, function.space.clone())
    }
}

fn best(search: Search, function: &Function) -> f64 {
    let mut study = Study::new(search).unwrap();
    while let Some(asked) = study.ask() {
        let values = vec![(function.value)(&asked.parameters)];
        study.tell(
            asked.number,
            Outcome {
                values,
                ..Outcome::default()
            },
        );
    }
    study.best().unwrap().values[0]
}

/// The median of a few searches lies where most of Optuna's lie, and beyond those of chance.
#[track_caller]
fn is_as_good(name: &str, sampler: Sampler, n_trials: usize, n_seeds: u64) {
    let golden = golden();
    let function = functions::all()
        .into_iter()
        .find(|function| function.name == name)
        .unwrap();
    let bests =
        (0..n_seeds).map(|seed| best(search(sampler, n_trials, &function, seed), &function));
    let median = quantile(bests.collect(), 0.5);
    let of = |sampler: &str| numbers(&golden["bests"][name][sampler]);
    assert!(
        median <= quantile(of("tpe"), 0.75),
        "{name}: {median}, Optuna {}",
        quantile(of("tpe"), 0.5)
    );
    assert!(
        median < quantile(of("random"), 0.25),
        "{name}: {median}, chance {}",
        quantile(of("random"), 0.5)
    );
}

#[test]
fn tpe_finds_what_optuna_finds_in_two_dimensions() {
    is_as_good("branin", Sampler::Tpe, 50, N_SEEDS);
}

#[test]
fn tpe_finds_what_optuna_finds_in_five_dimensions() {
    is_as_good("ackley5", Sampler::Tpe, 50, N_SEEDS);
}

#[test]
fn tpe_finds_what_optuna_finds_under_conditions() {
    is_as_good("mixed", Sampler::Tpe, 50, N_SEEDS);
}

#[test]
fn a_gaussian_process_needs_fewer_trials() {
    is_as_good("branin", Sampler::Gp, 25, 3);
}

/// The curves in their order, each ended when the pruner says so.
fn steps_used(pruner: Pruner, rows: &[Vec<f64>], is_maximized: bool) -> Vec<usize> {
    let function = Function {
        name: "curves",
        space: vec![range("x", (0.0, 1.0), false, false)],
        value: |parameters| {
            f64::from(u8::from(
                parameters["x"] == ParameterValue::One(Value::Number(0.0)),
            ))
        },
    };
    let mut search = search(Sampler::Random, rows.len(), &function, 0);
    search.pruner = pruner;
    search.objectives[0].is_maximized = is_maximized;
    let mut study = Study::new(search).unwrap();
    let mut used = Vec::new();
    for row in rows {
        let mut asked = study.ask().unwrap();
        let sign = if is_maximized { -1.0 } else { 1.0 };
        let mut curve = Vec::new();
        let end = row.iter().enumerate().find(|(place, value)| {
            let step = *place as u64 + 1;
            curve.push((step, sign * **value));
            let value = sign * **value;
            asked
                .judge
                .sees(step, row.len() as u64, value, is_maximized)
        });
        used.push(end.map_or(row.len(), |(place, _)| place + 1));
        let values = if end.is_some() {
            Vec::new()
        } else {
            vec![sign * row[row.len() - 1]]
        };
        study.tell(
            asked.number,
            Outcome {
                values,
                curve,
                ..Outcome::default()
            },
        );
    }
    used
}

#[test]
fn pruners_decide_as_optunas() {
    let golden = golden();
    let rows: Vec<Vec<f64>> = golden["curves"]
        .as_array()
        .unwrap()
        .iter()
        .map(numbers)
        .collect();
    let halving = |min_resource, reduction_factor| Pruner::SuccessiveHalving {
        min_resource,
        reduction_factor,
    };
    let median = |startup_trials, warmup_steps| Pruner::Median {
        startup_trials,
        warmup_steps,
    };
    for (name, pruner) in [
        ("median", median(5, 0)),
        ("median_after_5_steps", median(8, 5)),
        ("halving_1_3", halving(1, 3)),
        ("halving_2_4", halving(2, 4)),
    ] {
        for (key, is_maximized) in [("steps_used", false), ("steps_used_upwards", true)] {
            let expected: Vec<usize> = numbers(&golden[key][name])
                .into_iter()
                .map(|steps| steps as usize)
                .collect();
            assert_eq!(
                steps_used(pruner, &rows, is_maximized),
                expected,
                "{name} {key}"
            );
        }
    }
    let hyperband = Pruner::Hyperband {
        min_resource: 1,
        reduction_factor: 3,
    };
    let used = steps_used(hyperband, &rows, false);
    let (sum, all) = (used.iter().sum::<usize>(), rows.len() * 27);
    assert!(sum > all / 10 && sum < all * 2 / 3, "{sum} of {all} steps");
    assert!(
        steps_used(Pruner::None, &rows, false)
            .iter()
            .all(|steps| *steps == 27)
    );
}
