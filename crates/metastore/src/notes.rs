//! Small durable state by key.

use crate::Error;
use crate::session::{Session, values};

/// Notes.
#[derive(Debug)]
pub struct Notes<'c>(pub(crate) Session<'c>);

impl Notes<'_> {
    /// The note of a key, if there is one.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn get(&self, key: &str) -> Result<Option<String>, Error> {
        let sql = "select value from notes where key = $1";
        self.0.find(sql, &values![key], |row| row.get(0))
    }

    /// Sets the note of a key.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn set(&self, key: &str, value: &str) -> Result<(), Error> {
        let sql = "insert into notes (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value";
        self.0.execute(sql, &values![key, value])?;
        Ok(())
    }
}
