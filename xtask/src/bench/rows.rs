//! `bench rows`: a hundred million points of metrics in one SQLite file, and whether the last are logged as fast as the first.
//!
//! A hundred runs with ten metrics each take turns, so that every batch goes to another place of the file.

use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

use super::growth::{ask, create, size, start};

const N_ROWS: usize = 100_000_000;
/// How many rows lie between two lines of the table.
const N_BETWEEN: usize = 10_000_000;
const N_RUNS: usize = 100;
const N_KEYS: usize = 10;
/// Points of a key in a batch, which has as many points as MLflow takes.
const N_STEPS: usize = 1000 / N_KEYS;

pub(super) fn run() -> Result<()> {
    super::growth::in_a_directory(|dir| {
        let home = dir.join("rows");
        let server = start(&home)?;
        let runs: Vec<String> = (0..N_RUNS)
            .map(|_| create(&server))
            .collect::<Result<_>>()?;
        println!("\n| rows | rows a second | bytes a row | memory |\n|---|---|---|---|");
        let mut n_rows = 0;
        while n_rows < N_ROWS {
            let begun = Instant::now();
            let goal = n_rows + N_BETWEEN;
            while n_rows < goal {
                let n_batches = n_rows / (N_KEYS * N_STEPS);
                let (run, round) = (&runs[n_batches % N_RUNS], n_batches / N_RUNS);
                ask(&server, "runs/log-batch", &batch(run, round))?;
                n_rows += N_KEYS * N_STEPS;
            }
            println!(
                "| {n_rows} | {:.0} | {} | {:.0} MB |",
                N_BETWEEN as f64 / begun.elapsed().as_secs_f64(),
                size(&home)? / n_rows as u64,
                server.memory_mb()?
            );
        }
        Ok(())
    })
}

fn batch(run: &str, round: usize) -> Value {
    let steps = round * N_STEPS..(round + 1) * N_STEPS;
    let metrics: Vec<Value> = steps
        .flat_map(|step| {
            (0..N_KEYS).map(move |key| {
                let time = 1_700_000_000_000_i64 + step as i64;
                json!({"key": format!("m{key}"), "value": 1.0 / (step + 1) as f64, "step": step, "timestamp": time})
            })
        })
        .collect();
    json!({"run_id": run, "metrics": metrics})
}
