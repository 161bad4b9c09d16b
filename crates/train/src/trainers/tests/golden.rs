//! Coefficients against scikit-learn's: `tests/golden/linear.json`, made by `tests/golden/gen/linear.py`.

use std::path::Path;

use everloop_domain::Task;
use serde_json::Value as Json;

use super::probe::{Probe, design};

fn numbers(json: &Json) -> Vec<f64> {
    let values = json.as_array().unwrap().iter();
    values.map(|value| value.as_f64().unwrap()).collect()
}

#[test]
fn coefficients_are_those_of_scikit_learn() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/linear.json");
    let golden: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let n_columns = golden["n_columns"].as_u64().unwrap() as usize;
    let design = design(n_columns, &numbers(&golden["values"]));
    let counts = numbers(&golden["weights"]);
    let ones = vec![1.0; counts.len()];
    let mut failures = Vec::new();
    for case in golden["cases"].as_array().unwrap() {
        let is_weighted = case["weighted"] == true;
        let probe = Probe {
            trainer: if case["trainer"] == "linear" {
                "linear"
            } else {
                "logistic"
            },
            task: match case["task"].as_str().unwrap() {
                "regression" => Task::Regression,
                "binary" => Task::Binary,
                _ => Task::Multiclass,
            },
            parameters: serde_json::from_value(case["parameters"].clone()).unwrap(),
            design: &design,
            target: &numbers(&golden[case["target"].as_str().unwrap()]),
            row_weights: if is_weighted { &counts } else { &ones },
            n_threads: 1,
        };
        let found = probe.coefficients().unwrap();
        let expected = case["coefficients"].as_array().unwrap().iter().map(numbers);
        for (found, expected) in found.iter().zip(expected) {
            let pairs = found.iter().zip(&expected);
            let furthest = pairs.map(|(found, expected)| (found - expected).abs());
            let furthest = furthest.fold(0.0, f64::max);
            if furthest > 1e-6 {
                let name = &case["name"];
                failures.push(format!(
                    "{name} {is_weighted}: {furthest}\n{found:?}\n{expected:?}"
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
