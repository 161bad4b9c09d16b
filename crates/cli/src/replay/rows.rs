//! The rows of a replay: the dataset table in order of time, with what is sent and what is kept back.

use std::time::Duration;

use anyhow::Result;
use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMillisecondType,
};
use everloop_domain::Timestamp;
use serde_json::{Map, Value, json};

use crate::commands::data::{session, tables};
use crate::exit::{Exit, Failure};
use crate::workspace::Workspace;

/// The column that holds the moment of a row.
const TIME: &str = "_replay_time";
const MILLIS_OF_DAY: i64 = 86_400_000;

/// Rows in order of time.
pub(crate) struct Rows {
    batch: RecordBatch,
    times: Vec<Timestamp>,
    ids: Vec<String>,
    target: String,
    has_key: bool,
}

impl Rows {
    /// Reads the rows of a project between two moments.
    pub(crate) async fn read(
        workspace: &Workspace,
        from: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<Self> {
        let dataset = &workspace.lifecycle.dataset;
        let Some(time) = &dataset.time else {
            return Err(
                Failure::new(Exit::LifecycleFile, "a replay needs `dataset.time`")
                    .hint("name the column that orders the rows in time")
                    .into(),
            );
        };
        let session = session(workspace.project.dir());
        tables(workspace, &session).await?;
        let table = quoted(&dataset.table);
        let until = until
            .map(|until| format!(" and {TIME} < timestamp '{until}'"))
            .unwrap_or_default();
        let query = format!(
            "select * from (select *, arrow_cast({}, 'Timestamp(Millisecond, None)') as {TIME} from {table}) \
             where {TIME} >= timestamp '{from}'{until} order by {TIME}",
            quoted(time)
        );
        let batches = session.sql(&query).await?;
        let Some(first) = batches
            .first()
            .filter(|_| batches.iter().any(|batch| batch.num_rows() > 0))
        else {
            return Err(Failure::new(
                Exit::NotFound,
                format!("no row of `{}` lies at or after {from}", dataset.table),
            )
            .hint("choose an earlier `--from`")
            .into());
        };
        let batch = concat_batches(&first.schema(), &batches)?;
        let key = workspace
            .lifecycle
            .monitor
            .labels
            .as_ref()
            .map(|labels| labels.key.as_str());
        Ok(Self::new(batch, &dataset.target, key))
    }

    fn new(batch: RecordBatch, target: &str, key: Option<&str>) -> Self {
        let column = batch.column_by_name(TIME).map(|column| {
            column
                .as_primitive::<TimestampMillisecondType>()
                .values()
                .to_vec()
        });
        let times = column
            .unwrap_or_default()
            .into_iter()
            .map(Timestamp::from_millis)
            .collect();
        let key_column = key.and_then(|key| batch.column_by_name(key));
        let ids = match key_column {
            Some(column) => everloop_engine::texts(column)
                .into_iter()
                .map(Option::unwrap_or_default)
                .collect(),
            None => (0..batch.num_rows())
                .map(|row| format!("replay-{row:07}"))
                .collect(),
        };
        let has_key = key_column.is_some();
        Self {
            batch,
            times,
            ids,
            target: target.to_owned(),
            has_key,
        }
    }

    /// The rows between two moments.
    pub(crate) fn between(&self, start: Timestamp, end: Timestamp) -> std::ops::Range<usize> {
        let at = |moment: Timestamp| self.times.partition_point(|time| *time < moment);
        at(start)..at(end)
    }

    /// A moment after the last row.
    pub(crate) fn end(&self) -> Timestamp {
        self.times
            .last()
            .map_or_else(Timestamp::default, |time| *time + Duration::from_millis(1))
    }

    /// The moment at which `n_rows` rows after `start` have come.
    pub(crate) fn time_after(&self, start: Timestamp, n_rows: u64) -> Timestamp {
        let first = self.between(start, start).start;
        let last = first + n_rows as usize;
        self.times.get(last).map_or_else(
            || self.end(),
            |time| (*time).max(start + Duration::from_millis(1)),
        )
    }

    pub(crate) fn time(&self, row: usize) -> Timestamp {
        self.times[row]
    }

    pub(crate) fn id(&self, row: usize) -> &str {
        &self.ids[row]
    }

    /// Whether the id is a column of the request, so that no header is needed.
    pub(crate) fn has_key(&self) -> bool {
        self.has_key
    }

    /// All columns.
    pub(crate) fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// What a client would send: all that is known before the target.
    pub(crate) fn request(&self, row: usize) -> Map<String, Value> {
        let schema = self.batch.schema();
        schema
            .fields()
            .iter()
            .zip(self.batch.columns())
            .filter(|(field, _)| *field.name() != self.target && field.name() != TIME)
            .filter_map(|(field, column)| Some((field.name().clone(), cell(column, row)?)))
            .collect()
    }

    /// The truth of a row.
    pub(crate) fn label(&self, row: usize) -> Option<Value> {
        cell(self.batch.column_by_name(&self.target)?, row).filter(|value| !value.is_null())
    }
}

/// A cell as JSON; columns that no model takes are left out.
fn cell(column: &ArrayRef, row: usize) -> Option<Value> {
    if column.is_null(row) {
        return Some(Value::Null);
    }
    match column.data_type() {
        DataType::Int64 => Some(json!(column.as_primitive::<Int64Type>().value(row))),
        DataType::Float64 => Some(json!(column.as_primitive::<Float64Type>().value(row))),
        DataType::Utf8 => Some(json!(column.as_string::<i32>().value(row))),
        DataType::Boolean => Some(json!(column.as_boolean().value(row))),
        DataType::Date32 => {
            let days = i64::from(column.as_primitive::<Date32Type>().value(row));
            Some(json!(
                Timestamp::from_millis(days * MILLIS_OF_DAY).to_string()
            ))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let millis = column.as_primitive::<TimestampMillisecondType>().value(row);
            Some(json!(Timestamp::from_millis(millis).to_string()))
        }
        _ => None,
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        Date32Array, Float64Array, Int64Array, StringArray, TimestampMillisecondArray,
    };

    use super::*;

    fn rows() -> Rows {
        let batch = RecordBatch::try_from_iter(vec![
            (
                "id",
                Arc::new(StringArray::from(vec!["a", "b", "c"])) as ArrayRef,
            ),
            (
                "x",
                Arc::new(Float64Array::from(vec![Some(1.5), None, Some(2.0)])),
            ),
            ("y", Arc::new(Int64Array::from(vec![0, 1, 1]))),
            (
                TIME,
                Arc::new(TimestampMillisecondArray::from(vec![10, 20, 30])),
            ),
        ])
        .unwrap();
        Rows::new(batch, "y", Some("id"))
    }

    #[test]
    fn a_request_holds_no_target() {
        assert_eq!(
            Value::Object(rows().request(1)),
            json!({"id": "b", "x": null})
        );
        assert_eq!(rows().label(1), Some(json!(1)));
    }

    #[test]
    fn moments_are_sent_as_texts() {
        let day: ArrayRef = Arc::new(Date32Array::from(vec![20_777]));
        let moment: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1_795_176_000_000]));
        assert_eq!(cell(&day, 0), Some(json!("2026-11-20T00:00:00Z")));
        assert_eq!(cell(&moment, 0), Some(json!("2026-11-20T12:00:00Z")));
    }

    #[test]
    fn windows_are_half_open() {
        let at = Timestamp::from_millis;
        assert_eq!(rows().between(at(10), at(30)), 0..2);
        assert_eq!(rows().time_after(at(10), 2), at(30));
        assert_eq!(rows().time_after(at(10), 9), at(31));
        assert_eq!(rows().end(), at(31));
    }
}
