//! Searches the golden functions many times and prints the best values as JSON, for `cargo xtask bench tuning`:
//! `search SAMPLER N_SEEDS N_TRIALS [TABLE]`, where the table is `svc_digits_grid.csv`.

#![expect(clippy::print_stdout, reason = "a tool for developers")]

use std::collections::BTreeMap;
use std::time::Instant;

use everloop_domain::ParameterValue;
use everloop_domain::search::{Dimension, Objective, Pruner, Sampler, Search};
use everloop_train::tuning::{Outcome, Study};

#[path = "../tests/suite/functions.rs"]
mod functions;
#[path = "search/table.rs"]
mod table;

use table::Table;

type Value<'a> = &'a dyn Fn(&BTreeMap<String, ParameterValue>) -> f64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [sampler, n_seeds, n_trials, rest @ ..] = words.as_slice() else {
        return Err("usage: search SAMPLER N_SEEDS N_TRIALS [TABLE]".into());
    };
    let sampler = match sampler.as_str() {
        "tpe" => Sampler::Tpe,
        "gp" => Sampler::Gp,
        _ => Sampler::Random,
    };
    let (n_seeds, n_trials): (u64, usize) = (n_seeds.parse()?, n_trials.parse()?);
    let mut found = BTreeMap::new();
    for function in functions::all() {
        found.insert(
            function.name,
            bests(sampler, n_trials, n_seeds, &function.space, &function.value)?,
        );
    }
    if let Some(path) = rest.first() {
        let table = Table::read(path)?;
        let value = |parameters: &BTreeMap<String, ParameterValue>| table.at(parameters);
        found.insert(
            "svc_table",
            bests(sampler, n_trials, n_seeds, &Table::space(), &value)?,
        );
    }
    println!("{}", serde_json::to_string(&found)?);
    Ok(())
}

/// The best value of each seed, and milliseconds for each trial.
fn bests(
    sampler: Sampler,
    n_trials: usize,
    n_seeds: u64,
    space: &[Dimension],
    value: Value<'_>,
) -> Result<(Vec<f64>, f64), everloop_train::Error> {
    let start = Instant::now();
    let mut bests = Vec::new();
    for seed in 0..n_seeds {
        let objective = Objective {
            metric: "value".to_owned(),
            is_maximized: false,
        };
        let mut study = Study::new(Search {
            trials: n_trials,
            objectives: vec![objective],
            sampler,
            pruner: Pruner::None,
            space: space.to_vec(),
            cross_validation: None,
            parallel: 1,
            timeout: None,
            trial_timeout: None,
            seed,
        })?;
        while let Some(asked) = study.ask() {
            let values = vec![value(&asked.parameters)];
            study.tell(
                asked.number,
                Outcome {
                    values,
                    ..Outcome::default()
                },
            );
        }
        bests.push(study.best().map_or(f64::NAN, |best| best.values[0]));
    }
    let n_all = n_seeds as f64 * n_trials as f64;
    Ok((bests, start.elapsed().as_secs_f64() * 1000.0 / n_all))
}
