//! Rows that count differently.

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
    for case in all_cases() {
        let plain = case.fit(&train, &other).unwrap();
        let found = with_weight(case.clone()).fit(&both, &other).unwrap();
        assert!(
            plain.graph.to_bytes() == found.graph.to_bytes(),
            "{} ({})",
            case.trainer,
            case.task
        );
    }
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
