//! The thread that writes the log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use everloop_domain::ModelName;
use tokio::sync::oneshot;

use super::columns::{Entry, Group, grouped};
use super::{Counters, LogSettings, file};
use crate::Error;

/// What the writer is told.
pub(super) enum Message {
    /// Rows to write some time.
    Append(Entry),
    /// Write all now and tell.
    Flush(oneshot::Sender<Result<(), Error>>),
}

/// The unwritten rows of a model.
#[derive(Default)]
struct Waiting {
    entries: Vec<Entry>,
    n_rows: usize,
    /// Rows that must have gathered before a failed write is tried again ahead of its time.
    n_refused: usize,
}

/// Collects rows and writes them by size and by age.
pub(super) struct Writer {
    dir: PathBuf,
    settings: LogSettings,
    counters: Arc<Counters>,
    models: BTreeMap<ModelName, Waiting>,
    /// When the oldest unwritten row came, or when writing last failed.
    since: Option<Instant>,
    seq: u64,
}

impl Writer {
    pub(super) fn new(dir: &Path, settings: &LogSettings, counters: Arc<Counters>) -> Self {
        Self {
            dir: dir.to_path_buf(),
            settings: settings.clone(),
            counters,
            models: BTreeMap::new(),
            since: None,
            seq: 0,
        }
    }

    /// Works until there is nobody left to send rows, and then writes what is left.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        loop {
            let interval = self.settings.flush_interval;
            let wait = self
                .since
                .map_or(interval, |since| interval.saturating_sub(since.elapsed()));
            match messages.recv_timeout(wait) {
                Ok(Message::Append(entry)) => self.append(entry),
                Ok(Message::Flush(done)) => {
                    let result = self.write_all();
                    // Nobody waits any more if the caller was cancelled.
                    let _ = done.send(result);
                }
                Err(RecvTimeoutError::Timeout) => {
                    // A failure was logged and counted; the rows are tried again.
                    let _ = self.write_all();
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // Steady traffic must not keep old rows waiting.
            if self.since.is_some_and(|since| since.elapsed() >= interval) {
                let _ = self.write_all();
            }
        }
        if self.write_all().is_err() {
            let lost: usize = self.models.values().map(|waiting| waiting.n_rows).sum();
            self.counters
                .dropped
                .fetch_add(lost as u64, Ordering::Relaxed);
            tracing::error!(
                n_rows = lost,
                "predictions could not be logged and are lost"
            );
        }
    }

    fn append(&mut self, entry: Entry) {
        self.since.get_or_insert_with(Instant::now);
        let model = entry.model.clone();
        let waiting = self.models.entry(model.clone()).or_default();
        waiting.n_rows += entry.n_rows();
        waiting.entries.push(entry);
        if waiting.n_rows >= waiting.n_refused + self.settings.flush_rows {
            // A failure was logged and counted; the rows are tried again.
            let _ = self.write(&model);
        }
    }

    /// Writes all models; the first failure is returned, but all are tried.
    fn write_all(&mut self) -> Result<(), Error> {
        let names: Vec<ModelName> = self.models.keys().cloned().collect();
        let mut result = Ok(());
        for name in names {
            let written = self.write(&name);
            if result.is_ok() {
                result = written;
            }
        }
        self.since = result.is_err().then(Instant::now);
        result
    }

    /// Writes the rows of a model; those that cannot be written stay.
    fn write(&mut self, model: &ModelName) -> Result<(), Error> {
        let waiting = self.models.remove(model).unwrap_or_default();
        let mut kept = Vec::new();
        let mut result = Ok(());
        for (group, entries) in grouped(waiting.entries) {
            if let Err(error) = self.write_group(model, &group, &entries) {
                self.counters.failed_writes.fetch_add(1, Ordering::Relaxed);
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "predictions could not be logged; trying again later"
                );
                kept.extend(entries);
                result = Err(error);
            }
        }
        if !kept.is_empty() {
            let n_rows = kept.iter().map(Entry::n_rows).sum();
            let waiting = Waiting {
                entries: kept,
                n_rows,
                n_refused: n_rows,
            };
            self.models.insert(model.clone(), waiting);
        }
        result
    }

    fn write_group(
        &mut self,
        model: &ModelName,
        group: &Group,
        entries: &[Entry],
    ) -> Result<(), Error> {
        let dir = self
            .dir
            .join(model.as_str())
            .join(format!("day={}", group.day));
        let table = group
            .table(entries)
            .map_err(|error| file::failure("write", &dir, error))?;
        let first_ms = entries.iter().map(|entry| entry.time.as_millis()).min();
        self.seq = file::write(&dir, first_ms.unwrap_or(0), self.seq, &table)?;
        let n_rows = table.num_rows();
        self.counters.pending.fetch_sub(n_rows, Ordering::Relaxed);
        self.counters
            .written
            .fetch_add(n_rows as u64, Ordering::Relaxed);
        Ok(())
    }
}
