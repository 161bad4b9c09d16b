//! Splits of small tables, shown as one letter a row.

use std::sync::Arc;

use arrow::array::{Int64Array, StringArray};

use super::*;

fn dataset() -> Dataset {
    Dataset {
        table: "t".to_owned(),
        target: "y".to_owned(),
        time: Some("at".to_owned()),
        weight: None,
        exclude: Vec::new(),
    }
}

fn split(by: SplitBy, train: f64, validation: f64, test: f64) -> Split {
    Split {
        by,
        train,
        validation,
        test,
        seed: 1,
    }
}

fn rows(at: &[&str], y: &[Option<i64>], group: &[&str]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(vec![
        (
            "at",
            Arc::new(StringArray::from(at.to_vec())) as ArrayRef,
            true,
        ),
        ("y", Arc::new(Int64Array::from(y.to_vec())), true),
        ("group", Arc::new(StringArray::from(group.to_vec())), true),
    ])
    .unwrap()
}

fn hundred() -> RecordBatch {
    let at: Vec<String> = (0..100)
        .map(|row| format!("2020-01-{:02}", row % 28 + 1))
        .collect();
    let at: Vec<&str> = at.iter().map(String::as_str).collect();
    let y: Vec<Option<i64>> = (0..100).map(|row| Some(i64::from(row % 10 == 0))).collect();
    let group: Vec<String> = (0..100).map(|row| format!("g{}", row % 20)).collect();
    rows(
        &at,
        &y,
        &group.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

fn letters(parts: &[Part]) -> String {
    parts.iter().map(|part| &part.as_str()[..1]).collect()
}

fn count(parts: &[Part]) -> [usize; 3] {
    Part::ALL.map(|part| parts.iter().filter(|found| **found == part).count())
}

#[test]
fn time_orders_rows_and_ties_stay_together() {
    let days = [
        "2020-01-03",
        "2020-01-01",
        "2020-01-02",
        "2020-01-02",
        "2020-01-04",
    ];
    let rows = rows(&days, &[Some(1); 5], &["g"; 5]);
    let parts = assign(&rows, &dataset(), &split(SplitBy::Time, 0.6, 0.2, 0.2)).unwrap();
    assert_eq!(letters(&parts), "vtttt");
    assert_eq!(parts[4], Part::Test);
    assert_eq!((parts[2], parts[1]), (parts[3], Part::Train));
}

#[test]
fn chance_keeps_the_shares_and_the_seed() {
    let by = |seed| {
        assign(
            &hundred(),
            &dataset(),
            &Split {
                seed,
                ..split(SplitBy::Random, 0.7, 0.1, 0.2)
            },
        )
        .unwrap()
    };
    assert_eq!(count(&by(1)), [70, 10, 20]);
    assert_eq!(by(1), by(1));
    assert_ne!(by(1), by(2));
}

fn numbered(n_rows: i64) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..n_rows));
    let y: ArrayRef = Arc::new(Int64Array::from_iter_values((0..n_rows).map(|id| id % 2)));
    RecordBatch::try_from_iter([("id", ids), ("y", y)]).unwrap()
}

#[test]
fn rows_keep_their_part_when_others_arrive() {
    for by in [
        SplitBy::Random,
        SplitBy::Stratified,
        SplitBy::Group("id".to_owned()),
    ] {
        let assign = |n_rows| {
            assign(
                &numbered(n_rows),
                &dataset(),
                &split(by.clone(), 0.7, 0.15, 0.15),
            )
            .unwrap()
        };
        let (before, after) = (assign(2000), assign(3000));
        let n_taught_and_tested = (0..2000)
            .filter(|row| before[*row] == Part::Train && after[*row] == Part::Test)
            .count();
        let n_moved = (0..2000).filter(|row| before[*row] != after[*row]).count();
        assert_eq!(n_taught_and_tested, 0, "{by:?}");
        assert!(n_moved < 60, "{by:?}: {n_moved} of 2000 rows moved");
    }
}

#[test]
fn equal_rows_stay_together() {
    let once = numbered(50);
    let twice = arrow::compute::concat_batches(&once.schema(), [&once, &once]).unwrap();
    let parts = assign(&twice, &dataset(), &split(SplitBy::Random, 0.6, 0.2, 0.2)).unwrap();
    assert_eq!(parts[..50], parts[50..]);
}

#[test]
fn strata_keep_the_shares_of_the_target() {
    let parts = assign(
        &hundred(),
        &dataset(),
        &split(SplitBy::Stratified, 0.6, 0.2, 0.2),
    )
    .unwrap();
    let positive: Vec<Part> = parts.iter().step_by(10).copied().collect();
    assert_eq!(count(&positive), [6, 2, 2]);
    assert_eq!(count(&parts), [60, 20, 20]);
}

#[test]
fn rows_of_a_group_stay_together() {
    let parts = assign(
        &hundred(),
        &dataset(),
        &split(SplitBy::Group("group".to_owned()), 0.6, 0.2, 0.2),
    )
    .unwrap();
    assert!((0..100).all(|row| parts[row] == parts[row % 20]));
    assert_eq!(count(&parts), [60, 20, 20]);
}

#[test]
fn a_column_may_tell_the_part() {
    let rows = rows(&["x"; 3], &[Some(1); 3], &["train", "test", "validation"]);
    let by = split(SplitBy::Column("group".to_owned()), 0.7, 0.15, 0.15);
    assert_eq!(letters(&assign(&rows, &dataset(), &by).unwrap()), "ttv");
}

#[track_caller]
fn refuse_with(rows: &RecordBatch, by: SplitBy, expected: &str) {
    let error = assign(rows, &dataset(), &split(by, 0.7, 0.15, 0.15)).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn impossible_splits_are_refused() {
    let two = rows(&["2020-01-01"; 2], &[Some(1); 2], &["train", "dev"]);
    refuse_with(
        &two,
        SplitBy::Random,
        "cannot split `t`: the test part of 2 rows would be empty",
    );
    refuse_with(
        &two,
        SplitBy::Time,
        "cannot split `t`: the train part of 2 rows would be empty",
    );
    refuse_with(
        &two,
        SplitBy::Column("group".into()),
        "cannot split `t`: column `group`, row 2: `dev`; expected `train`, `validation` or `test`",
    );
    refuse_with(
        &two,
        SplitBy::Group("none".into()),
        "cannot split `t`: there is no column `none`; there are at, y, group",
    );
    let bad = rows(&["soon"], &[Some(1)], &["g"]);
    refuse_with(
        &bad,
        SplitBy::Time,
        "cannot split `t`: time column `at`, row 1: `soon` is not a moment: expected `2026-11-20` or `2026-11-20T12:00:00Z`",
    );
}

#[test]
fn rows_that_were_not_known_are_hidden() {
    let rows = rows(
        &["2020-01-01", "2020-01-02", "2020-01-03"],
        &[Some(1), None, Some(1)],
        &["g"; 3],
    );
    let as_of = |day: &str| AsOf {
        column: "at".to_owned(),
        before: day.parse().unwrap(),
    };
    assert_eq!(known_rows(&rows, &dataset(), None).unwrap().num_rows(), 2);
    assert_eq!(
        known_rows(&rows, &dataset(), Some(&as_of("2020-01-03")))
            .unwrap()
            .num_rows(),
        1
    );
    let error = known_rows(&rows, &dataset(), Some(&as_of("2020-01-01"))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot split `t`: none of its 3 rows has a value of `y` before 2020-01-01T00:00:00Z"
    );
}

#[test]
fn a_row_without_group_is_refused() {
    let groups: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    let rows = RecordBatch::try_from_iter(vec![("group", groups)]).unwrap();
    refuse_with(
        &rows,
        SplitBy::Group("group".into()),
        "cannot split `t`: group column `group` is missing in 1 of 2 rows",
    );
}
