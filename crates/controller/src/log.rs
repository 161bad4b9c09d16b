//! Reading the prediction log that `serve` writes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Float64Type, Int64Type, Schema, TimestampMillisecondType};
use everloop_domain::{Timestamp, VersionNumber};

use crate::Error;

/// The log of one version, in order of time; of two rows with the same id the later one counts.
pub(crate) struct VersionLog {
    /// What happened before is not in it.
    pub(crate) since: Timestamp,
    /// Answered rows: inputs, `_prediction` …
    pub(crate) answered: RecordBatch,
    /// Their moments.
    pub(crate) times: Vec<Timestamp>,
    /// Their ids.
    pub(crate) ids: Vec<String>,
    /// Moments of requests that failed.
    pub(crate) failed: Vec<Timestamp>,
    /// Milliseconds that each answered row took.
    pub(crate) latencies_ms: Vec<f64>,
}

impl VersionLog {
    /// Reads the days since a moment; nothing if the version was asked for nothing in them.
    pub(crate) fn read(
        dir: &Path,
        version: VersionNumber,
        since: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let mut batches: Vec<RecordBatch> = Vec::new();
        let mut failed = Vec::new();
        for file in files(dir, since)? {
            let rows = everloop_data::read_parquet(&file)?;
            let (Some(versions), Some(times), Some(statuses)) = (
                rows.column_by_name("_version"),
                rows.column_by_name("_time"),
                rows.column_by_name("_status"),
            ) else {
                continue;
            };
            let (versions, times) = (
                versions.as_primitive::<Int64Type>(),
                times.as_primitive::<TimestampMillisecondType>(),
            );
            let statuses = statuses.as_string::<i32>();
            let mut picked = Vec::new();
            for row in 0..rows.num_rows() {
                if versions.is_null(row) || versions.value(row) as u64 != version.0 {
                    continue;
                }
                if statuses.value(row) == "ok" {
                    picked.push(row as u32);
                } else {
                    failed.push(Timestamp::from_millis(times.value(row)));
                }
            }
            if !picked.is_empty() {
                batches.push(take_record_batch(&rows, &UInt32Array::from(picked))?);
            }
        }
        let empty = Self {
            failed,
            ..Self::empty(since)
        };
        match batches.first().map(RecordBatch::schema) {
            None if empty.failed.is_empty() => Ok(None),
            None => Ok(Some(empty)),
            Some(schema) => {
                batches.retain(|batch| batch.schema() == schema);
                Ok(Some(empty.with(&concat_batches(&schema, &batches)?)?))
            }
        }
    }

    /// A log in which nothing has happened.
    pub(crate) fn empty(since: Timestamp) -> Self {
        Self {
            since,
            answered: RecordBatch::new_empty(Arc::new(Schema::empty())),
            times: Vec::new(),
            ids: Vec::new(),
            failed: Vec::new(),
            latencies_ms: Vec::new(),
        }
    }

    fn with(self, rows: &RecordBatch) -> Result<Self, Error> {
        let ids = everloop_engine::texts(rows.column_by_name("_id").unwrap_or(rows.column(0)));
        let last: HashMap<&Option<String>, usize> =
            ids.iter().enumerate().map(|(row, id)| (id, row)).collect();
        let millis = rows.column_by_name("_time").map(|column| {
            column
                .as_primitive::<TimestampMillisecondType>()
                .values()
                .to_vec()
        });
        let millis = millis.unwrap_or_default();
        let mut order: Vec<usize> = (0..rows.num_rows())
            .filter(|row| last[&ids[*row]] == *row)
            .collect();
        order.sort_by_key(|row| (millis[*row], *row));
        let answered = take_record_batch(
            rows,
            &UInt32Array::from_iter_values(order.iter().map(|row| *row as u32)),
        )?;
        let latencies_ms = match answered.column_by_name("_latency_us") {
            Some(column) => match column.as_primitive_opt::<Int64Type>() {
                Some(array) => array
                    .values()
                    .iter()
                    .map(|micros| *micros as f64 / 1000.0)
                    .collect(),
                None => column
                    .as_primitive::<Float64Type>()
                    .values()
                    .iter()
                    .map(|micros| micros / 1000.0)
                    .collect(),
            },
            None => Vec::new(),
        };
        Ok(Self {
            times: order
                .iter()
                .map(|row| Timestamp::from_millis(millis[*row]))
                .collect(),
            ids: order
                .iter()
                .map(|row| ids[*row].clone().unwrap_or_default())
                .collect(),
            answered,
            latencies_ms,
            ..self
        })
    }

    /// The rows of a window.
    pub(crate) fn between(&self, window: (Timestamp, Timestamp)) -> std::ops::Range<usize> {
        let at = |moment: Timestamp| self.times.partition_point(|time| *time < moment);
        at(window.0)..at(window.1)
    }

    /// How many requests of a window failed.
    pub(crate) fn n_failed(&self, window: (Timestamp, Timestamp)) -> usize {
        self.failed
            .iter()
            .filter(|time| **time >= window.0 && **time < window.1)
            .count()
    }

    /// How many rows of a window were asked for.
    pub(crate) fn n_requests(&self, window: (Timestamp, Timestamp)) -> usize {
        self.between(window).len() + self.n_failed(window)
    }
}

/// The files of all days since a moment, by name.
fn files(dir: &Path, since: Timestamp) -> Result<Vec<PathBuf>, Error> {
    let first = format!("day={}", since.day());
    let mut files = Vec::new();
    for day in entries(dir)? {
        let name = day
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if name.starts_with("day=") && name >= first {
            files.extend(
                entries(&day)?
                    .into_iter()
                    .filter(|file| file.extension().is_some_and(|end| end == "parquet")),
            );
        }
    }
    Ok(files)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = |source| Error::File {
        path: dir.display().to_string(),
        source,
    };
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(read(error)),
    };
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(read)?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests;
