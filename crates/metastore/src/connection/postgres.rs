//! Connections to Postgres.

use std::cell::{RefCell, RefMut};
use std::collections::HashMap;
use std::fmt;

use postgres::config::SslMode;
use postgres::types::ToSql;
use postgres::{Client, Config, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::DatabaseError;
use crate::session::Value;

/// The lock that writers take in turns: `EVLP` in ASCII.
const TURN: i64 = 0x4556_4c50;
/// How many prepared statements a connection keeps.
const MAX_STATEMENTS: usize = 512;

/// A connection to a Postgres server, with its prepared statements.
pub(crate) struct PostgresConnection {
    /// Absent only while it is dropped.
    client: Option<RefCell<Client>>,
    statements: RefCell<HashMap<String, Statement>>,
}

impl fmt::Debug for PostgresConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConnection").finish_non_exhaustive()
    }
}

impl PostgresConnection {
    /// Opens a connection. Certificates are checked against the machine's own roots.
    pub(crate) fn open(config: &Config) -> Result<Self, DatabaseError> {
        let mut client = match config.get_ssl_mode() {
            SslMode::Disable => config.connect(NoTls)?,
            _ => match MakeRustlsConnect::with_native_certs() {
                Ok((tls, _)) => config.connect(tls)?,
                Err(_) => config.connect(NoTls)?,
            },
        };
        // Statements are short: compiling one to machine code takes longer than running it.
        client.batch_execute("set jit = off")?;
        Ok(Self {
            client: Some(RefCell::new(client)),
            statements: RefCell::default(),
        })
    }

    /// The client; statements follow each other, so it is never borrowed twice.
    #[expect(
        clippy::expect_used,
        reason = "the client is taken only by `drop`, after which nobody can ask"
    )]
    fn client(&self) -> RefMut<'_, Client> {
        self.client.as_ref().expect("it is open").borrow_mut()
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.client().is_closed()
    }

    pub(crate) fn batch(&self, sql: &str) -> Result<(), DatabaseError> {
        Ok(self.client().batch_execute(sql)?)
    }

    /// Begins a transaction when no other writer has one.
    pub(crate) fn begin_write(&self) -> Result<(), DatabaseError> {
        let begun = self.batch(&format!("begin; select pg_advisory_xact_lock({TURN})"));
        if begun.is_err() {
            // The transaction may have been begun without the lock; without a connection there is nothing to undo.
            let _ = self.batch("rollback");
        }
        begun
    }

    pub(crate) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, DatabaseError> {
        let statement = self.prepare(sql)?;
        let n_changed = self.client().execute(&statement, &bound(values))?;
        Ok(n_changed as usize)
    }

    pub(crate) fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, DatabaseError> {
        let statement = self.prepare(sql)?;
        Ok(self.client().query(&statement, &bound(values))?)
    }

    /// Runs an insertion of one row, written `values ($1, $2, …)`, for many rows at once: the columns go over as arrays.
    pub(crate) fn insert_rows(
        &self,
        sql: &str,
        rows: &[Vec<Value<'_>>],
    ) -> Result<usize, DatabaseError> {
        let single = self.prepare(sql)?;
        let arrays: Vec<String> = single
            .params()
            .iter()
            .enumerate()
            .map(|(place, kind)| format!("${}::{}[]", place + 1, kind.name()))
            .collect();
        let places: Vec<String> = (1..=arrays.len())
            .map(|place| format!("${place}"))
            .collect();
        let many = sql.replacen(
            &format!("values ({})", places.join(", ")),
            &format!("select * from unnest({})", arrays.join(", ")),
            1,
        );
        let many = self.prepare(&many)?;
        let columns: Vec<Vec<&Value<'_>>> = (0..arrays.len())
            .map(|column| rows.iter().map(|row| &row[column]).collect())
            .collect();
        let columns: Vec<&(dyn ToSql + Sync)> = columns
            .iter()
            .map(|column| column as &(dyn ToSql + Sync))
            .collect();
        Ok(self.client().execute(&many, &columns)? as usize)
    }

    fn prepare(&self, sql: &str) -> Result<Statement, DatabaseError> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client().prepare(sql)?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= MAX_STATEMENTS {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Drop for PostgresConnection {
    fn drop(&mut self) {
        // Closing waits for the server, which a thread of an async runtime must not.
        if let Some(client) = self.client.take() {
            let closing = std::thread::spawn(move || drop(client));
            let _ = closing.join();
        }
    }
}

fn bound<'v>(values: &'v [Value<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}
