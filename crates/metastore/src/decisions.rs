//! Decisions of the controller: recorded once, claimed by one.

use std::time::Duration;

use everloop_domain::Timestamp;

use crate::Error;
use crate::session::{Session, values};
use crate::values::moment;

/// Decisions.
#[derive(Debug)]
pub struct Decisions<'c>(pub(crate) Session<'c>);

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What makes it unique: the same situation gives the same key.
    pub key: String,
    /// What is to be done.
    pub kind: String,
    /// Why.
    pub why: String,
    /// When it was taken.
    pub decided_at: Timestamp,
    /// What came of it; nothing while it is open.
    pub outcome: Option<String>,
}

impl Decisions<'_> {
    /// Records a decision; gives whether it is new.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn record(&self, key: &str, kind: &str, why: &str, now: Timestamp) -> Result<bool, Error> {
        let sql = "insert into decisions (key, kind, why, decided_at) values ($1, $2, $3, $4) on conflict (key) do nothing";
        Ok(self
            .0
            .execute(sql, &values![key, kind, why, now.as_millis()])?
            > 0)
    }

    /// Takes an open decision for a time; gives whether it was free.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn claim(
        &self,
        key: &str,
        owner: &str,
        now: Timestamp,
        lease: Duration,
    ) -> Result<bool, Error> {
        let sql = "update decisions set owner = $1, lease_until = $2 where key = $3 and outcome is null \
             and (owner is null or owner = $1 or lease_until <= $4)";
        let until = (now + lease).as_millis();
        Ok(self
            .0
            .execute(sql, &values![owner, until, key, now.as_millis()])?
            > 0)
    }

    /// Says what came of a decision.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn finish(&self, key: &str, outcome: &str, now: Timestamp) -> Result<(), Error> {
        let sql = "update decisions set outcome = $1, finished_at = $2 where key = $3";
        let changed = self
            .0
            .execute(sql, &values![outcome, now.as_millis(), key])?;
        if changed == 0 {
            Err(Error::not_found("decision", &key))
        } else {
            Ok(())
        }
    }

    /// Whether a decision was ever recorded.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn is_recorded(&self, key: &str) -> Result<bool, Error> {
        let sql = "select count(*) from decisions where key = $1";
        let count: i64 = self.0.value(sql, &values![key])?;
        Ok(count > 0)
    }

    /// The open decisions, oldest first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn unfinished(&self) -> Result<Vec<Decision>, Error> {
        let sql = "select key, kind, why, decided_at, outcome from decisions where outcome is null order by decided_at, key";
        self.0.query(sql, &[], |row| {
            Ok(Decision {
                key: row.get(0)?,
                kind: row.get(1)?,
                why: row.get(2)?,
                decided_at: moment(row.get(3)?),
                outcome: row.get(4)?,
            })
        })
    }
}
