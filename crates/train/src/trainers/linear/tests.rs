use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::*;
use crate::trainers::tests::probe::{Probe, design};

/// Bias, then weights.
fn found(
    design: &Design,
    (target, row_weights): (&[f64], &[f64]),
    parameters: &[(&str, f64)],
) -> Result<Vec<f64>, Error> {
    let probe = Probe {
        trainer: "linear",
        task: Task::Regression,
        parameters: BTreeMap::new(),
        design,
        target,
        row_weights,
        n_threads: 1,
    };
    let mut coefficients = probe.with(parameters).coefficients()?;
    Ok(coefficients.remove(0))
}

#[track_caller]
fn check(design: &Design, target: &[f64], parameters: &[(&str, f64)], expected: &[f64]) {
    let weights = vec![1.0; target.len()];
    let found = found(design, (target, &weights), parameters).unwrap();
    let mut pairs = found.iter().zip(expected);
    let is_near = pairs.all(|(found, expected)| (found - expected).abs() < 1e-6);
    assert!(is_near && found.len() == expected.len(), "{found:?}");
}

#[test]
fn a_line_is_found() {
    let line = design(1, &[0.0, 1.0, 2.0]);
    check(&line, &[1.0, 3.0, 5.0], &[], &[1.0, 2.0]);
}

#[test]
fn penalties_shrink_by_the_formula() {
    // Centred x'x / n = 2 / 3 and x'y / n = 4 / 3.
    let line = design(1, &[0.0, 1.0, 2.0]);
    check(&line, &[1.0, 3.0, 5.0], &[("l2", 2.0 / 3.0)], &[2.0, 1.0]);
    check(&line, &[1.0, 3.0, 5.0], &[("l1", 2.0 / 3.0)], &[2.0, 1.0]);
    check(&line, &[1.0, 3.0, 5.0], &[("l1", 2.0)], &[3.0, 0.0]);
}

#[test]
fn dependent_columns_share_the_weight() {
    let wide = design(3, &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    check(&wide, &[1.0, 7.0], &[], &[1.0, 2.0, 2.0, 2.0]);
    let tall = design(2, &[0.0, 0.0, 1.0, 1.0, 2.0, 2.0]);
    check(&tall, &[1.0, 3.0, 5.0], &[], &[1.0, 1.0, 1.0]);
}

#[test]
fn nearly_dependent_columns_keep_their_digits() {
    let rows = (0..40).map(|row| f64::from(row % 7) - 3.0 + f64::from(row) * 1e-3);
    let values: Vec<f64> = rows
        .enumerate()
        .flat_map(|(row, value)| [value, value + 1e-5 * f64::from((row % 5) as u8)])
        .collect();
    let target: Vec<f64> = values
        .chunks(2)
        .map(|row| 4.0 + 2.0 * row[0] - row[1])
        .collect();
    check(&design(2, &values), &target, &[], &[4.0, 2.0, -1.0]);
}

#[test]
fn weights_count_as_repeated_rows() {
    let once = design(1, &[0.0, 1.0, 3.0]);
    let twice = design(1, &[0.0, 1.0, 1.0, 3.0]);
    for parameters in [&[][..], &[("l2", 0.1)], &[("l1", 0.1)]] {
        let weighted = (&[0.0, 2.0, 3.0][..], &[1.0, 2.0, 1.0][..]);
        let expected = found(&once, weighted, parameters).unwrap();
        check(&twice, &[0.0, 2.0, 2.0, 3.0], parameters, &expected);
    }
}

#[test]
fn numbers_beyond_reason_are_an_error() {
    let huge = design(1, &[1e300, -1e300, 1e300]);
    let error = found(&huge, (&[1.0, 2.0, 3.0], &[1.0; 3]), &[]).unwrap_err();
    assert!(
        error.to_string().starts_with("`linear` diverged at step 0"),
        "{error}"
    );
}

#[test]
fn steps_of_every_loss_are_told_in_order() {
    let rows = design(1, &[0.0, 1.0, 2.0, 3.0, 9.0]);
    for (name, value) in [("loss", 1.0), ("l1", 0.1), ("l2", 0.1)] {
        let mut probe = Probe {
            trainer: "linear",
            task: Task::Regression,
            parameters: BTreeMap::new(),
            design: &rows,
            target: &[1.0, 3.0, 5.5, 6.0, 90.0],
            row_weights: &[1.0; 5],
            n_threads: 1,
        };
        if name == "loss" {
            let huber = everloop_domain::Value::Text("huber".to_owned());
            probe.parameters.insert(name.to_owned(), huber.into());
        } else {
            probe = probe.with(&[(name, value)]);
        }
        let mut told = Vec::new();
        probe
            .train(&mut |progress| {
                told.push(progress.step);
                ControlFlow::Continue(())
            })
            .unwrap();
        assert!(
            told.is_sorted() && told.last() > Some(&0),
            "{name}: {told:?}"
        );
    }
}

#[test]
fn outliers_do_not_turn_the_line_of_huber() {
    let values: Vec<f64> = (0..50).map(|row| f64::from(row) / 25.0 - 1.0).collect();
    let noise = |row: usize| if row.is_multiple_of(2) { 0.01 } else { -0.01 };
    let target: Vec<f64> = (0..50)
        .map(|row| 1.0 + 2.0 * values[row] + if row > 45 { 50.0 } else { noise(row) })
        .collect();
    let rows = design(1, &values);
    let mut probe = Probe {
        trainer: "linear",
        task: Task::Regression,
        parameters: BTreeMap::new(),
        design: &rows,
        target: &target,
        row_weights: &[1.0; 50],
        n_threads: 1,
    };
    let squared = probe.coefficients().unwrap().remove(0);
    assert!((squared[1] - 2.0).abs() > 1.0, "{squared:?}");
    let huber = everloop_domain::Value::Text("huber".to_owned());
    probe.parameters.insert("loss".to_owned(), huber.into());
    let found = probe.coefficients().unwrap().remove(0);
    assert!(
        (found[0] - 1.0).abs() < 0.1 && (found[1] - 2.0).abs() < 0.1,
        "{found:?}"
    );
}

#[test]
fn huber_has_no_penalty_on_sizes() {
    let rows = design(1, &[0.0, 1.0, 2.0]);
    let probe = Probe {
        trainer: "linear",
        task: Task::Regression,
        parameters: BTreeMap::from([(
            "loss".to_owned(),
            everloop_domain::Value::Text("huber".to_owned()).into(),
        )]),
        design: &rows,
        target: &[1.0, 2.0, 4.0],
        row_weights: &[1.0; 3],
        n_threads: 1,
    };
    let error = probe.with(&[("l1", 0.5)]).coefficients().unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter `l1`: it is 0.5, but `loss: huber` takes `l2` only"
    );
}
