//! Conformed rows as tables keep them for people: a timestamp is a moment there, not a number.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::{Kind, Signature};
use crate::Error;

impl Signature {
    /// The Arrow schema of rows that are kept: that of conformed rows, but timestamps are Arrow's own, in UTC.
    #[must_use]
    pub fn kept_schema(&self) -> SchemaRef {
        let fields = self.inputs.iter().map(|input| match input.kind {
            Kind::Timestamp => {
                let moments = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
                Field::new(&input.name, moments, true)
            }
            kind => Field::new(&input.name, kind.data_type(), false),
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Conformed rows as they are kept: a missing timestamp is null.
    ///
    /// # Errors
    ///
    /// Fails if the rows were not conformed.
    pub fn kept(&self, rows: &RecordBatch) -> Result<RecordBatch, Error> {
        if self
            .inputs
            .iter()
            .all(|input| input.kind != Kind::Timestamp)
        {
            return Ok(rows.clone());
        }
        let columns = self.inputs.iter().zip(rows.columns());
        let columns = columns.map(|(input, column)| match input.kind {
            Kind::Timestamp => moments(column),
            _ => Arc::clone(column),
        });
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(self.kept_schema(), columns.collect(), &options)
            .map_err(|error| Error::Run(error.to_string()))
    }
}

fn moments(column: &ArrayRef) -> ArrayRef {
    let Some(millis) = column.as_primitive_opt::<Float64Type>() else {
        return Arc::clone(column);
    };
    let millis = millis.iter().flatten();
    let millis = millis.map(|millis| millis.is_finite().then_some(millis as i64));
    let moments: TimestampMillisecondArray = millis.collect();
    Arc::new(moments.with_timezone("UTC"))
}
