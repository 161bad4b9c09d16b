//! Days and moments as inputs of models.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, RecordBatch, TimestampMillisecondArray};
use everloop_domain::Task;
use everloop_package::Kind;

use crate::rows::{Case, numbers, with_column};

const N_ROWS: i64 = 2000;

/// A moment every 7 hours from 2020 on, its day, and a target that depends on the hour and on whether it is a weekend.
fn rows() -> RecordBatch {
    let hours: Vec<i64> = (0..N_ROWS).map(|at| 438_288 + 7 * at).collect();
    let millis = hours.iter().map(|hour| hour * 3_600_000);
    let days = hours.iter().map(|hour| (hour / 24) as i32);
    let target = hours.iter().map(|hour| {
        let is_weekend = (hour / 24 + 3) % 7 >= 5;
        (hour % 24) as f64 + if is_weekend { 50.0 } else { 0.0 }
    });
    let columns: [(&str, ArrayRef); 3] = [
        (
            "at",
            Arc::new(TimestampMillisecondArray::from_iter_values(millis)),
        ),
        ("day", Arc::new(Date32Array::from_iter_values(days))),
        ("y", Arc::new(Float64Array::from_iter_values(target))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn hours_and_weekdays_are_learnt() {
    let rows = rows();
    let case = Case::on("tree", Task::Regression, &rows, "y");
    let fitted = case.fit(&rows, &rows.slice(0, 0)).unwrap();
    let signature = fitted.graph.signature();
    let kinds = signature.inputs.iter().map(|input| input.kind);
    assert_eq!(kinds.collect::<Vec<_>>(), [Kind::Timestamp; 2]);
    let pairs = numbers(&rows, "y").into_iter();
    let found = numbers(&fitted.predict(&rows).unwrap(), "prediction");
    let worst = pairs.zip(found).map(|(y, found)| (y - found).abs());
    assert!(worst.fold(0.0, f64::max) < 0.01);
    let mut names: Vec<&str> = fitted
        .importances
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(
        ["at weekday", "day weekday"].contains(&names[0]),
        "{names:?}"
    );
    names.sort_unstable();
    let all = [
        "at",
        "at hour",
        "at month",
        "at weekday",
        "day",
        "day month",
        "day weekday",
    ];
    assert!(names.iter().all(|name| all.contains(name)), "{names:?}");
}

#[test]
fn names_of_parts_are_not_taken_twice() {
    let rows = rows();
    let numbers: ArrayRef = Arc::new(Float64Array::from_iter_values(
        (0..N_ROWS).map(|at| at as f64),
    ));
    let rows = with_column(&rows, "at hour", numbers);
    let case = Case::on("linear", Task::Regression, &rows, "y");
    let error = case.fit(&rows, &rows.slice(0, 0)).unwrap_err().to_string();
    assert!(error.contains("`at hour` is the name of a part"), "{error}");
}
