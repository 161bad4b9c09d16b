//! Days and moments in the graph: their parts, how they are told from numbers, how they are kept.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Float64Array, StringArray};
use arrow::datatypes::{Float64Type, TimestampMillisecondType};
use arrow::record_batch::RecordBatch;
use everloop_domain::Timestamp;
use everloop_package::graph::{Column, Graph, GraphBuilder};
use everloop_package::native::NativeModel;
use everloop_package::{Kind, Scorer as _};

use crate::onnxruntime;

type Part = fn(&mut GraphBuilder, &Column) -> Column;

const PARTS: [(&str, Part); 4] = [
    ("days", GraphBuilder::days),
    ("hour", GraphBuilder::hour),
    ("weekday", GraphBuilder::weekday),
    ("month", GraphBuilder::month),
];

fn parts() -> Graph {
    let mut builder = GraphBuilder::new();
    let input = builder.input("when", Kind::Timestamp);
    let outputs = PARTS.map(|(name, part)| (name.to_owned(), part(&mut builder, &input)));
    builder.finish_columns(&outputs).unwrap()
}

/// The parts of moments, by name.
fn found(moments: ArrayRef) -> RecordBatch {
    let rows = RecordBatch::try_from_iter([("when", moments)]).unwrap();
    let model = NativeModel::new(&parts()).unwrap();
    model.score(&model.conform(&rows).unwrap()).unwrap()
}

fn part(found: &RecordBatch, name: &str, row: usize) -> f64 {
    let column = found.column_by_name(name).unwrap();
    column.as_primitive::<Float64Type>().value(row)
}

#[track_caller]
fn check(text: &str, days: f64, hour: f64, weekday: f64, month: f64) {
    let found = found(Arc::new(StringArray::from(vec![text])));
    let parts = PARTS.map(|(name, _)| part(&found, name, 0));
    assert_eq!(parts, [days, hour, weekday, month], "{text}");
}

#[test]
fn parts_of_some_moments() {
    check("1970-01-01", 0.0, 0.0, 4.0, 1.0);
    check(
        "1969-12-31T23:59:59.999Z",
        -1.0 / 86_400_000.0,
        23.0,
        3.0,
        12.0,
    );
    check("2000-02-29T12:00:00Z", 11_016.5, 12.0, 2.0, 2.0);
    check("2000-03-01", 11_017.0, 0.0, 3.0, 3.0);
    check("1900-02-28", -25_509.0, 0.0, 3.0, 2.0);
    check("1900-03-01", -25_508.0, 0.0, 4.0, 3.0);
    check(
        "2026-11-22T23:30:00Z",
        20_779.0 + 23.5 / 24.0,
        23.0,
        7.0,
        11.0,
    );
}

#[test]
fn every_day_of_ten_centuries_has_its_month() {
    // 1500 to 2500, at changing hours; the texts tell what is right.
    let hours: Vec<i64> = (-4_120_000..4_650_000).step_by(23).collect();
    let millis = hours.iter().map(|hour| (hour * 3_600_000) as f64);
    let found = found(Arc::new(Float64Array::from_iter_values(millis)));
    let mut rows = (0..).zip(&hours);
    for (row, hour) in &mut rows {
        let text = Timestamp::from_millis(hour * 3_600_000).to_string();
        let (month, hour_of_day) = (part(&found, "month", row), part(&found, "hour", row));
        let told = format!("{month:02}-{hour_of_day:02}");
        assert_eq!(told, format!("{}-{}", &text[5..7], &text[11..13]), "{text}");
        let weekday = (hour.div_euclid(24) + 3).rem_euclid(7) + 1;
        assert_eq!(part(&found, "weekday", row), weekday as f64, "{text}");
    }
}

#[test]
fn a_missing_moment_has_missing_parts() {
    let found = found(Arc::new(Float64Array::from(vec![None, Some(f64::NAN)])));
    for (name, _) in PARTS {
        assert!(part(&found, name, 0).is_nan() && part(&found, name, 1).is_nan());
    }
}

#[test]
fn a_graph_that_is_read_again_knows_its_timestamps() {
    let graph = parts();
    let read = Graph::from_bytes(&graph.to_bytes()).unwrap();
    assert_eq!(read.signature(), graph.signature());
    assert_eq!(read.signature().inputs[0].kind, Kind::Timestamp);
    let rows: ArrayRef = Arc::new(Float64Array::from(vec![
        Some(1.7e12),
        None,
        Some(-6.1e13),
        Some(951_782_399_999.0),
    ]));
    let rows = RecordBatch::try_from_iter([("when", rows)]).unwrap();
    let rows = read.signature().conform(&rows).unwrap();
    onnxruntime::compare(&[("dates", read, rows)]);
}

#[test]
fn numbers_have_no_months() {
    let mut builder = GraphBuilder::new();
    let input = builder.input("x", Kind::Number);
    let month = builder.month(&input);
    let error = builder.finish_columns(&[("month".to_owned(), month)]);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("only timestamps have days"), "{error}");
    let mut builder = GraphBuilder::new();
    let input = builder.input("when", Kind::Timestamp);
    let matrix = builder.column_matrix(&[input]);
    let error = builder.finish_regression(&matrix).unwrap_err().to_string();
    assert!(error.contains("timestamp column `when`"), "{error}");
}

#[test]
fn rows_are_kept_with_moments() {
    let graph = parts();
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("2026-11-20T12:00:00Z"), None]));
    let rows = RecordBatch::try_from_iter([("when", texts)]).unwrap();
    let conformed = graph.signature().conform(&rows).unwrap();
    let kept = graph.signature().kept(&conformed).unwrap();
    assert_eq!(kept.schema(), graph.signature().kept_schema());
    let moments = kept.column(0).as_primitive::<TimestampMillisecondType>();
    assert_eq!(moments.value(0), 1_795_176_000_000);
    assert!(moments.is_null(1));
    assert_eq!(graph.signature().conform(&kept).unwrap().column(0).len(), 2);
}
