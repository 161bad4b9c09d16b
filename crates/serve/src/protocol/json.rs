//! JSON as clients send it, `NaN` and `Infinity` included.

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::util::display::array_value_to_string;
use serde_json::Value;

use crate::Error;

/// Reads JSON. The tokens `NaN`, `Infinity` and `-Infinity` of Python's `json` are taken as well:
/// the first as null, the others as texts of that name, which number columns accept.
pub(super) fn parse(body: &[u8]) -> Result<Value, Error> {
    let error = match serde_json::from_slice(body) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let rewritten = rewrite(body).and_then(|body| serde_json::from_slice(&body).ok());
    rewritten.ok_or_else(|| Error::Request(format!("the body is not JSON: {error}")))
}

/// The body with tokens that JSON lacks replaced; `None` if there are none.
fn rewrite(body: &[u8]) -> Option<Vec<u8>> {
    const TOKENS: [(&[u8], &[u8]); 3] = [
        (b"NaN", b"null"),
        (b"-Infinity", b"\"-Infinity\""),
        (b"Infinity", b"\"Infinity\""),
    ];
    let mut result = Vec::with_capacity(body.len());
    let mut is_text = false;
    let mut found = false;
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        let token = TOKENS
            .iter()
            .find(|(token, _)| body[at..].starts_with(token));
        match token {
            Some((token, replacement)) if !is_text => {
                found = true;
                result.extend_from_slice(replacement);
                at += token.len();
                continue;
            }
            _ => {}
        }
        result.push(byte);
        at += 1;
        match byte {
            b'"' => is_text = !is_text,
            b'\\' if is_text => {
                // What follows a backslash does not end the text.
                result.extend(body.get(at));
                at += 1;
            }
            _ => {}
        }
    }
    found.then_some(result)
}

/// A value in an error message: no longer than a line.
pub(super) fn shown(value: &Value) -> String {
    const MAX_CHARS: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A value in JSON; NaN and infinities, which JSON lacks, are null.
pub(super) fn cell(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Float64 => Value::from(column.as_primitive::<Float64Type>().value(row)),
        DataType::Int64 => Value::from(column.as_primitive::<Int64Type>().value(row)),
        DataType::Boolean => Value::from(column.as_boolean().value(row)),
        DataType::Utf8 => Value::from(column.as_string::<i32>().value(row)),
        // Engines give the four types above only; another one is better shown than lost.
        _ => array_value_to_string(column, row).map_or(Value::Null, Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let shown = match parse(body.as_bytes()) {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn takes_the_numbers_of_python() {
        check(
            "[NaN, 1, Infinity, -Infinity]",
            r#"[null,1,"Infinity","-Infinity"]"#,
        );
        check(
            r#"{"a": NaN, "NaN": "NaN \" NaN"}"#,
            r#"{"a":null,"NaN":"NaN \" NaN"}"#,
        );
    }

    #[test]
    fn names_the_place_of_what_is_no_json() {
        check(
            "",
            "the body is not JSON: EOF while parsing a value at line 1 column 0",
        );
        check(
            "[1, nan]",
            "the body is not JSON: expected ident at line 1 column 6",
        );
        check(
            "[NaN",
            "the body is not JSON: expected value at line 1 column 2",
        );
        check(
            "{\"a\": \"\\",
            "the body is not JSON: EOF while parsing a string at line 1 column 8",
        );
    }

    #[test]
    fn bounds_depth_and_what_it_shows() {
        let deep = "[".repeat(100_000);
        assert!(
            parse(deep.as_bytes())
                .unwrap_err()
                .to_string()
                .contains("recursion limit")
        );
        let long = Value::from("é".repeat(1000));
        assert_eq!(shown(&long).chars().count(), 61);
    }
}
