//! What only neural networks have: embeddings, normalisation, optimizers, learning curves, divergence.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use everloop_domain::{ParameterValue, Task};
use everloop_package::native::NativeModel;
use everloop_package::{Scorer as _, quantize};
use everloop_train::{Error, Fitted};

use crate::rows::{Case, made_up, numbers, texts, with_column};

fn case(task: Task, given: &[(&str, &str)]) -> Case {
    let mut case = Case::new("neural", task).with("epochs", 6);
    for (name, json) in given {
        let value: ParameterValue = serde_json::from_str(json).unwrap();
        case.parameters.insert((*name).to_owned(), value);
    }
    case
}

/// The graph gives what the model gives, on one thread and on two.
#[track_caller]
fn check(task: Task, given: &[(&str, &str)]) {
    let (train, validation) = (made_up(600, 1), made_up(100, 2));
    let case = case(task, given).with("batch_size", 200);
    let fitted = case.fit(&train, &validation).unwrap();
    let other = case.clone().threads(1).fit(&train, &validation).unwrap();
    assert_eq!(fitted.graph.to_bytes(), other.graph.to_bytes(), "{given:?}");
    let rows = made_up(300, 3);
    let own = fitted.predict(&rows).unwrap();
    let native = native(&fitted, &rows);
    for field in own.schema().fields() {
        if field.data_type().is_floating() {
            let pairs = numbers(&own, field.name());
            let native = numbers(&native, field.name());
            let mut pairs = pairs.iter().zip(&native);
            assert!(
                pairs.all(|(own, native)| (own - native).abs() < 1e-9 * own.abs().max(1.0)),
                "{given:?}: `{}`",
                field.name()
            );
        }
    }
}

fn native(fitted: &Fitted, rows: &RecordBatch) -> RecordBatch {
    let model = NativeModel::new(&fitted.graph).unwrap();
    model
        .score(&model.signature().conform(rows).unwrap())
        .unwrap()
}

#[test]
fn all_ways_of_learning_end_in_the_same_graph_on_any_number_of_threads() {
    for activation in ["\"relu\"", "\"tanh\"", "\"gelu\"", "\"silu\""] {
        check(Task::Regression, &[("activation", activation)]);
    }
    check(
        Task::Multiclass,
        &[("batch_norm", "true"), ("dropout", "0.3")],
    );
    check(
        Task::Binary,
        &[
            ("optimizer", "\"sgd\""),
            ("schedule", "\"one_cycle\""),
            ("clip", "1"),
            ("hidden", "[32, 16, 8]"),
        ],
    );
    check(
        Task::Regression,
        &[
            ("optimizer", "\"adam\""),
            ("schedule", "\"step\""),
            ("embedding_size", "7"),
            ("weight_decay", "0.01"),
            ("hidden", "5"),
        ],
    );
}

#[test]
fn learning_curves_are_told_and_the_best_weights_are_kept() {
    let (train, validation) = (made_up(300, 1), made_up(200, 2));
    let case = case(Task::Regression, &[("early_stopping", "4")])
        .with("epochs", 400)
        .with("learning_rate", 0.03)
        .with("schedule", "constant");
    let mut curves = Vec::new();
    let fitted = case
        .fit_watched(&train, &validation, &mut |progress| {
            curves.extend(progress.metric.map(|metric| (progress.step, metric)));
            ControlFlow::Continue(())
        })
        .unwrap();
    let of = |name: &str| -> Vec<f64> {
        let own = curves.iter().filter(|(_, metric)| metric.0 == name);
        own.map(|(_, metric)| metric.1).collect()
    };
    let (train_curve, curve) = (of("train_rmse"), of("validation_rmse"));
    assert_eq!(train_curve.len(), curve.len());
    assert_eq!(curves.last().unwrap().0, curve.len());
    let best = curve.iter().copied().fold(f64::INFINITY, f64::min);
    let epoch = curve.iter().position(|loss| *loss == best).unwrap() + 1;
    assert!(curve.len() < 400 && curve.len() == epoch + 4, "{curve:?}");
    assert_eq!(
        fitted.notes,
        [format!(
            "learnt for {} epochs, of which the weights of epoch {epoch} are kept",
            curve.len()
        )]
    );
    let own = numbers(&fitted.predict(&validation).unwrap(), "prediction");
    let truth = numbers(&validation, "amount");
    let pairs = own.iter().zip(&truth);
    let squares: f64 = pairs.map(|(own, truth)| (own - truth).powi(2)).sum();
    let rmse = (squares / truth.len() as f64).sqrt();
    assert!((rmse - best).abs() < 1e-4 * best, "{rmse} {best}");
}

#[test]
fn divergence_is_told_with_its_step() {
    let rows = made_up(400, 1);
    let case = case(
        Task::Regression,
        &[("optimizer", "\"sgd\""), ("learning_rate", "10")],
    );
    let error = case.fit(&rows, &rows.slice(0, 0)).unwrap_err();
    assert!(
        matches!(error, Error::Diverged { step: 1.., .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("lower `learning_rate`"),
        "{error}"
    );
}

#[test]
fn single_rows_cannot_be_normalised() {
    let rows = made_up(40, 1);
    let case = case(Task::Binary, &[("batch_norm", "true"), ("batch_size", "1")]);
    let error = case.fit(&rows, &rows.slice(0, 0)).unwrap_err().to_string();
    assert_eq!(
        error,
        "parameter `batch_norm`: batches of 1 cannot be normalised: raise `batch_size` to 2 or more"
    );
}

/// Rows whose target is known from one of many categories.
fn categories(n_rows: usize, n_categories: usize) -> RecordBatch {
    let place = |row: usize| row * 7919 % n_categories;
    let names = (0..n_rows).map(|row| Some(format!("c{}", place(row))));
    let values = (0..n_rows).map(|row| (place(row) as f64 * 1.7).sin());
    let others = (0..n_rows).map(|row| (row as f64).cos());
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("size", Arc::new(names.collect::<StringArray>())),
        ("other", Arc::new(others.collect::<Float64Array>())),
        ("y", Arc::new(values.collect::<Float64Array>())),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn many_categories_are_embedded() {
    let rows = categories(6000, 600);
    let case = Case::on("neural", Task::Regression, &rows, "y").with("epochs", 20);
    let fitted = case.fit(&rows, &rows.slice(0, 0)).unwrap();
    let names: Vec<&str> = fitted
        .importances
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["size", "other"]);
    let own = numbers(&fitted.predict(&rows).unwrap(), "prediction");
    let truth = numbers(&rows, "y");
    let pairs = own.iter().zip(&truth);
    let squares: f64 = pairs.map(|(own, truth)| (own - truth).powi(2)).sum();
    let rmse = (squares / truth.len() as f64).sqrt();
    assert!(rmse < 0.1, "{rmse}");
    // What was never seen is near the mean of all.
    let fresh: ArrayRef = Arc::new(StringArray::from(vec!["new"; 20]));
    let fresh = crate::rows::with_column(&rows.slice(0, 20), "size", fresh);
    let own = numbers(&fitted.predict(&fresh).unwrap(), "prediction");
    assert!(own.iter().all(|value| value.abs() < 0.8), "{own:?}");
}

#[test]
fn models_in_8_bits_lose_little() {
    let rows = categories(6000, 600);
    let case = Case::on("neural", Task::Regression, &rows, "y").with("epochs", 20);
    let fitted = case.fit(&rows, &rows.slice(0, 0)).unwrap();
    let small = quantize(&fitted.graph, &rows).unwrap();
    // The table of embeddings and two matrices; the last one has one column.
    assert_eq!(small.n_rounded, 3);
    assert_eq!(small.n_rows, 6000);
    assert!(small.n_bytes.1 * 5 < small.n_bytes.0, "{:?}", small.n_bytes);
    assert!(
        small.mean_difference > 0.0 && small.mean_difference < 0.05,
        "{} {}",
        small.mean_difference,
        small.max_difference
    );
    // A row does not depend on others.
    let model = NativeModel::new(&small.graph).unwrap();
    let inputs = model.signature().conform(&rows).unwrap();
    let together = numbers(&model.score(&inputs).unwrap(), "prediction");
    let alone = numbers(&model.score(&inputs.slice(5, 1)).unwrap(), "prediction");
    assert!((together[5] - alone[0]).abs() < 1e-9);
}

#[test]
fn models_without_products_cannot_be_quantised() {
    let rows = made_up(100, 1);
    let fitted = Case::new("tree", Task::Binary)
        .fit(&rows, &rows.slice(0, 0))
        .unwrap();
    let error = quantize(&fitted.graph, &rows).unwrap_err();
    assert!(error.to_string().contains("nothing to quantise"), "{error}");
}

#[test]
fn missing_values_are_alike_in_8_bits() {
    let rows = made_up(400, 1);
    let fitted = case(Task::Regression, &[])
        .fit(&rows, &rows.slice(0, 0))
        .unwrap();
    let sizes = [None, Some(f64::NAN), Some(0.5), Some(f64::INFINITY)];
    let sizes: ArrayRef = Arc::new(Float64Array::from(sizes.to_vec()));
    let texts: ArrayRef = Arc::new(StringArray::from(vec![
        None,
        Some("never seen"),
        None,
        None,
    ]));
    let odd = with_column(&rows.slice(0, 4), "size", sizes);
    let odd = with_column(&odd, "color", texts);
    let small = quantize(&fitted.graph, &odd.slice(0, 3)).unwrap();
    let found = numbers(&small.predictions.1, "prediction");
    assert!(found.iter().all(|value| value.is_finite()), "{found:?}");
    let spread = numbers(&small.predictions.0, "prediction");
    let spread = spread
        .iter()
        .fold(1.0_f64, |most, value| most.max(value.abs()));
    assert!(
        small.max_difference < 0.1 * spread,
        "{}",
        small.max_difference
    );
    let small = quantize(&fitted.graph, &odd).unwrap();
    assert!(numbers(&small.predictions.1, "prediction")[3].is_nan());
}

#[test]
fn few_rows_get_another_class_in_8_bits() {
    let rows = made_up(400, 1);
    let fitted = case(Task::Multiclass, &[])
        .fit(&rows, &rows.slice(0, 0))
        .unwrap();
    let small = quantize(&fitted.graph, &rows).unwrap();
    let own = texts(&fitted.predict(&rows).unwrap(), "prediction");
    let (before, after) = &small.predictions;
    assert_eq!(texts(before, "prediction"), own);
    let after = texts(after, "prediction");
    let others = own.iter().zip(&after).filter(|(own, other)| own != other);
    assert_eq!(small.n_relabelled, others.count());
    assert!(small.n_relabelled < 8, "{}", small.n_relabelled);
}

#[test]
fn flags_may_be_words() {
    let rows = made_up(100, 1);
    let word = Case::new("neural", Task::Binary)
        .with("epochs", 1)
        .with("batch_norm", "true");
    let flag = case(Task::Binary, &[("epochs", "1"), ("batch_norm", "true")]);
    let bytes = |case: &Case| case.fit(&rows, &rows.slice(0, 0)).unwrap().graph.to_bytes();
    assert_eq!(bytes(&word), bytes(&flag));
    assert!(matches!(
        case(Task::Binary, &[("batch_norm", "1")]).fit(&rows, &rows),
        Err(Error::Parameter { name, .. }) if name == "batch_norm"
    ));
}
