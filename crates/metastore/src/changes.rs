//! What has changed since somebody looked last, by cursors.

use everloop_domain::{RunId, RunStatus, Timestamp};

use crate::runs::{RunInfo, Runs};
use crate::session::{Session, values};
use crate::{Audit, Entry, Error, Signal, Signals};

/// What has changed.
#[derive(Debug)]
pub struct Changes<'c>(pub(crate) Session<'c>);

/// Up to where somebody has read what only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The last signal.
    pub signal: i64,
    /// The last entry of the audit log.
    pub entry: i64,
}

impl Changes<'_> {
    /// The end of what only grows.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn end(&self) -> Result<Cursor, Error> {
        let last = |table: &str| {
            let sql = format!("select coalesce(max(id), 0) from {table}");
            self.0.value(&sql, &[])
        };
        Ok(Cursor {
            signal: last("signals")?,
            entry: last("audit")?,
        })
    }

    /// The runs that run now, the latest start first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn running(&self, limit: usize) -> Result<Vec<RunInfo>, Error> {
        let running = RunStatus::Running.as_str();
        self.runs("status = $1", &values![running, limit])
    }

    /// The runs that started at a moment or later, the latest start first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn started_since(&self, since: Timestamp, limit: usize) -> Result<Vec<RunInfo>, Error> {
        self.runs("start_time >= $1", &values![since.as_millis(), limit])
    }

    fn runs(
        &self,
        condition: &str,
        values: &[crate::session::Value<'_>],
    ) -> Result<Vec<RunInfo>, Error> {
        let sql = format!(
            "select id from runs where {condition} and lifecycle = 'active' order by start_time desc, id limit $2"
        );
        let ids = self.0.query(&sql, values, |row| row.get::<String>(0))?;
        let runs = Runs(self.0);
        let found = ids.iter().filter_map(|id| id.parse::<RunId>().ok());
        found.filter_map(|id| runs.find(&id).transpose()).collect()
    }

    /// Signals after a cursor, which moves to the last of them.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn signals(&self, cursor: &mut Cursor, limit: usize) -> Result<Vec<Signal>, Error> {
        let sql = "select id from signals where id > $1 order by id limit $2";
        let values = values![cursor.signal, limit];
        let ids: Vec<i64> = self.0.query(sql, &values, |row| row.get(0))?;
        cursor.signal = ids.last().copied().unwrap_or(cursor.signal);
        let signals = Signals(self.0);
        let found = ids.iter().filter_map(|id| signals.find(*id).transpose());
        found.collect()
    }

    /// Entries of the audit log after a cursor, which moves to the last of them.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn entries(&self, cursor: &mut Cursor, limit: usize) -> Result<Vec<Entry>, Error> {
        let found = Audit(self.0).since(cursor.entry, limit)?;
        cursor.entry += found.len() as i64;
        Ok(found)
    }
}
