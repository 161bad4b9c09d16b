//! The larger goldens of `shared/golden/monitoring`, where the checkout has them beside it.

use std::path::{Path, PathBuf};

use everloop_domain::Task;
use everloop_measure::{Metric, Outcomes, drift, fairness, score};
use serde_json::Value;

use crate::table::{Csv, close, json, number_column, text_column};

fn shared() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/monitoring");
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("skipped: `{}` is not there", dir.display());
    None
}

#[track_caller]
fn check(outcomes: &Outcomes<'_>, expected: &Value, names: &[(&str, &str)]) {
    for (ours, theirs) in names {
        let found = score(Metric::parse(ours).unwrap(), outcomes).unwrap();
        close(found, expected[*theirs].as_f64().unwrap(), 1e-9, ours);
    }
}

#[test]
fn binary_scores() {
    let Some(dir) = shared() else { return };
    let rows = Csv::read(&dir.join("metrics_binary.csv"));
    let (truth, predicted) = (rows.numbers("y_true"), rows.numbers("y_pred"));
    let probabilities = rows.numbers("y_score");
    let outcomes = Outcomes {
        task: Task::Binary,
        truth: &truth,
        predicted: &predicted,
        probabilities: Some(&probabilities),
        n_classes: 2,
        weights: None,
    };
    let names = [
        "accuracy",
        "precision",
        "recall",
        "f1",
        "roc_auc",
        "log_loss",
    ];
    let expected = &json(&dir.join("metrics_expected.json"))["binary"];
    check(&outcomes, expected, &names.map(|name| (name, name)));
}

#[test]
fn multiclass_scores() {
    let Some(dir) = shared() else { return };
    let rows = Csv::read(&dir.join("metrics_multiclass.csv"));
    let (truth, predicted) = (rows.numbers("y_true"), rows.numbers("y_pred"));
    let columns = ["p0", "p1", "p2", "p3"].map(|name| rows.numbers(name));
    let probabilities: Vec<f64> = (0..truth.len())
        .flat_map(|row| columns.iter().map(move |column| column[row]))
        .collect();
    let outcomes = Outcomes {
        task: Task::Multiclass,
        truth: &truth,
        predicted: &predicted,
        probabilities: Some(&probabilities),
        n_classes: 4,
        weights: None,
    };
    let expected = &json(&dir.join("metrics_expected.json"))["multiclass"];
    let macros = [
        ("accuracy", "accuracy"),
        ("precision", "precision_macro"),
        ("recall", "recall_macro"),
        ("f1", "f1_macro"),
        ("roc_auc", "roc_auc_ovr_macro"),
    ];
    check(&outcomes, expected, &macros);
}

#[test]
fn regression_scores() {
    let Some(dir) = shared() else { return };
    let rows = Csv::read(&dir.join("metrics_regression.csv"));
    let (truth, predicted) = (rows.numbers("y_true"), rows.numbers("y_pred"));
    let outcomes = Outcomes {
        task: Task::Regression,
        truth: &truth,
        predicted: &predicted,
        probabilities: None,
        n_classes: 0,
        weights: None,
    };
    let expected = &json(&dir.join("metrics_expected.json"))["regression"];
    check(
        &outcomes,
        expected,
        &["mse", "rmse", "mae", "r2"].map(|name| (name, name)),
    );
}

#[test]
fn differences_of_groups() {
    let Some(dir) = shared() else { return };
    let rows = Csv::read(&dir.join("fairness.csv"));
    let (truth, predicted) = (rows.numbers("y_true"), rows.numbers("y_pred"));
    let outcomes = Outcomes {
        task: Task::Binary,
        truth: &truth,
        predicted: &predicted,
        probabilities: None,
        n_classes: 2,
        weights: None,
    };
    let expected = json(&dir.join("fairness_expected.json"));
    for column in ["sex", "race"] {
        let report = fairness(&outcomes, &rows.texts(column), column).unwrap();
        for (name, found) in report.differences() {
            close(
                found,
                expected[column][name].as_f64().unwrap(),
                1e-9,
                &format!("{name} by {column}"),
            );
        }
    }
}

#[test]
fn drift_statistics() {
    let Some(dir) = shared() else { return };
    let expected = json(&dir.join("drift_expected.json"));
    for size in ["small", "large"] {
        let reference = Csv::read(&dir.join(format!("drift_{size}_ref.csv")));
        let current = Csv::read(&dir.join(format!("drift_{size}_cur.csv")));
        for (name, golden) in expected[size].as_object().unwrap() {
            let raw = &golden["raw"];
            let (statistic, value) = match golden["type"].as_str().unwrap() {
                // Its share of missing values has changed more than its values.
                "num" if name == "num_nan" => continue,
                "num" => ("ks", &raw["ks_statistic"]),
                _ => ("chi_square", &raw["chi2_contingency_nocorr"]["stat"]),
            };
            let column = |rows: &Csv| match statistic {
                "ks" => number_column(rows.numbers(name)),
                _ => text_column(&rows.texts(name)),
            };
            let found = drift(&column(&reference), &column(&current)).unwrap();
            assert_eq!(found.statistic, statistic, "{size} {name}");
            close(
                found.value,
                value.as_f64().unwrap(),
                1e-9,
                &format!("{size} {name}"),
            );
            if let Some(distance) = raw["tvd_distance"].as_f64() {
                close(found.effect, distance, 1e-9, &format!("{size} {name}"));
            }
        }
    }
}
