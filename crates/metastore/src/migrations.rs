//! Schema versions: forward only, each in one transaction with its number.

use rusqlite::{Connection, TransactionBehavior};

use crate::Error;
use crate::connection::Place;

/// The migrations in order; the version of a file is how many of them it has seen.
const MIGRATIONS: [&str; 2] = [
    include_str!("../migrations/sqlite/0001_init.sql"),
    include_str!("../migrations/sqlite/0002_search.sql"),
];
/// Marks our files among all SQLite databases: `EVLP`.
const APPLICATION_ID: i64 = 0x4556_4c50;

/// Brings a file up to date. Two processes may do so at once: one waits and finds nothing to do.
pub(crate) fn run(connection: &mut Connection, place: &Place) -> Result<(), Error> {
    let known = MIGRATIONS.len() as i64;
    let failed = |source| place.failed(source);
    if find_version(connection, place)? == known {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let found = find_version(&transaction, place)?;
    let migrate = || {
        for migration in MIGRATIONS.iter().skip(found as usize) {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", known)
    };
    migrate().map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// The version of a file that is empty or ours, at most the one we know.
fn find_version(connection: &Connection, place: &Place) -> Result<i64, Error> {
    let number = |pragma| {
        connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .map_err(|source| place.failed(source))
    };
    let (found, application) = (number("user_version")?, number("application_id")?);
    let n_things: i64 = connection
        .query_row("select count(*) from sqlite_schema", [], |row| row.get(0))
        .map_err(|source| place.failed(source))?;
    if application != APPLICATION_ID && (n_things > 0 || found > 0) {
        return Err(Error::NotAMetastore {
            path: place.shown(),
            problem: "it is another program's database",
        });
    }
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(Error::NewerSchema {
            path: place.shown(),
            found,
            known,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place::File("x.db".into())
    }

    #[test]
    fn running_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, &place()).unwrap();
        run(&mut connection, &place()).unwrap();
        assert_eq!(
            find_version(&connection, &place()).unwrap(),
            MIGRATIONS.len() as i64
        );
    }

    #[test]
    fn a_newer_file_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, &place()).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = run(&mut connection, &place()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`x.db` has schema version 99, this program knows 2; use a newer everloop"
        );
    }

    #[test]
    fn another_programs_database_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("create table experiments (id)")
            .unwrap();
        let error = run(&mut connection, &place()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`x.db` is not a metastore: it is another program's database; name another file or move this one away"
        );
    }
}
