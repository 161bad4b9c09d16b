//! Schema versions: forward only, each in one transaction with its number.

use crate::Error;
use crate::connection::{self, Connection};
use crate::error::DatabaseError;
use crate::place::Place;
use crate::session::{Dialect, Session};

/// A migration in the SQL of each database.
struct Migration {
    sqlite: &'static str,
    postgres: &'static str,
}

/// The migration of a file name.
macro_rules! migration {
    ($file:literal) => {
        Migration {
            sqlite: include_str!(concat!("../migrations/sqlite/", $file)),
            postgres: include_str!(concat!("../migrations/postgres/", $file)),
        }
    };
}

/// The migrations in order; the version of a database is how many of them it has seen.
const MIGRATIONS: [Migration; 5] = [
    migration!("0001_init.sql"),
    migration!("0002_search.sql"),
    migration!("0003_metrics_by_step.sql"),
    migration!("0004_webhooks.sql"),
    migration!("0005_traces.sql"),
];
/// Marks our files among all SQLite databases: `EVLP`.
const APPLICATION_ID: i64 = 0x4556_4c50;

/// Which schema a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The version that was found when it was opened; 0 if it was empty.
    pub found: i64,
    /// The version that it has now.
    pub version: i64,
}

/// Brings a database up to date. Two processes may do so at once: one waits and finds nothing to do.
pub(crate) fn run(connection: &Connection, place: &Place) -> Result<Schema, Error> {
    let version = MIGRATIONS.len() as i64;
    let found = check(connection, place)?;
    if found == version {
        return Ok(Schema { found, version });
    }
    let failed = |source: DatabaseError| Error::Open {
        path: place.shown(),
        source,
    };
    connection.begin_write().map_err(failed)?;
    let migrated = check(connection, place).and_then(|found| {
        migrate(connection, found as usize).map_err(failed)?;
        connection.commit().map_err(failed)
    });
    if migrated.is_err() && connection.is_in_transaction() {
        // The error above says what is wrong; the connection is closed by the caller.
        let _ = connection.rollback();
    }
    migrated.map(|()| Schema { found, version })
}

fn migrate(connection: &Connection, found: usize) -> Result<(), DatabaseError> {
    let dialect = connection.session().dialect();
    for migration in MIGRATIONS.iter().skip(found) {
        connection.batch(match dialect {
            Dialect::Sqlite => migration.sqlite,
            Dialect::Postgres => migration.postgres,
        })?;
    }
    let known = MIGRATIONS.len();
    connection.batch(&match dialect {
        Dialect::Sqlite => {
            format!("pragma application_id = {APPLICATION_ID}; pragma user_version = {known}")
        }
        Dialect::Postgres => format!(
            "create table if not exists everloop_schema (version bigint not null); delete from everloop_schema; \
             insert into everloop_schema (version) values ({known})"
        ),
    })
}

/// The version of a database that is empty or ours, at most the one we know.
fn check(connection: &Connection, place: &Place) -> Result<i64, Error> {
    let session = connection.session();
    let version = match session.dialect() {
        Dialect::Sqlite => find_in_file(session),
        Dialect::Postgres => find_on_server(session),
    };
    let version = version.map_err(|error| match error {
        Error::Sql(source) => connection::failed(place, source),
        error => error,
    })?;
    let known = MIGRATIONS.len() as i64;
    match version {
        None => Err(Error::NotAMetastore {
            path: place.shown(),
            problem: "it is another program's database",
        }),
        Some(found) if found > known => Err(Error::NewerSchema {
            path: place.shown(),
            found,
            known,
        }),
        Some(found) => Ok(found),
    }
}

/// The version of a file; nothing if it is another program's.
fn find_in_file(session: Session<'_>) -> Result<Option<i64>, Error> {
    let number = |sql: &str| session.value::<i64>(sql, &[]);
    let found = number("pragma user_version")?;
    let application = number("pragma application_id")?;
    let n_things = number("select count(*) from sqlite_schema")?;
    let is_ours = application == APPLICATION_ID || (n_things == 0 && found == 0);
    Ok(is_ours.then_some(found))
}

/// The version of the schema that comes first in the search path; nothing if it is another program's.
fn find_on_server(session: Session<'_>) -> Result<Option<i64>, Error> {
    let tables: Vec<String> = session.query(
        "select table_name from information_schema.tables where table_schema = current_schema()",
        &[],
        |row| row.get(0),
    )?;
    if tables.iter().any(|table| table == "everloop_schema") {
        return session
            .value("select version from everloop_schema", &[])
            .map(Some);
    }
    Ok(tables.is_empty().then_some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place::File("x.db".into())
    }

    fn empty() -> Connection {
        Connection::writer(&Place::new_memory()).unwrap()
    }

    #[test]
    fn running_twice_changes_nothing() {
        let connection = empty();
        run(&connection, &place()).unwrap();
        run(&connection, &place()).unwrap();
        assert_eq!(
            check(&connection, &place()).unwrap(),
            MIGRATIONS.len() as i64
        );
    }

    #[test]
    fn points_survive_the_migration_to_steps() {
        let connection = empty();
        for migration in &MIGRATIONS[..2] {
            connection.batch(migration.sqlite).unwrap();
        }
        let old = format!(
            "pragma application_id = {APPLICATION_ID}; pragma user_version = 2; \
             insert into runs (id, experiment, name, user, status, start_time, artifact_uri) values ('r', 0, '', '', 'RUNNING', 0, ''); \
             insert into metrics values ('r', 'm', 1, 2, 3.5, 0), ('r', 'm', 0, 3, 0.0, 1); \
             insert into latest_metrics (run, key, timestamp, step, value, is_nan) values ('r', 'm', 0, 3, 0.0, 1)"
        );
        connection.batch(&old).unwrap();
        let schema = run(&connection, &place()).unwrap();
        assert_eq!((schema.found, schema.version), (2, MIGRATIONS.len() as i64));
        let points: Vec<(i64, i64, f64, bool)> = connection
            .session()
            .query(
                "select timestamp, step, value, is_nan from metrics order by step",
                &[],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .unwrap();
        assert_eq!(points, [(1, 2, 3.5, false), (0, 3, 0.0, true)]);
        // Nobody knows of old points whether they are in order.
        let in_order = "select in_order from latest_metrics";
        assert!(!connection.session().value::<bool>(in_order, &[]).unwrap());
    }

    #[test]
    fn a_newer_file_is_refused() {
        let connection = empty();
        run(&connection, &place()).unwrap();
        connection.batch("pragma user_version = 99").unwrap();
        let error = run(&connection, &place()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`x.db` has schema version 99, this program knows 5; use a newer everloop"
        );
    }

    #[test]
    fn another_programs_database_is_refused() {
        let connection = empty();
        connection.batch("create table experiments (id)").unwrap();
        let error = run(&connection, &place()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`x.db` is not a metastore: it is another program's database; name another file or move this one away"
        );
    }
}
