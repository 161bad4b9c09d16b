//! Compares a graph with the trainer it was made from.

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::datatypes::Float64Type;
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;

use super::Parity;
use crate::graph::PROBABILITY;
use crate::{Error, Kind, Mismatch, Scorer};

/// The largest difference that is put down to rounding (trees are summed in 64 bits and handed
/// over in 32), relative to the larger number or to 1.
const TOLERANCE: f64 = 1e-5;

/// Scores the rows and compares each output with the column of that name.
pub(super) fn check(
    model: &dyn Scorer,
    rows: &RecordBatch,
    expected: &RecordBatch,
) -> Result<Parity, Error> {
    let conformed = model.conform(rows)?;
    let found = model.score(&conformed)?;
    let outputs = &model.signature().outputs;
    let outputs = outputs
        .iter()
        .map(|output| (output.name.as_str(), output.kind));
    compare(&conformed, expected, &found, outputs)
}

/// Compares what two engines predict for the same rows: every column of `expected` must be in `found`, with equal labels
/// and with numbers that differ by at most 1e-5 of the larger one or of 1.
///
/// # Errors
///
/// Fails with [`Error::Parity`] at the first row that differs, and if a column is absent or of another type.
pub fn agree(
    rows: &RecordBatch,
    expected: &RecordBatch,
    found: &RecordBatch,
) -> Result<Parity, Error> {
    let schema = expected.schema();
    let kind = |data_type| Kind::from_data_type(data_type).unwrap_or(Kind::Text);
    let fields = schema.fields().iter();
    let outputs = fields.map(|field| (field.name().as_str(), kind(field.data_type())));
    compare(rows, expected, found, outputs)
}

fn compare<'a>(
    rows: &RecordBatch,
    expected: &RecordBatch,
    found: &RecordBatch,
    outputs: impl Iterator<Item = (&'a str, Kind)>,
) -> Result<Parity, Error> {
    if rows.num_rows() == 0 || rows.num_rows() != expected.num_rows() {
        let (n_rows, n_expected) = (rows.num_rows(), expected.num_rows());
        return Err(Error::Build(format!(
            "there are {n_rows} rows and {n_expected} predictions of the trainer"
        )));
    }
    let mut max_difference = 0.0_f64;
    for (name, kind) in outputs {
        let pair = Pair::new(name, kind, expected, found)?;
        for row in 0..rows.num_rows() {
            match pair.compare(row, expected, found) {
                Comparison::Agrees(difference) => max_difference = max_difference.max(difference),
                Comparison::Differs => return Err(pair.mismatch(row, rows)),
            }
        }
    }
    Ok(Parity {
        n_rows: rows.num_rows(),
        max_difference,
    })
}

enum Comparison {
    /// The difference, relative for numbers and 0 for labels.
    Agrees(f64),
    Differs,
}

/// An output as the trainer and as the graph has it.
struct Pair<'a> {
    name: &'a str,
    kind: Kind,
    expected: &'a ArrayRef,
    found: &'a ArrayRef,
}

impl<'a> Pair<'a> {
    fn new(
        name: &'a str,
        kind: Kind,
        expected: &'a RecordBatch,
        found: &'a RecordBatch,
    ) -> Result<Self, Error> {
        let column = |batch: &'a RecordBatch, whose: &str| {
            let column = batch.column_by_name(name);
            column
                .ok_or_else(|| Error::Build(format!("{whose} predictions have no column `{name}`")))
        };
        let pair = Self {
            name,
            kind,
            expected: column(expected, "the trainer's")?,
            found: column(found, "the graph's")?,
        };
        if pair.expected.data_type() != pair.found.data_type() {
            return Err(Error::Build(format!(
                "output `{name}` is `{}` from the trainer and `{}` from the graph",
                pair.expected.data_type(),
                pair.found.data_type()
            )));
        }
        Ok(pair)
    }

    fn compare(&self, row: usize, expected: &RecordBatch, found: &RecordBatch) -> Comparison {
        if self.kind == Kind::Number {
            let value = |column: &ArrayRef| {
                let numbers = column.as_primitive::<Float64Type>();
                if numbers.is_null(row) {
                    f64::NAN
                } else {
                    numbers.value(row)
                }
            };
            return match difference(value(self.expected), value(self.found)) {
                difference if difference <= TOLERANCE => Comparison::Agrees(difference),
                _ => Comparison::Differs,
            };
        }
        let labels = (self.text(self.expected, row), self.text(self.found, row));
        if labels.0 == labels.1 || is_tie(row, expected, &labels) || is_tie(row, found, &labels) {
            return Comparison::Agrees(0.0);
        }
        Comparison::Differs
    }

    fn text(&self, column: &ArrayRef, row: usize) -> String {
        let text = array_value_to_string(column, row);
        text.unwrap_or_else(|_| format!("a value of `{}`", self.name))
    }

    fn mismatch(&self, row: usize, inputs: &RecordBatch) -> Error {
        let schema = inputs.schema();
        let inputs = schema
            .fields()
            .iter()
            .zip(inputs.columns())
            .map(|(field, column)| {
                format!(
                    "{}={}",
                    field.name(),
                    array_value_to_string(column, row).unwrap_or_default()
                )
            });
        Error::Parity(Box::new(Mismatch {
            output: self.name.to_owned(),
            row,
            expected: self.text(self.expected, row),
            found: self.text(self.found, row),
            inputs: inputs.collect::<Vec<_>>().join(", "),
        }))
    }
}

/// Relative to the larger of both and 1; equal infinities and two NaNs are no difference.
fn difference(expected: f64, found: f64) -> f64 {
    let is_same = expected.total_cmp(&found).is_eq() || (expected.is_nan() && found.is_nan());
    if is_same {
        0.0
    } else {
        (expected - found).abs() / expected.abs().max(found.abs()).max(1.0)
    }
}

/// Whether two labels are so close to equally likely that rounding may decide between them.
fn is_tie(row: usize, predictions: &RecordBatch, labels: &(String, String)) -> bool {
    let probability = |name: &str| {
        let column = predictions.column_by_name(name)?;
        column
            .as_primitive_opt::<Float64Type>()
            .map(|column| column.value(row))
    };
    if let Some(positive) = probability(PROBABILITY) {
        return (positive - 0.5).abs() <= TOLERANCE;
    }
    let of_class = |label: &str| probability(&format!("{PROBABILITY}_{label}"));
    match (of_class(&labels.0), of_class(&labels.1)) {
        (Some(expected), Some(found)) => (expected - found).abs() <= TOLERANCE,
        _ => false,
    }
}
