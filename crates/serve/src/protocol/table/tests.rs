use everloop_package::{Input, Kind};
use serde_json::json;

use super::*;

fn signature(kind: Kind) -> Signature {
    let input = Input {
        name: "x".to_owned(),
        kind,
        required: true,
    };
    Signature {
        inputs: vec![input],
        outputs: vec![],
    }
}

fn table(values: Value) -> Table {
    let Value::Array(values) = values else {
        panic!("a list")
    };
    Table {
        n_rows: values.len(),
        columns: vec![("x".to_owned(), values)],
    }
}

/// The conformed column as text, or the error.
#[track_caller]
fn check(kind: Kind, values: Value, expected: &str) {
    let signature = signature(kind);
    let rows = table(values).rows(&signature);
    let shown = match rows.and_then(|rows| signature.conform(&rows)) {
        Ok(rows) => format!("{:?}", rows.column(0))
            .split_whitespace()
            .collect::<String>(),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown, expected);
}

#[test]
fn numbers_take_missing_and_python_values() {
    let values = json!([
        1,
        2.5,
        null,
        "NaN",
        "Infinity",
        "-Infinity",
        true,
        18_446_744_073_709_551_615_u64
    ]);
    check(
        Kind::Number,
        values,
        "PrimitiveArray<Float64>[1.0,2.5,NaN,NaN,inf,-inf,1.0,1.8446744073709552e19,]",
    );
    check(
        Kind::Number,
        json!([1, "12"]),
        "input column `x`, row 1: `\"12\"` is not a number",
    );
    check(
        Kind::Number,
        json!([[1]]),
        "input column `x`, row 0: `[1]` is not a number",
    );
}

#[test]
fn integers_take_whole_floats_only() {
    check(
        Kind::Integer,
        json!([1, 2.0, true]),
        "PrimitiveArray<Int64>[1,2,1,]",
    );
    check(
        Kind::Integer,
        json!([9_007_199_254_740_993_i64]),
        "PrimitiveArray<Int64>[9007199254740993,]",
    );
    check(
        Kind::Integer,
        json!([1, 2.5]),
        "input column `x`, row 1: `2.5` is not a whole number",
    );
    check(
        Kind::Integer,
        json!([1, null]),
        "input column `x`, row 1: the value is missing, but the column had no missing values in training: expected a whole number",
    );
    check(
        Kind::Integer,
        json!(["a"]),
        "input column `x`, row 0: `\"a\"` is not a whole number",
    );
}

#[test]
fn texts_and_booleans_are_never_guessed() {
    check(
        Kind::Text,
        json!(["a", null, ""]),
        "StringArray[\"a\",\"\",\"\",]",
    );
    check(Kind::Text, json!([null]), "StringArray[\"\",]");
    check(
        Kind::Text,
        json!(["a", 5]),
        "input column `x`, row 1: `5` is not text",
    );
    check(
        Kind::Boolean,
        json!([true, 0, 1.0]),
        "BooleanArray[true,false,true,]",
    );
    check(
        Kind::Boolean,
        json!(["true"]),
        "input column `x`, row 0: `\"true\"` is not true or false",
    );
}

#[test]
fn a_long_value_is_not_repeated_in_the_error() {
    let signature = signature(Kind::Number);
    let error = table(json!(["y".repeat(5_000_000)]))
        .rows(&signature)
        .unwrap_err();
    assert!(error.to_string().len() < 200);
}

#[test]
fn columns_the_model_does_not_take_are_named_when_others_are_missing() {
    let signature = signature(Kind::Number);
    let other = Table {
        columns: vec![("y".to_owned(), vec![json!(1)])],
        n_rows: 1,
    };
    let error = other
        .rows(&signature)
        .and_then(|rows| signature.conform(&rows))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "input column `x` is absent: expected a number; the columns found are: y"
    );
    let nothing = Table {
        columns: vec![],
        n_rows: 3,
    };
    let error = nothing
        .rows(&signature)
        .and_then(|rows| signature.conform(&rows))
        .unwrap_err();
    assert!(error.to_string().contains("is absent"));
}

#[test]
fn without_a_signature_columns_are_what_they_hold() {
    let table = Table {
        columns: vec![
            ("i".to_owned(), vec![json!(1), json!(2)]),
            ("n".to_owned(), vec![json!(1), json!(2.5)]),
            ("t".to_owned(), vec![json!("a"), json!(null)]),
            ("b".to_owned(), vec![json!(null), json!(true)]),
            ("e".to_owned(), vec![json!(null), json!(null)]),
        ],
        n_rows: 2,
    };
    let rows = table.rows(&Signature::default()).unwrap();
    let types: Vec<String> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| field.data_type().to_string())
        .collect();
    assert_eq!(types, ["Int64", "Float64", "Utf8", "Boolean", "Null"]);
    let mixed = Table {
        columns: vec![("m".to_owned(), vec![json!(1), json!("a")])],
        n_rows: 2,
    };
    let error = mixed.rows(&Signature::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "input column `m`, row 1: `\"a\"` is not a number"
    );
}

#[test]
fn keys_read_the_same_in_every_form() {
    let table = table(json!([7, 7.0, "7", true, null, "", [1], 7.5]));
    let keys = table.keys("x").unwrap();
    let keys: Vec<&str> = keys
        .iter()
        .map(|key| key.as_deref().unwrap_or("-"))
        .collect();
    assert_eq!(keys, ["7", "7", "7", "true", "-", "-", "-", "7.5"]);
    assert!(table.keys("y").is_none());
}
