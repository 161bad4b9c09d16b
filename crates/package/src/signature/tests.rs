//! Tables of columns that are taken and columns that are refused.

use arrow::array::{
    ArrayRef, AsArray as _, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    Float32Array, Float64Array, Int8Array, Int64Array, LargeStringArray, NullArray, StringArray,
    StringViewArray, TimestampMicrosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{Float64Type, Int32Type};
use arrow::record_batch::RecordBatch;
use everloop_domain::ErrorKind;

use super::*;

fn conform(kind: Kind, required: bool, column: ArrayRef) -> Result<RecordBatch, crate::Error> {
    let input = Input {
        name: "x".to_owned(),
        kind,
        required,
    };
    let rows = RecordBatch::try_from_iter([("other", Arc::clone(&column)), ("x", column)]).unwrap();
    Signature {
        inputs: vec![input],
        outputs: vec![],
    }
    .conform(&rows)
}

/// The column is taken and becomes `expected`.
#[track_caller]
fn takes(
    kind: Kind,
    column: impl arrow::array::Array + 'static,
    expected: impl arrow::array::Array + 'static,
) {
    let taken = conform(kind, true, Arc::new(column)).unwrap();
    let expected: ArrayRef = Arc::new(expected);
    assert_eq!(taken.num_columns(), 1);
    assert_eq!(taken.column(0).null_count(), 0);
    assert_eq!(format!("{:?}", taken.column(0)), format!("{expected:?}"));
}

/// The column is refused with this message.
#[track_caller]
fn refuses(kind: Kind, column: impl arrow::array::Array + 'static, expected: &str) {
    let error = conform(kind, true, Arc::new(column)).unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn numbers_take_every_number_and_boolean() {
    let expected = || Float64Array::from(vec![1.0, f64::NAN]);
    takes(
        Kind::Number,
        Float64Array::from(vec![Some(1.0), None]),
        expected(),
    );
    takes(
        Kind::Number,
        Float32Array::from(vec![Some(1.0), None]),
        expected(),
    );
    takes(
        Kind::Number,
        Int8Array::from(vec![Some(1), None]),
        expected(),
    );
    takes(
        Kind::Number,
        BooleanArray::from(vec![Some(true), None]),
        expected(),
    );
    takes(
        Kind::Number,
        NullArray::new(2),
        Float64Array::from(vec![f64::NAN; 2]),
    );
    let decimal = Decimal128Array::from(vec![125])
        .with_precision_and_scale(10, 2)
        .unwrap();
    takes(Kind::Number, decimal, Float64Array::from(vec![1.25]));
}

#[test]
fn integers_take_whole_numbers_only() {
    let expected = || Int64Array::from(vec![1, 0]);
    takes(Kind::Integer, Int64Array::from(vec![1, 0]), expected());
    takes(Kind::Integer, UInt64Array::from(vec![1, 0]), expected());
    takes(
        Kind::Integer,
        Float64Array::from(vec![1.0, 0.0]),
        expected(),
    );
    takes(
        Kind::Integer,
        BooleanArray::from(vec![true, false]),
        expected(),
    );
    takes(
        Kind::Integer,
        NullArray::new(0),
        Int64Array::from(Vec::<i64>::new()),
    );
    let wrong = |value: &str| format!("input column `x`, row 1: `{value}` is not a whole number");
    refuses(
        Kind::Integer,
        Float64Array::from(vec![1.0, 2.5]),
        &wrong("2.5"),
    );
    refuses(
        Kind::Integer,
        Float64Array::from(vec![1.0, 1e300]),
        &wrong("1e300"),
    );
    refuses(
        Kind::Integer,
        Float64Array::from(vec![1.0, f64::INFINITY]),
        &wrong("inf"),
    );
    refuses(
        Kind::Integer,
        UInt64Array::from(vec![1, u64::MAX]),
        &wrong("18446744073709551615"),
    );
    let missing = "input column `x`, row 1: the value is missing, but the column had no missing values in training: \
                   expected a whole number";
    refuses(
        Kind::Integer,
        Int64Array::from(vec![Some(1), None]),
        missing,
    );
    refuses(
        Kind::Integer,
        Float64Array::from(vec![1.0, f64::NAN]),
        missing,
    );
}

#[test]
fn booleans_take_zero_and_one() {
    let expected = || BooleanArray::from(vec![true, false]);
    takes(
        Kind::Boolean,
        BooleanArray::from(vec![true, false]),
        expected(),
    );
    takes(Kind::Boolean, Int64Array::from(vec![1, 0]), expected());
    takes(
        Kind::Boolean,
        Float64Array::from(vec![1.0, 0.0]),
        expected(),
    );
    refuses(
        Kind::Boolean,
        Int64Array::from(vec![1, 2]),
        "input column `x`, row 1: `2` is not true or false",
    );
    let missing = "input column `x`, row 0: the value is missing, but the column had no missing values in training: \
                   expected true or false";
    refuses(
        Kind::Boolean,
        BooleanArray::from(vec![None, Some(true)]),
        missing,
    );
    refuses(Kind::Boolean, NullArray::new(1), missing);
}

#[test]
fn text_takes_every_form_of_text() {
    let expected = || StringArray::from(vec!["a", ""]);
    takes(
        Kind::Text,
        StringArray::from(vec![Some("a"), None]),
        expected(),
    );
    takes(
        Kind::Text,
        LargeStringArray::from(vec![Some("a"), None]),
        expected(),
    );
    takes(
        Kind::Text,
        StringViewArray::from(vec![Some("a"), None]),
        expected(),
    );
    let dictionary: DictionaryArray<Int32Type> = vec![Some("a"), None].into_iter().collect();
    takes(Kind::Text, dictionary, expected());
    takes(Kind::Text, NullArray::new(1), StringArray::from(vec![""]));
    takes(
        Kind::Text,
        Float64Array::from(vec![Some(f64::NAN), None]),
        StringArray::from(vec!["", ""]),
    );
}

#[test]
fn types_are_not_mixed_up() {
    refuses(
        Kind::Number,
        StringArray::from(vec![None, Some("12")]),
        "input column `x` has type `Utf8` (row 1 is `12`): expected a number",
    );
    refuses(
        Kind::Text,
        Int64Array::from(vec![7]),
        "input column `x` has type `Int64` (row 0 is `7`): expected text",
    );
    refuses(
        Kind::Number,
        Date32Array::from(vec![0]),
        "input column `x` has type `Date32` (row 0 is `1970-01-01`): expected a number",
    );
    refuses(
        Kind::Boolean,
        StringArray::from(vec!["true"]),
        "input column `x` has type `Utf8` (row 0 is `true`): expected true or false",
    );
    refuses(
        Kind::Integer,
        StringArray::from(vec!["1"]),
        "input column `x` has type `Utf8` (row 0 is `1`): expected a whole number",
    );
}

#[test]
fn inputs_are_picked_by_name_in_order() {
    let input = |name: &str, required| Input {
        name: name.to_owned(),
        kind: Kind::Number,
        required,
    };
    let signature = Signature {
        inputs: vec![input("b", true), input("a", true), input("c", false)],
        outputs: vec![],
    };
    let column = |value: f64| Arc::new(Float64Array::from(vec![value])) as ArrayRef;
    let rows = RecordBatch::try_from_iter([
        ("a", column(1.0)),
        ("surplus", column(2.0)),
        ("b", column(3.0)),
    ])
    .unwrap();
    let taken = signature.conform(&rows).unwrap();
    assert_eq!(taken.schema(), signature.input_schema());
    let values: Vec<f64> = taken
        .columns()
        .iter()
        .map(|column| column.as_primitive::<Float64Type>().value(0))
        .collect();
    assert_eq!(values[..2], [3.0, 1.0]);
    assert!(values[2].is_nan());
    let error = signature
        .conform(&rows.project(&[0, 1]).unwrap())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "input column `b` is absent: expected a number; the columns found are: a, surplus"
    );
}

#[test]
fn no_rows_conform_too() {
    let rows = RecordBatch::new_empty(Arc::new(Schema::new(vec![Field::new(
        "x",
        DataType::Utf8,
        true,
    )])));
    let signature = Signature {
        inputs: vec![Input {
            name: "x".to_owned(),
            kind: Kind::Text,
            required: true,
        }],
        outputs: vec![],
    };
    assert_eq!(signature.conform(&rows).unwrap().num_rows(), 0);
}

#[test]
fn raw_columns_have_these_kinds() {
    let kind = Kind::of_column;
    assert_eq!(kind(ColumnType::Integer, false), Kind::Integer);
    assert_eq!(kind(ColumnType::Integer, true), Kind::Number);
    assert_eq!(kind(ColumnType::Boolean, false), Kind::Boolean);
    assert_eq!(kind(ColumnType::Boolean, true), Kind::Number);
    assert_eq!(kind(ColumnType::Number, true), Kind::Number);
    assert_eq!(kind(ColumnType::Text, true), Kind::Text);
    assert_eq!(kind(ColumnType::Date, false), Kind::Timestamp);
    assert_eq!(kind(ColumnType::Timestamp, true), Kind::Timestamp);
    for data_type in [Kind::Integer, Kind::Number, Kind::Text, Kind::Boolean].map(Kind::data_type) {
        assert_eq!(
            Kind::from_data_type(&data_type).map(Kind::data_type),
            Some(data_type)
        );
    }
}

#[test]
fn moments_come_in_many_types() {
    let moment = |values: &[f64]| Float64Array::from(values.to_vec());
    let (day, noon) = (1_795_132_800_000.0, 1_795_176_000_000.0);
    takes(
        Kind::Timestamp,
        Date32Array::from(vec![Some(20_777), None]),
        moment(&[day, f64::NAN]),
    );
    takes(
        Kind::Timestamp,
        TimestampSecondArray::from(vec![Some(1_795_176_000), None]),
        moment(&[noon, f64::NAN]),
    );
    takes(
        Kind::Timestamp,
        TimestampMicrosecondArray::from(vec![1_795_176_000_000_123]).with_timezone("+01:00"),
        moment(&[noon]),
    );
    takes(
        Kind::Timestamp,
        StringArray::from(vec![
            Some("2026-11-20T13:00:00+01:00"),
            Some("2026-11-20"),
            Some(" "),
            None,
            Some("2026-11-20 12:00:00"),
        ]),
        moment(&[noon, day, f64::NAN, f64::NAN, noon]),
    );
    takes(
        Kind::Timestamp,
        Float64Array::from(vec![Some(1.5), None]),
        moment(&[1.5, f64::NAN]),
    );
    takes(Kind::Timestamp, Int64Array::from(vec![-1]), moment(&[-1.0]));
    takes(Kind::Timestamp, NullArray::new(1), moment(&[f64::NAN]));
    refuses(
        Kind::Timestamp,
        StringArray::from(vec!["2026-11-20", "20.11.2026"]),
        "input column `x`, row 1: `20.11.2026` is not a date or timestamp, such as `2026-11-20` or `2026-11-20T12:00:00Z`",
    );
    refuses(
        Kind::Timestamp,
        BooleanArray::from(vec![true]),
        "input column `x` has type `Boolean` (row 0 is `true`): expected a date or timestamp, such as `2026-11-20` or `2026-11-20T12:00:00Z`",
    );
}
