//! Which runs read which versions of files.

use everloop_domain::{RunId, Timestamp};

use super::Runs;
use crate::Error;
use crate::session::values;
use crate::values::{moment, parse};

/// That a run read a version of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The name of the dataset: of a file its path.
    pub name: String,
    /// Its digest.
    pub digest: String,
    /// The run.
    pub run: RunId,
    /// The run's name.
    pub run_name: String,
    /// When the run started.
    pub start_time: Timestamp,
}

impl Runs<'_> {
    /// Which runs that are not deleted read datasets named as a path or as one below it, the latest first. An empty path is
    /// above all.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn readings(&self, path: &str) -> Result<Vec<Reading>, Error> {
        let below = match path {
            "" => String::new(),
            path => format!("{path}/"),
        };
        let sql = "select distinct datasets.name, datasets.digest, runs.id, runs.name, start_time from datasets \
             join inputs on inputs.dataset = datasets.id join runs on runs.id = inputs.run \
             where (datasets.name = $1 or substr(datasets.name, 1, length($2)) = $2) and lifecycle = 'active' \
             order by start_time desc, runs.id, datasets.name";
        self.0.query(sql, &values![path, below], |row| {
            let id = row.get::<String>(2)?;
            Ok(Reading {
                name: row.get(0)?,
                digest: row.get(1)?,
                run: parse(&id, "runs", "id", &id)?,
                run_name: row.get(3)?,
                start_time: moment(row.get(4)?),
            })
        })
    }
}
