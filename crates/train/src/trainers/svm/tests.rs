use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use everloop_domain::Task;
use serde_json::Value as Json;

use super::smo::Limits;
use super::*;
use crate::trainers::tests::probe::{Probe, design};

fn numbers(json: &Json) -> Vec<f64> {
    let values = json.as_array().unwrap().iter();
    values.map(|value| value.as_f64().unwrap()).collect()
}

fn kernel_of(case: &Json) -> Kernel {
    let parameter = |name: &str| case["parameters"][name].as_f64().unwrap_or(0.0);
    match case["kernel"].as_str().unwrap() {
        "rbf" => Kernel::Rbf {
            gamma: parameter("gamma"),
        },
        "linear" => Kernel::Linear,
        _ => Kernel::Polynomial {
            gamma: parameter("gamma"),
            bias: parameter("coef0"),
            degree: parameter("degree") as i32,
        },
    }
}

/// Decision values of the rows of a golden case.
fn decisions(golden: &Json, case: &Json, cache_bytes: usize) -> Vec<f64> {
    let design = design(
        golden["n_columns"].as_u64().unwrap() as usize,
        &numbers(&golden["values"]),
    );
    let targets = numbers(&golden[case["target"].as_str().unwrap()]);
    let c = case["c"].as_f64().unwrap();
    let weights = if case["weighted"] == true {
        numbers(&golden["weights"])
    } else {
        vec![1.0; targets.len()]
    };
    let is_side = case["target"] == "side";
    let bounds = |side: f64| {
        let rows = targets.iter().zip(&weights);
        rows.map(|(target, weight)| {
            if is_side && *target != side {
                0.0
            } else {
                side * c * weight
            }
        })
        .collect()
    };
    let problem = Problem {
        low: bounds(-1.0),
        high: bounds(1.0),
        epsilon: case["epsilon"].as_f64().unwrap(),
        targets: targets.clone(),
    };
    let machine = Machine {
        design: &design,
        kernel: kernel_of(case),
        c,
        seed: 0,
        limits: Limits {
            tolerance: 1e-5,
            n_steps: 10_000_000,
            cache_bytes,
        },
    };
    let rows: Vec<u32> = (0..targets.len() as u32).collect();
    let solved = machine.solve(&machine.rows(&rows), &problem, &mut |_, _| false);
    assert!(solved.is_converged);
    solved
        .products
        .iter()
        .map(|product| product + solved.bias)
        .collect()
}

#[test]
fn decision_values_are_those_of_libsvm() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/svm.json");
    let golden: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut failures = Vec::new();
    for case in golden["cases"].as_array().unwrap() {
        let found = decisions(&golden, case, 1 << 20);
        let expected = numbers(&case["decisions"]);
        let pairs = found.iter().zip(&expected);
        let furthest = pairs
            .map(|(found, expected)| (found - expected).abs())
            .fold(0.0, f64::max);
        if furthest > 1e-3 {
            let of = |name: &str| case[name].to_string();
            failures.push(format!(
                "{} {} {}: {furthest}",
                of("kernel"),
                of("c"),
                of("target")
            ));
        }
        if case["kernel"] == "rbf" {
            assert_eq!(found, decisions(&golden, case, 1), "the cache matters");
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Two clouds, as many rows as are asked for.
fn clouds(n_rows: usize) -> (Design, Vec<f64>) {
    let values: Vec<f64> = (0..n_rows)
        .flat_map(|row| {
            let turn = (row * 7919 % 1000) as f64 / 500.0 - 1.0;
            let other = (row * 104_729 % 1000) as f64 / 500.0 - 1.0;
            [turn + if row % 2 == 0 { 0.6 } else { -0.6 }, other]
        })
        .collect();
    let target = (0..n_rows).map(|row| (row % 2) as f64).collect();
    (design(2, &values), target)
}

fn probe<'a>(design: &'a Design, target: &'a [f64], row_weights: &'a [f64]) -> Probe<'a> {
    Probe {
        trainer: "svm",
        task: Task::Binary,
        parameters: BTreeMap::from([(
            "kernel".to_owned(),
            everloop_domain::Value::Text("linear".to_owned()).into(),
        )]),
        design,
        target,
        row_weights,
        n_threads: 2,
    }
}

#[test]
fn many_rows_are_solved_as_few_are() {
    let direction = |n_rows: usize| {
        let (design, target) = clouds(n_rows);
        let ones = vec![1.0; n_rows];
        let found = probe(&design, &target, &ones).coefficients().unwrap();
        // The sigmoid turns with the rows; where it is one half does not.
        (found[0][0] / found[0][1], found[0][2] / found[0][1])
    };
    let (few, many) = (direction(10_000), direction(10_002));
    assert!(
        (few.0 - many.0).abs() < 0.02 && (few.1 - many.1).abs() < 0.02,
        "{few:?} {many:?}"
    );
}

#[test]
fn rows_without_weight_do_not_count() {
    let (design_of_all, target) = clouds(300);
    let weights: Vec<f64> = (0..300).map(|row| f64::from(u8::from(row < 200))).collect();
    let kept = design(2, &design_of_all.values[..400]);
    let decision = |design: &Design, target: &[f64], weights: &[f64]| {
        let machine = Machine {
            design,
            kernel: Kernel::Linear,
            c: 1.0,
            seed: 0,
            limits: Limits {
                tolerance: 1e-8,
                n_steps: 100_000,
                cache_bytes: 1 << 20,
            },
        };
        let side = |class: &f64| 2.0 * class - 1.0;
        let bound = |of: f64| {
            let rows = target.iter().zip(weights);
            rows.map(|(class, weight)| if side(class) == of { of * weight } else { 0.0 })
                .collect()
        };
        let problem = Problem {
            targets: target.iter().map(side).collect(),
            low: bound(-1.0),
            high: bound(1.0),
            epsilon: 0.0,
        };
        let rows: Vec<u32> = (0..target.len() as u32).collect();
        let solved = machine.solve(&machine.rows(&rows), &problem, &mut |_, _| false);
        solved.products[0] + solved.bias
    };
    let weighted = decision(&design_of_all, &target, &weights);
    let alone = decision(&kept, &target[..200], &weights[..200]);
    assert!((weighted - alone).abs() < 1e-5, "{weighted} {alone}");
}

#[test]
fn long_searches_can_be_cancelled_and_tell_their_objective() {
    let (design, target) = clouds(3000);
    let ones = vec![1.0; 3000];
    let probe = probe(&design, &target, &ones).with(&[("tolerance", 1e-9), ("c", 1000.0)]);
    let mut objectives = Vec::new();
    let cancelled = probe.train(&mut |progress| {
        objectives.extend(progress.metric.map(|metric| metric.1));
        if objectives.len() > 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(matches!(cancelled, Err(Error::Cancelled { .. })));
    assert!(
        objectives.is_sorted_by(|left, right| left >= right),
        "{objectives:?}"
    );
}

#[test]
fn kernels_beyond_numbers_are_an_error() {
    let (mut design, target) = clouds(20);
    design.values[0] = 1e30;
    let ones = vec![1.0; 20];
    let mut probe = probe(&design, &target, &ones);
    let polynomial = everloop_domain::Value::Text("polynomial".to_owned());
    probe
        .parameters
        .insert("kernel".to_owned(), polynomial.into());
    let error = probe.coefficients().unwrap_err();
    assert!(
        error.to_string().starts_with("`svm` diverged at step"),
        "{error}"
    );
}
