//! Reading what the generators wrote.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use serde_json::Value;

/// A JSON file.
pub(crate) fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A file that a generator wrote.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// The numbers of a JSON list, if it is one.
pub(crate) fn optional(value: &Value) -> Option<Vec<f64>> {
    value.is_array().then(|| numbers(value))
}

/// Fails if two lists differ in length, or in a number by more than 1e-9.
#[track_caller]
pub(crate) fn all_close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        close(*found, *expected, 1e-9, what);
    }
}

/// The numbers of a JSON list.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().unwrap();
    values.iter().map(|value| value.as_f64().unwrap()).collect()
}

/// The texts of a JSON list.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    let values = value.as_array().unwrap();
    values
        .iter()
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn number_column(values: Vec<f64>) -> ArrayRef {
    Arc::new(Float64Array::from(values))
}

pub(crate) fn text_column(values: &[String]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// A CSV file without quotes.
pub(crate) struct Csv {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Csv {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines = text
            .lines()
            .map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        Self {
            names: lines.next().unwrap(),
            rows: lines.collect(),
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let at = self.names.iter().position(|found| found == name).unwrap();
        self.rows.iter().map(|row| row[at].clone()).collect()
    }

    /// An empty cell is NaN.
    pub(crate) fn numbers(&self, name: &str) -> Vec<f64> {
        let number = |text: &String| text.parse().unwrap_or(f64::NAN);
        self.texts(name).iter().map(number).collect()
    }
}

/// Fails if two numbers differ by more than `tolerance`, relative to the larger one or to 1.
#[track_caller]
pub(crate) fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let scale = expected.abs().max(found.abs()).max(1.0);
    assert!(
        (found - expected).abs() <= tolerance * scale,
        "{what}: found {found}, expected {expected}"
    );
}
