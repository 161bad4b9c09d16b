//! The prediction log: what was asked, what was answered, by whom and how fast.
//!
//! Layout, format version 1 (also in each file's key-value metadata, as `everloop.format_version`):
//!
//! ```text
//! <dir>/<model>/day=YYYY-MM-DD/<ms of the first row>-<seq>.parquet
//! ```
//!
//! Each file has a row per predicted row, and the columns
//!
//! | column | type | |
//! |---|---|---|
//! | `_id` | text | the prediction's id: key column, header, or made here |
//! | `_time` | timestamp, ms, UTC | when it was answered |
//! | `_model` | text | the model |
//! | `_version` | int64 | its version |
//! | `_digest` | text | the digest of its package |
//! | `_latency_us` | int64 | of the request the row came with, in microseconds |
//! | `_status` | text | `ok`, or the kind of the error |
//! | inputs | as the model takes them | under their own names; missing numbers are NaN, missing text is empty |
//! | `_prediction`, `_probability`, … | as the model gives them | each output with `_` before its name |
//!
//! A failed request has one row per row it came with, or a single one if its rows could not be
//! read; what it lacks is null. An input whose name is one of the above is logged with one more
//! `_` before it. Rows whose columns differ (another version of the model) are in other files.
//!
//! [`append`](PredictionLog::append) never waits: rows go to one thread that writes them by size
//! and by age. A file is written beside its place, synced and renamed, so that a reader sees whole
//! files only. What cannot be written (full disk) is kept and tried again; when
//! [`max_pending_rows`](LogSettings::max_pending_rows) wait, new rows are dropped and counted.

mod columns;
mod file;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::Error;

pub(crate) use columns::Entry;
use writer::{Message, Writer};

/// The version of the layout above.
pub const FORMAT_VERSION: u32 = 1;

/// When the log is written, and how much of it may wait in memory.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// Rows of one model that make a file.
    pub flush_rows: usize,
    /// How long a row waits at most.
    pub flush_interval: Duration,
    /// Rows that may wait in memory; further ones are dropped.
    pub max_pending_rows: usize,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            flush_rows: 20_000,
            flush_interval: Duration::from_secs(30),
            max_pending_rows: 200_000,
        }
    }
}

/// What became of the rows so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogStats {
    /// Rows on disk.
    pub written: u64,
    /// Rows that were dropped.
    pub dropped: u64,
    /// Rows that wait in memory.
    pub pending: u64,
    /// Attempts to write a file that failed.
    pub failed_writes: u64,
}

#[derive(Debug, Default)]
struct Counters {
    written: AtomicU64,
    dropped: AtomicU64,
    pending: AtomicUsize,
    failed_writes: AtomicU64,
}

/// The log. Dropping it writes what it still holds.
#[derive(Debug)]
pub struct PredictionLog {
    /// `None` only while it is dropped.
    sender: Option<Sender<Message>>,
    writer: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
    max_pending_rows: usize,
}

impl PredictionLog {
    /// Opens the log in a directory and starts its writer. Half-written files of a process that
    /// died are removed; only one process may write to a directory at a time.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be made or read.
    pub fn open(dir: &Path, settings: &LogSettings) -> Result<Self, Error> {
        file::sweep(dir)?;
        let (sender, receiver) = channel();
        let counters = Arc::new(Counters::default());
        let writer = Writer::new(dir, settings, Arc::clone(&counters));
        let thread = std::thread::Builder::new()
            .name("prediction-log".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(|error| file::failure("start the writer for", dir, error))?;
        Ok(Self {
            sender: Some(sender),
            writer: Some(thread),
            counters,
            max_pending_rows: settings.max_pending_rows,
        })
    }

    /// Takes the rows of a request, or drops and counts them if too many wait already.
    pub(crate) fn append(&self, entry: Entry) {
        let n_rows = entry.n_rows();
        let pending = self.counters.pending.fetch_add(n_rows, Ordering::Relaxed);
        let sent = pending + n_rows <= self.max_pending_rows && self.send(Message::Append(entry));
        if !sent {
            self.counters.pending.fetch_sub(n_rows, Ordering::Relaxed);
            self.counters
                .dropped
                .fetch_add(n_rows as u64, Ordering::Relaxed);
        }
    }

    /// Writes all rows that were appended before.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be written; its rows are kept and tried again later.
    pub async fn flush(&self) -> Result<(), Error> {
        let (done, flushed) = oneshot::channel();
        let gone = Error::Broken("the writer of the prediction log ended early");
        if !self.send(Message::Flush(done)) {
            return Err(gone);
        }
        flushed.await.unwrap_or(Err(gone))
    }

    /// What became of the rows so far.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        LogStats {
            written: self.counters.written.load(Ordering::Relaxed),
            dropped: self.counters.dropped.load(Ordering::Relaxed),
            pending: self.counters.pending.load(Ordering::Relaxed) as u64,
            failed_writes: self.counters.failed_writes.load(Ordering::Relaxed),
        }
    }

    fn send(&self, message: Message) -> bool {
        self.sender
            .as_ref()
            .is_some_and(|sender| sender.send(message).is_ok())
    }
}

impl Drop for PredictionLog {
    fn drop(&mut self) {
        // Without a sender the writer writes what it has and ends.
        self.sender = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the prediction log panicked");
        }
    }
}
