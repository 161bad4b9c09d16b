//! Inputs one by one, for trainers that put them into bins: a matrix of all of them is never made.

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type};

use super::Encoder;
use super::rule::{Rule, numbers, places, texts};
use crate::Error;
use crate::trees::Values;

/// The train rows, encoded input by input.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    encoder: &'a Encoder,
    columns: &'a RecordBatch,
}

impl<'a> Inputs<'a> {
    pub(crate) fn new(encoder: &'a Encoder, columns: &'a RecordBatch) -> Self {
        Self { encoder, columns }
    }

    /// Inputs, of which a text may be several encoded columns.
    pub(crate) fn count(&self) -> usize {
        self.encoder.columns.len()
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.columns.num_rows()
    }

    /// The place among the encoded columns of a number; nothing of texts and of columns that are left out.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        let mut place = 0;
        for column in &self.encoder.columns {
            if column.name == name {
                return matches!(column.rule, Rule::Raw).then_some(place);
            }
            place += column.rule.width();
        }
        None
    }

    /// The values of an input; `encode` makes the same columns.
    pub(crate) fn values(&self, input: usize) -> Result<Values, Error> {
        let encoded = &self.encoder.columns[input];
        let column = self
            .columns
            .column_by_name(&encoded.name)
            .ok_or_else(|| Error::Inputs(format!("there is no column `{}`", encoded.name)))?;
        if let Rule::OneHot(categories) = &encoded.rule {
            let places = places(categories);
            let code = |text| places.get(text).map_or(0, |place| *place as u8 + 1);
            let codes = texts(column).map(code).collect();
            return Ok(Values::Categories(codes, categories.len()));
        }
        if *column.data_type() == DataType::Float64 && column.null_count() == 0 {
            let values = column.as_primitive::<Float64Type>().values();
            return Ok(Values::Numbers(
                values.iter().map(|value| *value as f32).collect(),
            ));
        }
        if matches!(encoded.rule, Rule::Raw) {
            let values = numbers(column).into_iter();
            return Ok(Values::Numbers(values.map(|value| value as f32).collect()));
        }
        let mut values = vec![f32::NAN; column.len()];
        encoded
            .rule
            .fill(column, |row, _, value| values[row] = value as f32);
        Ok(Values::Numbers(values))
    }
}
