//! Columns that cannot be learnt from, and too many of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use everloop_domain::Task;

use crate::rows::{Case, made_up, with_column};

/// What fitting says: the error, or the notes.
fn said(case: &Case, rows: &RecordBatch) -> String {
    match case.fit(rows, &rows.slice(0, rows.num_rows().min(5))) {
        Ok(fitted) => fitted.notes.join("; "),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn check(trainer: &'static str, column: ArrayRef, expected: &str) {
    let rows = with_column(&made_up(column.len(), 1), "extra", column);
    let mut case = Case::new(trainer, Task::Regression);
    case.columns.push("extra".to_owned());
    assert_eq!(said(&case, &rows), expected);
}

#[test]
fn columns_without_difference_are_left_out() {
    for trainer in ["linear", "tree"] {
        let ones = Arc::new(Int64Array::from(vec![1; 60]));
        check(
            trainer,
            ones,
            "column `extra` is left out: all its values are 1",
        );
        let none = Arc::new(Float64Array::from(vec![None; 60]));
        check(
            trainer,
            none,
            "column `extra` is left out: all its values are missing",
        );
        let texts = Arc::new(StringArray::from(vec!["a"; 60]));
        check(
            trainer,
            texts,
            "column `extra` is left out: all its values are `a`",
        );
        let empty = Arc::new(StringArray::from(vec![""; 60]));
        check(
            trainer,
            empty,
            "column `extra` is left out: all its values are missing",
        );
    }
}

#[test]
fn infinite_numbers_are_left_to_trees() {
    let values: Vec<f64> = (0..60)
        .map(|row| {
            if row % 9 == 0 {
                f64::INFINITY
            } else {
                f64::from(row)
            }
        })
        .collect();
    let column: ArrayRef = Arc::new(Float64Array::from(values));
    check("tree", Arc::clone(&column), "");
    check("linear", column, "column `extra` is left out: it holds inf");
}

#[test]
fn bytes_are_no_input() {
    let bytes = arrow::array::BinaryArray::from_iter_values([b"1"; 60]);
    check(
        "tree",
        Arc::new(bytes),
        "column `extra` is Binary: turn it into numbers or text in `prepare`",
    );
}

#[test]
fn an_unknown_column_or_trainer_is_named() {
    let rows = made_up(60, 1);
    let mut case = Case::new("tree", Task::Regression);
    case.columns.push("colour".to_owned());
    assert!(said(&case, &rows).contains("`colour`"));
    let case = Case::new("oracle", Task::Regression);
    let words = said(&case, &rows);
    assert!(
        words.starts_with("there is no trainer `oracle`; there are linear, logistic, tree"),
        "{words}"
    );
}

#[test]
fn what_holds_the_answer_is_no_input() {
    let rows = made_up(60, 1);
    let mut case = Case::new("tree", Task::Regression);
    case.columns.push("amount".to_owned());
    assert_eq!(
        said(&case, &rows),
        "the target `amount` is also an input: leave it out of the inputs"
    );
    let mut case = Case::new("tree", Task::Regression);
    let feature = everloop_domain::expression::parse("amount * 2").unwrap();
    case.features = vec![("leak".to_owned(), feature)];
    assert_eq!(
        said(&case, &rows),
        "feature `leak` uses the target `amount`, which is unknown when predicting"
    );
    let feature = everloop_domain::expression::parse("count * 2").unwrap();
    case.features = vec![("size".to_owned(), feature)];
    assert_eq!(
        said(&case, &rows),
        "feature `size` is named like a column: rename the feature"
    );
}

#[test]
fn validation_rows_are_told_apart() {
    let rows = made_up(60, 1);
    let gaps = Arc::new(Float64Array::from(vec![None; 60]));
    let validation = with_column(&rows, "amount", gaps);
    let case = Case::new("tree", Task::Regression);
    assert_eq!(
        case.fit(&rows, &validation).unwrap_err().to_string(),
        "target `amount`: row 1 of the validation part has no value"
    );
}

#[test]
fn too_few_rows_are_refused() {
    let case = Case::new("tree", Task::Regression);
    assert_eq!(
        said(&case, &made_up(1, 1)),
        "target `amount`: there are 1 rows to learn from, expected at least 2"
    );
    assert!(said(&case, &made_up(0, 1)).contains("there are 0 rows"));
}

#[test]
fn nothing_left_to_learn_from_is_refused() {
    let ones = Arc::new(Int64Array::from(vec![1; 60]));
    let rows = with_column(&made_up(60, 1), "extra", ones);
    let mut case = Case::new("tree", Task::Regression);
    case.columns = vec!["extra".to_owned()];
    case.features.clear();
    assert!(said(&case, &rows).contains("no column is left to learn from"));
}

#[test]
fn many_categories_are_cut_to_the_most_frequent() {
    let texts: StringArray = (0..100_000_u64)
        .map(|row| Some(format!("c{}", if row % 2 == 0 { row % 100 } else { row })))
        .collect();
    let rows = with_column(&made_up(100_000, 1), "extra", Arc::new(texts));
    for (trainer, n_kept) in [("tree", 50), ("linear", 50)] {
        let mut case = Case::new(trainer, Task::Regression);
        case.columns.push("extra".to_owned());
        let notes = said(&case, &rows);
        assert_eq!(
            notes,
            format!(
                "column `extra` has 50050 categories: the {n_kept} most frequent are kept, the others count as unknown"
            )
        );
    }
    let ids: StringArray = (0..1000).map(|row| Some(format!("id{row}"))).collect();
    check(
        "tree",
        Arc::new(ids),
        "column `extra` is left out: it has 1000 categories, none of them in 5 rows or more",
    );
}

#[test]
fn ten_thousand_columns_are_learnt() {
    let n_rows = 120;
    let mut columns: Vec<(String, ArrayRef)> = (0..10_000_usize)
        .map(|at| {
            let values = (0..n_rows).map(|row| ((row * (at + 3)) % 97) as f64);
            (
                format!("c{at}"),
                Arc::new(Float64Array::from_iter_values(values)) as ArrayRef,
            )
        })
        .collect();
    let target = (0..n_rows).map(|row| (row % 97) as f64 + 0.5);
    columns.push((
        "y".to_owned(),
        Arc::new(Float64Array::from_iter_values(target)),
    ));
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    for trainer in ["linear", "tree"] {
        let case = Case::on(trainer, Task::Regression, &rows, "y");
        let fitted = case.fit(&rows, &rows.slice(0, 0)).unwrap();
        let predictions = fitted.predict(&rows).unwrap();
        assert_eq!(predictions.num_rows(), n_rows);
    }
}
