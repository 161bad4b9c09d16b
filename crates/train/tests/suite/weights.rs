//! Rows that count differently.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Float64Array, RecordBatch, UInt32Array};
use everloop_domain::Task;

use crate::rows::{Case, all_cases, made_up, numbers, texts, with_column};

fn weighted(rows: &RecordBatch, weights: Vec<f64>) -> RecordBatch {
    with_column(rows, "weight", Arc::new(Float64Array::from(weights)))
}

fn with_weight(mut case: Case) -> Case {
    case.weight = Some("weight".to_owned());
    case
}

/// Rows of weight 0 are as good as absent, whatever they hold.
#[test]
fn rows_of_weight_zero_do_not_count() {
    let (train, other) = (made_up(300, 1), made_up(60, 2));
    let both = arrow::compute::concat_batches(&train.schema(), [&train, &other]).unwrap();
    let mut weights = vec![1.0; 300];
    weights.resize(360, 0.0);
    let both = weighted(&both, weights);
    let watched = weighted(&other, vec![1.0; 60]);
    for case in all_cases() {
        let plain = case.fit(&train, &other).unwrap();
        let found = with_weight(case.clone()).fit(&both, &watched).unwrap();
        assert!(
            plain.graph.to_bytes() == found.graph.to_bytes(),
            "{} ({})",
            case.trainer,
            case.task
        );
    }
}

/// The losses on validation rows that training tells, step by step.
fn validation_losses(case: &Case, train: &RecordBatch, validation: &RecordBatch) -> Vec<f64> {
    let mut losses = Vec::new();
    let mut keep = |progress: everloop_train::Progress| {
        if let Some((name, loss)) = progress.metric
            && name.starts_with("validation_")
        {
            losses.push(loss);
        }
        ControlFlow::Continue(())
    };
    case.fit_watched(train, validation, &mut keep).unwrap();
    losses
}

#[test]
fn validation_rows_count_by_their_weight() {
    let (train, few) = (made_up(300, 1), made_up(40, 2));
    let train = weighted(&train, vec![1.0; 300]);
    let more = arrow::compute::concat_batches(&few.schema(), [&few, &made_up(40, 3)]).unwrap();
    let mut weights = vec![2.0; 40];
    weights.resize(80, 0.0);
    for trainer in ["boosting", "neural"] {
        for task in [Task::Binary, Task::Regression] {
            let length = if trainer == "neural" {
                ("epochs", 3)
            } else {
                ("trees", 5)
            };
            let case = with_weight(Case::new(trainer, task).with(length.0, length.1));
            let of = |rows: &RecordBatch| validation_losses(&case, &train, rows);
            let expected = of(&weighted(&few, vec![1.0; 40]));
            let found = of(&weighted(&more, weights.clone()));
            let plain = of(&weighted(&more, vec![1.0; 80]));
            assert!(!expected.is_empty(), "{trainer} ({task})");
            for (at, expected) in expected.iter().enumerate() {
                let gap = (found[at] - expected).abs();
                assert!(gap < 1e-5 * expected.abs(), "{trainer} ({task}): {gap}");
            }
            assert!((plain[0] - expected[0]).abs() > 1e-3 * expected[0].abs());
        }
    }
}

#[test]
fn validation_rows_without_a_weight_are_told() {
    let rows = weighted(&made_up(60, 1), vec![1.0; 60]);
    let case = with_weight(Case::new("tree", Task::Regression));
    let error = case.fit(&rows, &made_up(9, 2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "weight `weight`: the validation rows have no such column"
    );
}

/// Predictions move towards the rows that count more.
#[test]
fn predictions_follow_the_weights() {
    let rows = made_up(600, 1);
    for case in all_cases().into_iter().filter(is_supervised) {
        // Of `nearest` only neighbours count, of the baseline all rows.
        let (low, high) = (share(&case, &rows, 0.05), share(&case, &rows, 20.0));
        assert!(low < high, "{} ({}): {low} {high}", case.trainer, case.task);
    }
}

fn is_supervised(case: &Case) -> bool {
    matches!(
        case.task,
        Task::Binary | Task::Multiclass | Task::Regression
    )
}

/// The mean prediction, or the share of the first class, when such rows count so much; noise makes them meet.
fn share(case: &Case, rows: &RecordBatch, weight: f64) -> f64 {
    let n_rows = rows.num_rows();
    let places = UInt32Array::from_iter_values((0..n_rows as u32).map(|row| (row * 7 + 3) % 600));
    let shuffled = rows.column_by_name(&case.target).unwrap();
    let shuffled = arrow::compute::take(shuffled, &places, None).unwrap();
    let rows = with_column(rows, &case.target, shuffled);
    let truth = texts(&rows, &case.target);
    let first = truth.iter().min().unwrap().clone();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let counts_more: Vec<bool> = if case.task == Task::Regression {
        let values = numbers(&rows, &case.target);
        let middle = mean(&values);
        values.iter().map(|value| *value > middle).collect()
    } else {
        truth.iter().map(|text| *text == first).collect()
    };
    let weights = counts_more
        .iter()
        .map(|more| if *more { weight } else { 1.0 });
    let rows = weighted(&rows, weights.collect());
    let fitted = with_weight(case.clone())
        .fit(&rows, &rows.slice(0, 0))
        .unwrap();
    let own = fitted.predict(&rows).unwrap();
    if case.task == Task::Regression {
        return mean(&numbers(&own, "prediction"));
    }
    let hits: Vec<f64> = texts(&own, "prediction")
        .iter()
        .map(|text| f64::from(u8::from(*text == first)))
        .collect();
    mean(&hits)
}

#[test]
fn a_weight_is_no_input() {
    let rows = weighted(&made_up(60, 1), vec![1.0; 60]);
    let mut case = with_weight(Case::new("tree", Task::Regression));
    let said = |case: &Case| case.fit(&rows, &rows.slice(0, 0)).unwrap_err().to_string();
    case.columns.push("weight".to_owned());
    let expected = "the weight `weight` is also an input: leave it out of inputs and features";
    assert_eq!(said(&case), expected);
    case.columns.pop();
    let feature = everloop_domain::expression::parse("weight * 2").unwrap();
    case.features = vec![("twice".to_owned(), feature)];
    assert_eq!(said(&case), expected);
    case.features.clear();
    case.weight = Some("mass".to_owned());
    assert_eq!(
        said(&case),
        "weight `mass`: the train rows have no such column"
    );
}

#[test]
fn a_class_without_weight_is_no_class() {
    let rows = made_up(60, 1);
    let answers = texts(&rows, "answer").into_iter();
    let weights = answers.map(|text| f64::from(u8::from(text == "yes")));
    let rows = weighted(&rows, weights.collect());
    let case = with_weight(Case::new("tree", Task::Binary));
    assert_eq!(
        case.fit(&rows, &rows.slice(0, 0)).unwrap_err().to_string(),
        "target `answer`: the train rows hold one class only: `yes`"
    );
}
