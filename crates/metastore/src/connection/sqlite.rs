//! Connections to SQLite, and the settings that all of them have.

use std::path::Path;
use std::time::Duration;

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::Error;
use crate::error::DatabaseError;
use crate::place::Place;
use crate::search::matches;

/// How long a connection waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Switching a new file to its journal does not wait by itself: it is tried this often, this far apart.
const SWITCH_TRIES: u32 = 300;
const SWITCH_PAUSE: Duration = Duration::from_millis(20);

/// What functions of ours are: texts in, an answer out, no effects.
const PURE: FunctionFlags = FunctionFlags::SQLITE_DETERMINISTIC
    .union(FunctionFlags::SQLITE_UTF8)
    .union(FunctionFlags::SQLITE_INNOCUOUS);

/// A connection that writes; the file is made if it does not exist.
pub(super) fn writer(place: &Place) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = open(place, flags)?;
    switch_to_wal(&connection)
        .and_then(|()| connection.pragma_update(None, "synchronous", "full"))
        .map_err(|source| failed(place, source.into()))?;
    Ok(connection)
}

/// A connection that reads.
pub(super) fn reader(place: &Place) -> Result<Connection, Error> {
    match place {
        // Databases in memory cannot be opened for reading only.
        Place::Memory(_) => open(place, OpenFlags::SQLITE_OPEN_READ_WRITE),
        _ => open(place, OpenFlags::SQLITE_OPEN_READ_ONLY),
    }
}

fn open(place: &Place, flags: OpenFlags) -> Result<Connection, Error> {
    let (path, flags) = match place {
        Place::Memory(uri) => (Path::new(uri), flags | OpenFlags::SQLITE_OPEN_URI),
        Place::File(path) => (path.as_path(), flags),
        Place::Postgres(_) => {
            return Err(Error::Invalid(format!("`{}` is no file", place.shown())));
        }
    };
    // Each connection is used by one thread at a time.
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|source| failed(place, source.into()))?;
    connection
        .busy_timeout(BUSY_TIMEOUT)
        .and_then(|()| connection.pragma_update(None, "foreign_keys", true))
        .and_then(|()| connection.create_scalar_function("matches", 2, PURE, matches))
        .map_err(|source| failed(place, source.into()))?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// What it means that opening failed.
pub(crate) fn failed(place: &Place, source: DatabaseError) -> Error {
    let path = place.shown();
    match source {
        DatabaseError::Sqlite(error)
            if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) =>
        {
            let problem = "it is no SQLite database";
            Error::NotAMetastore { path, problem }
        }
        source => Error::Open { path, source },
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
