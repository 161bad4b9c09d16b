//! The audit log: append-only, each row sealed with the hash of the one before.

use everloop_domain::{DigestBuilder, Timestamp};
use serde_json::Value;

use crate::Error;
use crate::session::{Row, Session, values};
use crate::values::{json, moment};

/// The audit log.
#[derive(Debug)]
pub struct Audit<'c>(pub(crate) Session<'c>);

/// Something that was done, by whom and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who: `controller`, `engine`, `command line`.
    pub actor: String,
    /// What: `cycle.start`, `model.promote`.
    pub action: String,
    /// On what.
    pub subject: String,
    /// Why, in words.
    pub why: String,
    /// More, by name.
    pub details: Value,
}

/// An entry in its place in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    /// Its number, from 1.
    pub number: u64,
    /// What was done.
    pub entry: Entry,
    /// The hash over it and the seal before it, in hex digits.
    pub seal: String,
}

const COLUMNS: &str = "id, at, actor, action, subject, why, details, hash";

struct EntryRow {
    id: i64,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    why: String,
    details: String,
    hash: String,
}

impl EntryRow {
    fn read(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            id: row.get(0)?,
            at: row.get(1)?,
            actor: row.get(2)?,
            action: row.get(3)?,
            subject: row.get(4)?,
            why: row.get(5)?,
            details: row.get(6)?,
            hash: row.get(7)?,
        })
    }

    /// The seal of this row after one with the seal `previous`.
    fn seal(&self, previous: &str) -> String {
        let mut digest = DigestBuilder::new();
        let (id, at) = (self.id.to_string(), self.at.to_string());
        for field in [
            previous,
            &id,
            &at,
            &self.actor,
            &self.action,
            &self.subject,
            &self.why,
            &self.details,
        ] {
            digest.field(field);
        }
        digest.finish().hex()
    }

    fn into_entry(self) -> Result<Entry, Error> {
        Ok(Entry {
            at: moment(self.at),
            actor: self.actor,
            action: self.action,
            subject: self.subject,
            why: self.why,
            details: json(&self.details, "audit", "details", self.id)?,
        })
    }
}

impl Audit<'_> {
    /// Appends an entry.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn append(&self, entry: &Entry) -> Result<(), Error> {
        let last: Option<(i64, String)> = self.0.find(
            "select id, hash from audit order by id desc limit 1",
            &values![],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let (last_id, previous) = last.unwrap_or_default();
        let row = EntryRow {
            id: last_id + 1,
            at: entry.at.as_millis(),
            actor: entry.actor.clone(),
            action: entry.action.clone(),
            subject: entry.subject.clone(),
            why: entry.why.clone(),
            details: entry.details.to_string(),
            hash: String::new(),
        };
        let sql = format!("insert into audit ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8)");
        self.0.execute(
            &sql,
            &values![
                row.id,
                row.at,
                row.actor,
                row.action,
                row.subject,
                row.why,
                row.details,
                row.seal(&previous)
            ],
        )?;
        Ok(())
    }

    /// The last entries, newest first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list(&self, limit: usize) -> Result<Vec<Entry>, Error> {
        let sql = format!("select {COLUMNS} from audit order by id desc limit $1");
        let rows = self.0.query(&sql, &values![limit], EntryRow::read)?;
        rows.into_iter().map(EntryRow::into_entry).collect()
    }

    /// The entries before a number, newest first; all are before `u64::MAX`.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn before(&self, number: u64, limit: usize) -> Result<Vec<Sealed>, Error> {
        let sql = format!("select {COLUMNS} from audit where id < $1 order by id desc limit $2");
        let rows = self
            .0
            .query(&sql, &values![number, limit], EntryRow::read)?;
        rows.into_iter()
            .map(|row| {
                Ok(Sealed {
                    number: row.id as u64,
                    seal: row.hash.clone(),
                    entry: row.into_entry()?,
                })
            })
            .collect()
    }

    /// The entries after a number, oldest first.
    pub(crate) fn since(&self, id: i64, limit: usize) -> Result<Vec<Entry>, Error> {
        let sql = format!("select {COLUMNS} from audit where id > $1 order by id limit $2");
        let rows = self.0.query(&sql, &values![id, limit], EntryRow::read)?;
        rows.into_iter().map(EntryRow::into_entry).collect()
    }

    /// Checks every seal; gives the number of the first row that does not hold, if one does not.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn verify(&self) -> Result<Option<i64>, Error> {
        let sql = format!("select {COLUMNS} from audit order by id");
        let mut previous = String::new();
        for row in self.0.query(&sql, &[], EntryRow::read)? {
            if row.seal(&previous) != row.hash {
                return Ok(Some(row.id));
            }
            previous = row.hash;
        }
        Ok(None)
    }
}
