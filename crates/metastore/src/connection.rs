//! A connection to either database, and its transactions.
//!
//! Writers take turns. SQLite sees to it by itself; on Postgres each takes one lock for its transaction, so that servers
//! beside each other on one database lose nothing of each other's work, and "the greatest number so far plus one" is right.

mod postgres;
mod sqlite;

pub(crate) use self::postgres::PostgresConnection;
pub(crate) use self::sqlite::failed;
use crate::Error;
use crate::error::DatabaseError;
use crate::place::Place;
use crate::session::Session;

/// A connection; one thread at a time uses it.
#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Box<PostgresConnection>),
}

impl Connection {
    /// A connection that writes; a file is made if it does not exist.
    pub(crate) fn writer(place: &Place) -> Result<Self, Error> {
        match place {
            Place::Postgres(config) => Self::postgres(config, place),
            _ => sqlite::writer(place).map(Self::Sqlite),
        }
    }

    /// A connection that reads.
    pub(crate) fn reader(place: &Place) -> Result<Self, Error> {
        match place {
            Place::Postgres(config) => Self::postgres(config, place),
            _ => sqlite::reader(place).map(Self::Sqlite),
        }
    }

    fn postgres(config: &::postgres::Config, place: &Place) -> Result<Self, Error> {
        PostgresConnection::open(config)
            .map(|connection| Self::Postgres(Box::new(connection)))
            .map_err(|source| failed(place, source))
    }

    /// Where statements are run.
    pub(crate) fn session(&self) -> Session<'_> {
        match self {
            Self::Sqlite(connection) => Session::Sqlite(connection),
            Self::Postgres(connection) => Session::Postgres(connection),
        }
    }

    /// Begins a transaction that writes; waits for its turn.
    pub(crate) fn begin_write(&self) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(_) => self.batch("begin immediate"),
            Self::Postgres(connection) => connection.begin_write(),
        }
    }

    /// Begins a transaction that sees one state of the store throughout.
    pub(crate) fn begin_read(&self) -> Result<(), DatabaseError> {
        self.batch(match self {
            Self::Sqlite(_) => "begin",
            Self::Postgres(_) => "begin isolation level repeatable read, read only",
        })
    }

    pub(crate) fn commit(&self) -> Result<(), DatabaseError> {
        self.batch("commit")
    }

    pub(crate) fn rollback(&self) -> Result<(), DatabaseError> {
        self.batch("rollback")
    }

    /// Marks a place in the transaction to which it can go back.
    pub(crate) fn set_mark(&self) -> Result<(), DatabaseError> {
        self.batch("savepoint mark")
    }

    /// Forgets the mark; what was done since stays.
    pub(crate) fn keep(&self) -> Result<(), DatabaseError> {
        self.batch("release savepoint mark")
    }

    /// Goes back to the mark.
    pub(crate) fn undo(&self) -> Result<(), DatabaseError> {
        self.batch("rollback to savepoint mark")?;
        self.keep()
    }

    /// Whether the transaction that was begun is still there: failures of the machine end it.
    pub(crate) fn is_in_transaction(&self) -> bool {
        match self {
            Self::Sqlite(connection) => !connection.is_autocommit(),
            Self::Postgres(connection) => !connection.is_lost(),
        }
    }

    /// Whether it must be opened anew.
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(connection) => connection.is_lost(),
        }
    }

    /// Runs statements without values and results.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(connection) => connection.execute_batch(sql).map_err(Into::into),
            Self::Postgres(connection) => connection.batch(sql),
        }
    }
}
