//! Connections, and the settings that all of them have.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::Error;

/// How long a connection waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Switching a new file to its journal does not wait by itself: it is tried this often, this far apart.
const SWITCH_TRIES: u32 = 300;
const SWITCH_PAUSE: Duration = Duration::from_millis(20);
/// Makes the names of databases in memory differ.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file.
    File(PathBuf),
    /// In memory, for as long as a connection is open; all connections of the process with the name see it.
    Memory(String),
}

impl Place {
    pub(crate) fn new_memory() -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        Self::Memory(format!("file:/everloop-{number}?vfs=memdb"))
    }

    /// The name for people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Memory(_) => "memory".to_owned(),
        }
    }

    /// A connection that writes; the file is made if it does not exist.
    pub(crate) fn writer(&self) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        self.open(flags).and_then(|connection| {
            switch_to_wal(&connection).map_err(|source| self.failed(source))?;
            let full = connection.pragma_update(None, "synchronous", "full");
            full.map_err(|source| self.failed(source))?;
            Ok(connection)
        })
    }

    /// A connection that reads.
    pub(crate) fn reader(&self) -> Result<Connection, Error> {
        match self {
            Self::File(_) => self.open(OpenFlags::SQLITE_OPEN_READ_ONLY),
            // Databases in memory cannot be opened for reading only.
            Self::Memory(_) => self.open(OpenFlags::SQLITE_OPEN_READ_WRITE),
        }
    }

    fn open(&self, flags: OpenFlags) -> Result<Connection, Error> {
        let (path, flags) = match self {
            Self::File(path) => (path.as_path(), flags),
            Self::Memory(uri) => (Path::new(uri), flags | OpenFlags::SQLITE_OPEN_URI),
        };
        // Each connection is used by one thread at a time.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(path, flags).map_err(|source| self.failed(source))?;
        connection
            .busy_timeout(BUSY_TIMEOUT)
            .and_then(|()| connection.pragma_update(None, "foreign_keys", true))
            .map_err(|source| self.failed(source))?;
        connection.set_prepared_statement_cache_capacity(256);
        Ok(connection)
    }

    /// What it means that opening failed.
    pub(crate) fn failed(&self, source: rusqlite::Error) -> Error {
        let path = self.shown();
        if source.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
            let problem = "it is no SQLite database";
            return Error::NotAMetastore { path, problem };
        }
        Error::Open { path, source }
    }
}

/// Lets readers and the writer work side by side.
fn switch_to_wal(connection: &Connection) -> Result<(), rusqlite::Error> {
    let mut tries = 0;
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && tries < SWITCH_TRIES =>
            {
                tries += 1;
                std::thread::sleep(SWITCH_PAUSE);
            }
            result => return result,
        }
    }
}
