//! One small interface to both databases: statements with bound values, and rows.
//!
//! The text of a statement is the same for both wherever possible. Places of values are `$1`, `$2`, …; SQLite counts them by
//! where they stand first in the text, so they stand in their order. What differs is in [`Dialect`].

mod values;

use rusqlite::params_from_iter;

use crate::Error;
use crate::connection::PostgresConnection;
use crate::error::DatabaseError;
pub(crate) use values::{Bind, Stored, Value, values};

/// A connection inside a transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Session<'c> {
    Sqlite(&'c rusqlite::Connection),
    Postgres(&'c PostgresConnection),
}

/// Which SQL a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// A query of the texts in a JSON list that is bound at a place.
    pub(crate) fn texts_of(self, place: &str) -> String {
        match self {
            Self::Sqlite => format!("select value from json_each({place})"),
            Self::Postgres => {
                format!("select jsonb_array_elements_text(cast(cast({place} as text) as jsonb))")
            }
        }
    }

    /// The text of an attribute in a JSON object of attributes; the key is bound at a place.
    pub(crate) fn attribute_of(self, content: &str, place: &str) -> String {
        match self {
            Self::Sqlite => format!(
                "(select case a.type when 'true' then 'true' when 'false' then 'false' else cast(a.value as text) end \
                 from json_each({content}, '$.attributes') a where a.key = {place})"
            ),
            Self::Postgres => {
                format!("(cast({content} as json) -> 'attributes' ->> cast({place} as text))")
            }
        }
    }

    /// A query of the numbers in a JSON list that is bound at a place.
    pub(crate) fn numbers_of(self, place: &str) -> String {
        match self {
            Self::Sqlite => format!("select value from json_each({place})"),
            Self::Postgres => format!(
                "select cast(value as bigint) from jsonb_array_elements_text(cast(cast({place} as text) as jsonb))"
            ),
        }
    }
}

impl Session<'_> {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement and gives how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, Error> {
        self.check(values)?;
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                Ok(statement.execute(params_from_iter(values))?)
            }
            Self::Postgres(connection) => Ok(connection.execute(sql, values)?),
        }
    }

    /// Runs an insertion, written with `values ($1, $2, …)`, for each row; gives how many rows it changed. The rows must
    /// not meet each other in an `on conflict … do update`.
    pub(crate) fn insert_rows(&self, sql: &str, rows: &[Vec<Value<'_>>]) -> Result<usize, Error> {
        for row in rows {
            self.check(row)?;
        }
        match (self, rows) {
            (_, []) => Ok(0),
            (_, [row]) => self.execute(sql, row),
            (Self::Sqlite(connection), _) => {
                let mut statement = connection.prepare_cached(sql)?;
                let mut n_changed = 0;
                for row in rows {
                    n_changed += statement.execute(params_from_iter(row))?;
                }
                Ok(n_changed)
            }
            (Self::Postgres(connection), _) => Ok(connection.insert_rows(sql, rows)?),
        }
    }

    /// Reads each row that a query gives.
    pub(crate) fn query<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.check(values)?;
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                let mut rows = statement.query(params_from_iter(values))?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    found.push(read(&Row::Sqlite(row))?);
                }
                Ok(found)
            }
            Self::Postgres(connection) => connection
                .query(sql, values)?
                .iter()
                .map(|row| read(&Row::Postgres(row)))
                .collect(),
        }
    }

    /// Reads the first row that a query gives, if there is one.
    pub(crate) fn find<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.check(values)?;
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                let mut rows = statement.query(params_from_iter(values))?;
                let row = rows.next()?;
                row.map(|row| read(&Row::Sqlite(row))).transpose()
            }
            Self::Postgres(connection) => {
                let rows = connection.query(sql, values)?;
                rows.first()
                    .map(|row| read(&Row::Postgres(row)))
                    .transpose()
            }
        }
    }

    /// Reads the one value of a query that always gives a row, such as a count.
    pub(crate) fn value<T: Stored + Default>(
        &self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<T, Error> {
        let value = self.find(sql, values, |row| row.get(0))?;
        Ok(value.unwrap_or_default())
    }

    /// Reads pairs of texts, such as tags.
    pub(crate) fn pairs<C: FromIterator<(String, String)>>(
        &self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<C, Error> {
        let pairs = self.query(sql, values, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(pairs.into_iter().collect())
    }

    /// Refuses what Postgres cannot keep.
    fn check(&self, values: &[Value<'_>]) -> Result<(), Error> {
        let Self::Postgres(_) = self else {
            return Ok(());
        };
        let nul = values.iter().find_map(|value| match value {
            Value::Text(text) if text.contains('\0') => Some(text),
            _ => None,
        });
        nul.map_or(Ok(()), |text| {
            Err(Error::Invalid(format!(
                "the text {text:?} has a NUL character, which Postgres cannot keep; leave it out"
            )))
        })
    }
}

/// A row that a query gave.
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r postgres::Row),
}

impl Row<'_> {
    /// The value of a column, counted from 0.
    pub(crate) fn get<T: Stored>(&self, column: usize) -> Result<T, Error> {
        let value = match self {
            Self::Sqlite(row) => Value::from_sqlite(row.get_ref(column)?),
            Self::Postgres(row) => row.try_get(column)?,
        };
        T::read(value).ok_or_else(|| DatabaseError::Value { column }.into())
    }
}
