//! Schema versions: forward only, each in one transaction with its number.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::Error;

/// The migrations in order; the version of a file is how many of them it has seen.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/sqlite/0001_init.sql")];

/// Brings a file up to date. Two processes may do so at once: one waits and finds nothing to do.
pub(crate) fn run(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    let known = MIGRATIONS.len() as i64;
    let open = |source| Error::Open {
        path: path.display().to_string(),
        source,
    };
    let found = version(connection).map_err(open)?;
    if found > known {
        return Err(Error::NewerSchema {
            path: path.display().to_string(),
            found,
            known,
        });
    }
    if found == known {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(open)?;
    let found = version(&transaction).map_err(open)?;
    for migration in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, Path::new("x")).unwrap();
        run(&mut connection, Path::new("x")).unwrap();
        assert_eq!(version(&connection).unwrap(), MIGRATIONS.len() as i64);
    }

    #[test]
    fn a_newer_file_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = run(&mut connection, Path::new("x.db")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`x.db` has schema version 99, this program knows 1; use a newer everloop"
        );
    }
}
