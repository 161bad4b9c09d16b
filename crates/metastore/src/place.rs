//! Where a store is: a SQLite file, memory, or a Postgres database.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use postgres::config::{Config, Host, SslMode};

use crate::Error;

/// Makes the names of databases in memory differ.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Where a database is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In a file.
    File(PathBuf),
    /// In memory, for as long as a connection is open; all connections of the process with the name see it.
    Memory(String),
    /// On a Postgres server.
    Postgres(Box<Config>),
}

impl Place {
    pub(crate) fn new_memory() -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        Self::Memory(format!("file:/everloop-{number}?vfs=memdb"))
    }

    /// Reads a URI as `SQLAlchemy` writes it: `sqlite:///relative.db`, `sqlite:////absolute.db`,
    /// `postgresql://user:password@host:port/database`, the latter also with a driver's name (`postgresql+psycopg2`).
    pub(crate) fn parse(uri: &str) -> Result<Self, Error> {
        let (scheme, rest) = uri
            .split_once("://")
            .ok_or_else(|| refused("<not shown>", "it has no `scheme://`"))?;
        match scheme.split('+').next().unwrap_or_default() {
            "sqlite" => match rest.strip_prefix('/') {
                Some(path) if !path.is_empty() => std::path::absolute(Path::new(path))
                    .map(Self::File)
                    .map_err(|_| refused(uri, "it names no file")),
                _ => Err(refused(uri, "it names no file")),
            },
            "postgresql" | "postgres" => {
                let config: Result<Config, _> = format!("postgresql://{rest}").parse();
                // The problem may quote the URI, and with it the password.
                let config =
                    config.map_err(|_| refused(&without_password(uri), "it is malformed"))?;
                Ok(Self::Postgres(Box::new(with_defaults(config, rest))))
            }
            _ => Err(refused(
                &without_password(uri),
                "it is of neither SQLite nor Postgres",
            )),
        }
    }

    /// The name for people, without a password.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Memory(_) => "memory".to_owned(),
            Self::Postgres(config) => {
                let host = match config.get_hosts().first() {
                    Some(Host::Tcp(name)) => name.clone(),
                    Some(Host::Unix(path)) => path.display().to_string(),
                    None => "localhost".to_owned(),
                };
                let port = config.get_ports().first().copied().unwrap_or(5432);
                let database = config.get_dbname().unwrap_or_default();
                format!("postgresql://{host}:{port}/{database}")
            }
        }
    }
}

/// Fills in what was not said: to this machine nothing is encrypted, connections that hang end, and the server's list of
/// sessions tells whose they are.
fn with_defaults(mut config: Config, uri: &str) -> Config {
    let is_local = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => ["localhost", "127.0.0.1", "::1"].contains(&name.as_str()),
        Host::Unix(_) => true,
    });
    if is_local && !uri.contains("sslmode=") {
        config.ssl_mode(SslMode::Disable);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(std::time::Duration::from_secs(10));
    }
    if config.get_application_name().is_none() {
        config.application_name("everloop");
    }
    config
}

/// A URI whose password is a star.
fn without_password(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return uri.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((user, place)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:*@{place}")
        }
        None => uri.to_owned(),
    }
}

fn refused(uri: &str, problem: &str) -> Error {
    Error::Invalid(format!(
        "`{uri}` is no address of a database: {problem}; write `sqlite:///relative.db`, `sqlite:////absolute/path.db` or \
         `postgresql://user:password@host:5432/database`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, shown: &str) {
        let place = Place::parse(uri).unwrap();
        assert_eq!(place.shown(), shown);
    }

    #[test]
    fn addresses_are_read_as_sqlalchemy_writes_them() {
        check("sqlite:////tmp/m.db", "/tmp/m.db");
        let here = std::env::current_dir().unwrap().join("m.db");
        check("sqlite:///m.db", &here.display().to_string());
        check(
            "postgresql://a:s%40cret@db.example:6000/ml",
            "postgresql://db.example:6000/ml",
        );
        check("postgres://db/ml", "postgresql://db:5432/ml");
        check("postgresql+psycopg2://a@db/ml", "postgresql://db:5432/ml");
        check(
            "postgresql:///ml?host=/run/pg&port=5499",
            "postgresql:///run/pg:5499/ml",
        );
    }

    #[test]
    fn what_is_no_address_is_refused_without_telling_the_password() {
        for uri in [
            "m.db",
            "sqlite://",
            "sqlite:///",
            "mysql://a:secret@db/ml",
            "postgresql://a:secret@db:port/ml",
            "postgresql://a:secret@db/ml?sslmode=maybe",
        ] {
            let error = Place::parse(uri).unwrap_err().to_string();
            assert!(error.contains("is no address of a database"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn only_other_machines_are_spoken_to_in_secret_by_default() {
        let mode = |uri| match Place::parse(uri).unwrap() {
            Place::Postgres(config) => config.get_ssl_mode(),
            place => panic!("{place:?}"),
        };
        assert_eq!(mode("postgresql://localhost/ml"), SslMode::Disable);
        assert_eq!(
            mode("postgresql://localhost/ml?sslmode=require"),
            SslMode::Require
        );
        assert_eq!(mode("postgresql://db/ml"), SslMode::Prefer);
    }
}
