//! What tree learners promise beside the contract.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Float64Array, RecordBatch};
use everloop_domain::{ParameterValue, Task};
use everloop_train::Fitted;

use crate::rows::{Case, made_up, numbers, with_column};

fn fit(case: &Case, rows: &RecordBatch) -> Fitted {
    case.fit(rows, &rows.slice(0, 0)).unwrap()
}

fn predicted(case: &Case, rows: &RecordBatch) -> Vec<f64> {
    let name = if case.task == Task::Regression {
        "prediction"
    } else {
        "probability"
    };
    numbers(&fit(case, rows).predict(rows).unwrap(), name)
}

fn error(case: &Case, rows: &RecordBatch) -> String {
    case.fit(rows, &rows.slice(0, 0)).unwrap_err().to_string()
}

fn with_json(mut case: Case, name: &str, json: &str) -> Case {
    let value: ParameterValue = serde_json::from_str(json).unwrap();
    case.parameters.insert(name.to_owned(), value);
    case
}

fn n_distinct(values: &[f64]) -> usize {
    let bits: std::collections::BTreeSet<u64> =
        values.iter().map(|value| value.to_bits()).collect();
    bits.len()
}

#[test]
fn quantiles_hold_their_share_of_rows() {
    let rows = made_up(3000, 1);
    let truth = numbers(&rows, "amount");
    for (loss, alpha) in [("quantile", 0.9), ("quantile", 0.2), ("absolute", 0.5)] {
        let case = Case::new("boosting", Task::Regression)
            .with("trees", 60)
            .with("loss", loss)
            .with("alpha", alpha);
        let own = predicted(&case, &rows);
        let below = truth
            .iter()
            .zip(&own)
            .filter(|(truth, own)| truth <= own)
            .count();
        let share = below as f64 / 3000.0;
        assert!((share - alpha).abs() < 0.08, "{loss} {alpha}: {share}");
    }
}

#[test]
fn robust_losses_bear_outliers() {
    let rows = made_up(2000, 1);
    let truth = numbers(&rows, "amount");
    let spoilt = truth
        .iter()
        .zip(0..)
        .map(|(value, row)| if row % 50 == 0 { 1e4 } else { *value });
    let spoilt = with_column(&rows, "amount", Arc::new(spoilt.collect::<Float64Array>()));
    let median_error = |loss: &str| {
        let case = Case::new("boosting", Task::Regression)
            .with("trees", 60)
            .with("loss", loss);
        let own = predicted(&case, &spoilt);
        let mut errors: Vec<f64> = truth
            .iter()
            .zip(&own)
            .map(|(truth, own)| (truth - own).abs())
            .collect();
        errors.sort_by(f64::total_cmp);
        errors[1000]
    };
    let squared = median_error("squared");
    for loss in ["absolute", "huber"] {
        let own = median_error(loss);
        assert!(own < 2.0 && own < squared / 5.0, "{loss}: {own} {squared}");
    }
}

#[test]
fn poisson_counts_events() {
    let rows = made_up(2000, 1);
    let counts: Float64Array = numbers(&rows, "count")
        .iter()
        .map(|n| Some((n * 3.0).powi(2)))
        .collect();
    let rows = with_column(&rows, "amount", Arc::new(counts));
    let case = Case::new("boosting", Task::Regression)
        .with("trees", 60)
        .with("loss", "poisson");
    let own = predicted(&case, &rows);
    assert!(own.iter().all(|value| *value > 0.0));
    let pairs = own.iter().zip(numbers(&rows, "amount"));
    assert!(pairs.map(|(own, truth)| (own - truth).abs()).sum::<f64>() / 2000.0 < 3.0);
    let amounts = made_up(100, 1);
    assert!(
        error(&case, &amounts).contains("`loss: poisson`"),
        "{}",
        error(&case, &amounts)
    );
}

#[test]
fn predictions_follow_monotone_columns() {
    let rows = made_up(1500, 1);
    let mut case = with_json(
        Case::new("boosting", Task::Binary).with("trees", 40),
        "monotone",
        r#"{"size": "decreasing", "count": "increasing"}"#,
    );
    case.features.clear();
    let fitted = fit(&case, &rows);
    let at = |name: &str, value: f64| {
        let column = Float64Array::from(vec![value; 1500]);
        let column: arrow::array::ArrayRef = if name == "count" {
            Arc::new(
                column
                    .iter()
                    .map(|value| value.map(|value| value as i64))
                    .collect::<arrow::array::Int64Array>(),
            )
        } else {
            Arc::new(column)
        };
        numbers(
            &fitted.predict(&with_column(&rows, name, column)).unwrap(),
            "probability",
        )
    };
    for (name, values, sign) in [
        ("size", [-5.0, -1.0, 0.0, 2.0, 5.0], -1.0),
        ("count", [0.0, 1.0, 2.0, 4.0, 5.0], 1.0),
    ] {
        for pair in values.windows(2) {
            let steps = at(name, pair[0]).into_iter().zip(at(name, pair[1]));
            assert!(
                steps
                    .map(|(low, high)| (high - low) * sign)
                    .all(|step| step >= -1e-9),
                "{name}"
            );
        }
    }
    let wrong = with_json(case.clone(), "monotone", r#"{"color": "increasing"}"#);
    assert_eq!(
        error(&wrong, &rows),
        "parameter `monotone`: `color` is no number among the inputs"
    );
}

#[test]
fn both_losses_are_told_by_step() {
    let (train, validation) = (made_up(300, 1), made_up(100, 2));
    let mut told: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let case = Case::new("boosting", Task::Multiclass).with("trees", 5);
    case.fit_watched(&train, &validation, &mut |progress| {
        if let Some((name, _)) = progress.metric {
            told.entry(name).or_default().push(progress.step);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    for name in ["train_log_loss", "validation_log_loss"] {
        assert_eq!(told[name], [1, 2, 3, 4, 5]);
    }
}

#[test]
fn the_out_of_bag_score_is_that_of_new_rows() {
    for (task, metric) in [
        (Task::Binary, "accuracy"),
        (Task::Multiclass, "accuracy"),
        (Task::Regression, "r2"),
    ] {
        let case = Case::new("forest", task).with("trees", 60);
        let mut told = None;
        let rows = made_up(1500, 1);
        let fitted = case
            .fit_watched(&rows, &rows.slice(0, 0), &mut |progress| {
                told = progress.metric.or(told.take());
                ControlFlow::Continue(())
            })
            .unwrap();
        let (name, value) = told.unwrap();
        assert_eq!(name, format!("out_of_bag_{metric}"));
        assert!((0.85..0.999).contains(&value), "{task}: {value}");
        assert_eq!(
            fitted.notes,
            [format!("out-of-bag {metric} {value:.4} on 1500 rows")]
        );
        assert!(
            fit(&case.with("bootstrap", "false"), &rows)
                .notes
                .is_empty()
        );
    }
}

#[test]
fn trees_keep_to_their_leaves() {
    let rows = made_up(2000, 1);
    let case = Case::new("tree", Task::Regression);
    assert_eq!(
        n_distinct(&predicted(&case.clone().with("max_leaves", 7), &rows)),
        7
    );
    let leaves = |alpha: f64| n_distinct(&predicted(&case.clone().with("ccp_alpha", alpha), &rows));
    let counts = [
        leaves(0.0),
        leaves(0.01),
        leaves(0.1),
        leaves(1.0),
        leaves(1e6),
    ];
    assert!(
        counts.is_sorted_by(|more, fewer| more > fewer) && counts[4] == 1,
        "{counts:?}"
    );
}

#[test]
fn options_of_forests_and_boosting_change_what_is_learnt() {
    let rows = made_up(600, 1);
    for (trainer, options) in [
        (
            "forest",
            vec![
                ("splitter", "random"),
                ("criterion", "entropy"),
                ("bootstrap", "false"),
            ],
        ),
        ("tree", vec![("criterion", "entropy")]),
    ] {
        let plain = Case::new(trainer, Task::Binary);
        for (name, value) in options {
            let other = plain.clone().with(name, value);
            assert_ne!(
                predicted(&plain, &rows),
                predicted(&other, &rows),
                "{trainer} {name}"
            );
        }
    }
    let plain = Case::new("boosting", Task::Binary).with("trees", 20);
    for (name, value) in [
        ("leaves", 4.0),
        ("max_bins", 4.0),
        ("l1", 3.0),
        ("min_gain", 5.0),
        ("columns_by_node", 0.4),
    ] {
        let other = with_json(plain.clone(), name, &value.to_string());
        assert_ne!(predicted(&plain, &rows), predicted(&other, &rows), "{name}");
        assert_eq!(
            predicted(&other.clone().threads(1), &rows),
            predicted(&other, &rows),
            "{name}"
        );
    }
}
