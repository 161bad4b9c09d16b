//! Small durable state by key.

use rusqlite::{Connection, OptionalExtension as _};

use crate::Error;

/// Notes.
#[derive(Debug)]
pub struct Notes<'c>(pub(crate) &'c Connection);

impl Notes<'_> {
    /// The note of a key, if there is one.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn get(&self, key: &str) -> Result<Option<String>, Error> {
        let mut statement = self
            .0
            .prepare_cached("select value from notes where key = $1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Sets the note of a key.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn set(&self, key: &str, value: &str) -> Result<(), Error> {
        let sql = "insert into notes (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value";
        self.0.prepare_cached(sql)?.execute([key, value])?;
        Ok(())
    }
}
