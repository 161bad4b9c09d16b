//! A row of weight 2 is the row twice, for trainers that look at all rows.
//!
//! Not promised: by `forest` with `bootstrap`, `boosting` with `subsample`, `isolation_forest` and `kmeans`, which draw
//! rows; by `neural`, which cuts rows into batches; by the probabilities of `svm`, which cut rows into folds; by
//! `nearest` with fewer neighbours than rows, where the weight is that of the vote. Encoders scale and fill by rows, not
//! by weights: what is penalised in scaled units is compared where all rows have the same weight.

use std::sync::Arc;

use arrow::array::{AsArray as _, Float64Array, RecordBatch, UInt32Array};
use arrow::datatypes::Float64Type;
use everloop_domain::Task;

use crate::rows::{Case, difference, made_up, outputs, with_column};

const N_ROWS: u32 = 60;

fn take(rows: &RecordBatch, places: impl Iterator<Item = u32>) -> RecordBatch {
    let places = UInt32Array::from_iter_values(places);
    arrow::compute::take_record_batch(rows, &places).unwrap()
}

/// Rows without missing numbers, whose target is noise: no classes are parted for sure.
fn noisy(case: &Case) -> RecordBatch {
    let rows = made_up(N_ROWS as usize, 1);
    let sizes = rows.column_by_name("size").unwrap();
    let sizes = sizes.as_primitive::<Float64Type>();
    let full = sizes.iter().map(|size| Some(size.unwrap_or(0.5)));
    let shuffled = take(&rows, (0..N_ROWS).map(|row| (row * 7 + 3) % N_ROWS));
    let target = Arc::clone(shuffled.column_by_name(&case.target).unwrap());
    let rows = with_column(&rows, "size", Arc::new(full.collect::<Float64Array>()));
    with_column(&rows, &case.target, target)
}

/// The same is predicted by rows that count so much and by rows that are there so often.
#[track_caller]
fn check(mut case: Case, tolerance: f64, weight: fn(u32) -> u32) {
    case.features.clear();
    let rows = noisy(&case);
    let weights = (0..N_ROWS).map(|row| f64::from(weight(row)));
    let weighted = with_column(&rows, "weight", Arc::new(weights.collect::<Float64Array>()));
    let often = (0..N_ROWS).flat_map(|row| std::iter::repeat_n(row, weight(row) as usize));
    let often = take(&rows, often);
    let n_often = often.num_rows() as i64;
    let by_rows = if case.trainer == "nearest" {
        case.clone().with("k", n_often)
    } else {
        case.clone()
    };
    let by_rows = outputs(&by_rows, &often, &rows);
    let plain = outputs(&case, &rows, &rows);
    case.weight = Some("weight".to_owned());
    let by_weights = outputs(&case, &weighted, &rows);
    let gap = difference(&by_rows, &by_weights);
    let name = format!("{} ({})", case.trainer, case.task);
    assert!(gap <= tolerance, "{name}: {gap}");
    // Otherwise nothing was compared.
    let moved = difference(&by_rows, &plain);
    assert!(weight(0) == weight(1) || moved > 1e-3, "{name}: {moved}");
}

/// 1, 2 or 3, in no step with any class.
fn uneven(row: u32) -> u32 {
    1 + (row * row / 4 + row / 7) % 3
}

#[test]
fn a_row_of_weight_two_is_the_row_twice_for_what_no_scale_changes() {
    for loss in ["squared", "huber"] {
        let case = Case::new("linear", Task::Regression).with("loss", loss);
        check(case, 1e-3, uneven);
    }
    check(Case::new("linear", Task::Regression), 1e-9, uneven);
    for task in [Task::Binary, Task::Multiclass] {
        check(Case::new("logistic", task).with("l2", 1e-6), 1e-3, uneven);
        check(Case::new("naive_bayes", task), 1e-6, uneven);
    }
    for task in [Task::Binary, Task::Multiclass, Task::Regression] {
        check(Case::new("baseline", task), 1e-12, uneven);
        check(Case::new("nearest", task).with("k", 60), 1e-9, uneven);
    }
    for strategy in ["median", "quantile"] {
        let case = Case::new("baseline", Task::Regression).with("strategy", strategy);
        check(case.with("quantile", 0.3), 1e-12, uneven);
    }
}

#[test]
fn a_row_of_weight_two_is_the_row_twice_in_trees() {
    for task in [Task::Binary, Task::Multiclass, Task::Regression] {
        let tree = Case::new("tree", task).with("depth", 4);
        check(tree.with("min_samples_leaf", 1), 1e-5, uneven);
        let forest = Case::new("forest", task)
            .with("bootstrap", "false")
            .with("max_features", 1.0)
            .with("trees", 2);
        check(
            forest.with("depth", 4).with("min_samples_leaf", 1),
            1e-5,
            uneven,
        );
        let boosting = Case::new("boosting", task).with("trees", 4);
        check(
            boosting.with("depth", 3).with("min_samples_leaf", 1),
            1e-4,
            uneven,
        );
    }
}

#[test]
fn rows_that_all_count_twice_are_all_rows_twice_under_penalties() {
    for case in [
        Case::new("linear", Task::Regression).with("l1", 0.1),
        Case::new("linear", Task::Regression).with("l2", 0.5),
        Case::new("logistic", Task::Binary).with("l1", 1.0),
        Case::new("logistic", Task::Binary).with("l2", 3.0),
        Case::new("logistic", Task::Multiclass).with("l2", 3.0),
        Case::new("svm", Task::Regression).with("tolerance", 1e-6),
    ] {
        check(case, 1e-3, |_| 2);
    }
}
