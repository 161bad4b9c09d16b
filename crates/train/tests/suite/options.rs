//! Parameters that change what is learnt.

use std::sync::Arc;

use arrow::array::StringArray;
use everloop_domain::Task;

use everloop_package::Scorer as _;
use everloop_package::native::NativeModel;

use crate::rows::{Case, made_up, numbers, texts, with_column};

#[test]
fn early_stopping_keeps_the_best_rounds() {
    let (train, validation) = (made_up(200, 1), made_up(200, 2));
    let case = Case::new("boosting", Task::Regression)
        .with("trees", 500)
        .with("learning_rate", 0.5)
        .with("early_stopping", 10);
    let mut losses = Vec::new();
    let fitted = case
        .fit_watched(&train, &validation, &mut |progress| {
            let own = progress
                .metric
                .filter(|(name, _)| name == "validation_rmse");
            losses.extend(own.map(|(_, loss)| loss));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let at = losses.iter().position(|loss| *loss == best).unwrap() + 1;
    assert!(losses.len() < 500 && losses.len() == at + 10);
    assert_eq!(fitted.notes, [format!("stopped after {at} rounds")]);
    let own = numbers(&fitted.predict(&validation).unwrap(), "prediction");
    let truth = numbers(&validation, "amount");
    let squares: f64 = own
        .iter()
        .zip(&truth)
        .map(|(own, truth)| (own - truth).powi(2))
        .sum();
    let rmse = (squares / truth.len() as f64).sqrt();
    assert!((rmse - best).abs() < 1e-4 * best, "{rmse} {best}");
}

#[test]
fn early_stopping_without_validation_rows_is_noted() {
    let case = Case::new("boosting", Task::Regression)
        .with("trees", 5)
        .with("early_stopping", 2);
    let rows = made_up(100, 1);
    let fitted = case.fit(&rows, &rows.slice(0, 0)).unwrap();
    assert_eq!(
        fitted.notes,
        ["`early_stopping` had no effect: there are no validation rows"]
    );
}

#[test]
fn balanced_classes_raise_the_rare_one() {
    let rows = made_up(2000, 1);
    let rare: StringArray = numbers(&rows, "amount")
        .iter()
        .enumerate()
        .map(|(row, amount)| {
            Some(if *amount > 9.0 && row % 3 > 0 {
                "yes"
            } else {
                "no"
            })
        })
        .collect();
    let rows = with_column(&rows, "answer", Arc::new(rare));
    for trainer in ["logistic", "tree", "forest", "boosting", "svm", "neural"] {
        let n_positive = |weight: &str| {
            let case = Case::new(trainer, Task::Binary).with("class_weight", weight);
            let predictions = case
                .fit(&rows, &rows.slice(0, 0))
                .unwrap()
                .predict(&rows)
                .unwrap();
            let labels = texts(&predictions, "prediction");
            labels.iter().filter(|label| *label == "yes").count()
        };
        let (none, balanced) = (n_positive("none"), n_positive("balanced"));
        assert!(balanced > none, "{trainer}: {none} {balanced}");
    }
}

#[test]
fn samples_of_rows_and_columns_follow_the_seed() {
    let rows = made_up(300, 1);
    let bytes = |seed: u64, n_threads| {
        let mut case = Case::new("boosting", Task::Binary)
            .with("trees", 10)
            .with("subsample", 0.5)
            .with("columns", 0.5)
            .threads(n_threads);
        case.seed = seed;
        case.fit(&rows, &rows.slice(0, 0)).unwrap().graph.to_bytes()
    };
    assert_eq!(bytes(1, 1), bytes(1, 2));
    assert_ne!(bytes(1, 1), bytes(2, 1));
}

#[test]
fn a_strong_penalty_leaves_the_mean() {
    let rows = made_up(300, 1);
    let case = Case::new("linear", Task::Regression).with("l2", 1e9);
    let predictions = case
        .fit(&rows, &rows.slice(0, 0))
        .unwrap()
        .predict(&rows)
        .unwrap();
    let truth = numbers(&rows, "amount");
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let own = numbers(&predictions, "prediction");
    assert!(own.iter().all(|own| (own - mean).abs() < 1e-3));
}

#[test]
fn every_kernel_is_written_as_it_predicts() {
    let (train, rows) = (made_up(300, 1), made_up(100, 2));
    for kernel in ["linear", "polynomial"] {
        for (task, column) in [
            (Task::Regression, "prediction"),
            (Task::Binary, "probability"),
            (Task::Multiclass, "probability_20"),
        ] {
            let case = Case::new("svm", task).with("kernel", kernel);
            let fitted = case.fit(&train, &rows.slice(0, 0)).unwrap();
            let model = NativeModel::new(&fitted.graph).unwrap();
            let inputs = model.signature().conform(&rows).unwrap();
            let found = numbers(&model.score(&inputs).unwrap(), column);
            let own = numbers(&fitted.predict(&rows).unwrap(), column);
            let mut pairs = found.iter().zip(&own);
            let is_near = pairs.all(|(found, own)| (found - own).abs() < 1e-9);
            assert!(is_near, "{kernel} {task}");
        }
    }
}

#[test]
fn penalties_on_sizes_leave_columns_out() {
    let rows = made_up(400, 1);
    for (trainer, task, l1) in [
        ("linear", Task::Regression, 1.0),
        ("logistic", Task::Binary, 20.0),
        ("logistic", Task::Multiclass, 20.0),
    ] {
        let case = Case::new(trainer, task).with("l1", l1);
        let fitted = case.fit(&rows, &rows.slice(0, 0)).unwrap();
        let shares = fitted.importances.iter().map(|(_, share)| *share);
        let n_left_out = shares.filter(|share| *share == 0.0).count();
        assert!(
            n_left_out > 0 && n_left_out < fitted.importances.len(),
            "{trainer} {task}"
        );
    }
}
