//! Requests as rows of the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMillisecondArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use everloop_domain::{Digest, ModelName, Timestamp, VersionNumber};
use everloop_package::Signature;

/// The columns that every file has.
const OWN: [&str; 7] = [
    "_id",
    "_time",
    "_model",
    "_version",
    "_digest",
    "_latency_us",
    "_status",
];

/// One request.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) model: ModelName,
    pub(crate) version: VersionNumber,
    pub(crate) digest: Digest,
    pub(crate) signature: Arc<Signature>,
    pub(crate) time: Timestamp,
    pub(crate) latency_us: i64,
    /// `ok`, or the kind of the error.
    pub(crate) status: &'static str,
    /// An id per row.
    pub(crate) ids: Vec<String>,
    /// The rows as the model takes them, as [`Signature::kept`] has them; absent if they could not be read.
    pub(crate) inputs: Option<RecordBatch>,
    /// The predictions; absent if there are none.
    pub(crate) outputs: Option<RecordBatch>,
}

impl Entry {
    pub(crate) fn n_rows(&self) -> usize {
        self.ids.len()
    }

    /// Where the rows belong: those of one day, with the same columns, share a file.
    pub(super) fn group(&self) -> Group {
        Group {
            day: self.time.day(),
            columns: self.columns(),
        }
    }

    /// The model's own columns in the log.
    fn columns(&self) -> Vec<(String, DataType)> {
        let inputs = match &self.inputs {
            Some(rows) => rows.schema(),
            None => self.signature.kept_schema(),
        };
        let outputs = match &self.outputs {
            Some(rows) => rows.schema(),
            None => self.signature.output_schema(),
        };
        let outputs = outputs.fields().iter().map(|field| {
            let name = format!("_{}", field.name());
            (name, field.data_type().clone())
        });
        let outputs: Vec<_> = outputs.collect();
        let mut columns: Vec<_> = inputs
            .fields()
            .iter()
            .map(|field| {
                let taken = OWN.contains(&field.name().as_str())
                    || outputs.iter().any(|(name, _)| name == field.name());
                let name = if taken {
                    format!("_{}", field.name())
                } else {
                    field.name().clone()
                };
                (name, field.data_type().clone())
            })
            .collect();
        columns.extend(outputs);
        columns
    }

    /// The values of the model's own columns, in the order of [`columns`](Self::columns).
    fn values(&self, columns: &[(String, DataType)]) -> Vec<ArrayRef> {
        let n_inputs = match &self.inputs {
            Some(rows) => rows.num_columns(),
            None => self.signature.inputs.len(),
        };
        let value = |(at, (_, data_type)): (usize, &(String, DataType))| {
            let (rows, at) = match at.checked_sub(n_inputs) {
                None => (&self.inputs, at),
                Some(at) => (&self.outputs, at),
            };
            match rows {
                Some(rows) => Arc::clone(rows.column(at)),
                None => new_null_array(data_type, self.n_rows()),
            }
        };
        columns.iter().enumerate().map(value).collect()
    }
}

/// What the rows of a file have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) day: String,
    columns: Vec<(String, DataType)>,
}

impl Group {
    /// All entries of the group as one table.
    pub(super) fn table(&self, entries: &[Entry]) -> Result<RecordBatch, ArrowError> {
        let mut arrays: Vec<ArrayRef> = own_columns(entries);
        let values: Vec<Vec<ArrayRef>> = entries
            .iter()
            .map(|entry| entry.values(&self.columns))
            .collect();
        for at in 0..self.columns.len() {
            let parts: Vec<&dyn arrow::array::Array> =
                values.iter().map(|columns| columns[at].as_ref()).collect();
            arrays.push(arrow::compute::concat(&parts)?);
        }
        RecordBatch::try_new(self.schema(), arrays)
    }

    fn schema(&self) -> SchemaRef {
        let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
        let own = OWN.iter().map(|name| match *name {
            "_time" => Field::new(*name, time.clone(), false),
            "_version" | "_latency_us" => Field::new(*name, DataType::Int64, false),
            _ => Field::new(*name, DataType::Utf8, false),
        });
        let models = self
            .columns
            .iter()
            .map(|(name, data_type)| Field::new(name, data_type.clone(), true));
        Arc::new(Schema::new(own.chain(models).collect::<Vec<_>>()))
    }
}

fn own_columns(entries: &[Entry]) -> Vec<ArrayRef> {
    let texts = |value: &dyn Fn(&Entry) -> String| -> ArrayRef {
        let values = entries
            .iter()
            .flat_map(|entry| std::iter::repeat_n(value(entry), entry.n_rows()));
        Arc::new(StringArray::from(values.collect::<Vec<_>>()))
    };
    let numbers = |value: &dyn Fn(&Entry) -> i64| -> Vec<i64> {
        let values = entries
            .iter()
            .flat_map(|entry| std::iter::repeat_n(value(entry), entry.n_rows()));
        values.collect()
    };
    let ids = entries.iter().flat_map(|entry| &entry.ids);
    let ids: Vec<&str> = ids.map(String::as_str).collect();
    let times = numbers(&|entry| entry.time.as_millis());
    let times = TimestampMillisecondArray::from(times).with_timezone("UTC");
    let versions = numbers(&|entry| i64::try_from(entry.version.0).unwrap_or(i64::MAX));
    vec![
        Arc::new(StringArray::from(ids)),
        Arc::new(times),
        texts(&|entry| entry.model.to_string()),
        Arc::new(Int64Array::from(versions)),
        texts(&|entry| entry.digest.to_string()),
        Arc::new(Int64Array::from(numbers(&|entry| entry.latency_us))),
        texts(&|entry| entry.status.to_owned()),
    ]
}

/// Entries by model and group, in order.
pub(super) fn grouped(entries: Vec<Entry>) -> BTreeMap<Group, Vec<Entry>> {
    let mut groups: BTreeMap<Group, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        groups.entry(entry.group()).or_default().push(entry);
    }
    groups
}
