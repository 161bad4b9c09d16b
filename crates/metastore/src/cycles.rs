//! Cycles: one unfinished at a time, numbered from 1.

use std::collections::BTreeMap;

use everloop_domain::{CycleNumber, CycleOutcome, CycleReason, RunId, Timestamp, VersionNumber};

use crate::Error;
use crate::session::{Row, Session, Value, values};
use crate::values::{moment, numbers, numbers_to_json, parse};

/// Cycles.
#[derive(Debug)]
pub struct Cycles<'c>(pub(crate) Session<'c>);

/// A cycle to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCycle {
    /// Why.
    pub reason: CycleReason,
    /// Why, in words.
    pub why: String,
    /// When.
    pub now: Timestamp,
    /// Its run, if there is one already.
    pub run_id: Option<RunId>,
}

/// A pass through the loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Cycle {
    /// Its number.
    pub number: CycleNumber,
    /// Why it was started.
    pub reason: CycleReason,
    /// Why it was started and how it ended, in words.
    pub why: String,
    /// How it ended; nothing while it runs.
    pub outcome: Option<CycleOutcome>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The run with its details.
    pub run_id: Option<RunId>,
    /// The candidate's scores.
    pub metrics: BTreeMap<String, f64>,
    /// The version that was served after it.
    pub champion_version: Option<VersionNumber>,
}

const COLUMNS: &str =
    "number, reason, why, outcome, started_at, finished_at, run, metrics, champion_version";

struct CycleRow {
    number: u64,
    reason: String,
    why: String,
    outcome: Option<String>,
    started_at: i64,
    finished_at: Option<i64>,
    run: Option<String>,
    metrics: String,
    champion_version: Option<u64>,
}

impl CycleRow {
    fn read(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            number: row.get(0)?,
            reason: row.get(1)?,
            why: row.get(2)?,
            outcome: row.get(3)?,
            started_at: row.get(4)?,
            finished_at: row.get(5)?,
            run: row.get(6)?,
            metrics: row.get(7)?,
            champion_version: row.get(8)?,
        })
    }

    fn into_cycle(self) -> Result<Cycle, Error> {
        let number = self.number;
        Ok(Cycle {
            number: CycleNumber(number),
            reason: parse(&self.reason, "cycles", "reason", number)?,
            why: self.why,
            outcome: self
                .outcome
                .map(|text| parse(&text, "cycles", "outcome", number))
                .transpose()?,
            started_at: moment(self.started_at),
            finished_at: self.finished_at.map(moment),
            run_id: self
                .run
                .map(|text| parse(&text, "cycles", "run", number))
                .transpose()?,
            metrics: numbers(&self.metrics, "cycles", "metrics", number)?,
            champion_version: self.champion_version.map(VersionNumber),
        })
    }
}

impl Cycles<'_> {
    /// Starts a cycle and gives its number.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if one is unfinished.
    pub fn start(&self, new: &NewCycle) -> Result<CycleNumber, Error> {
        if let Some(cycle) = self.find_unfinished()? {
            return Err(Error::Conflict(format!(
                "cycle {} is unfinished; it must end first",
                cycle.number
            )));
        }
        let sql = "insert into cycles (number, reason, why, started_at, run) \
             select coalesce(max(number), 0) + 1, $1, $2, cast($3 as bigint), $4 from cycles returning number";
        let run = new.run_id.as_ref().map(RunId::as_str);
        let values = values![new.reason.as_str(), new.why, new.now.as_millis(), run];
        let number = self.0.value(sql, &values)?;
        Ok(CycleNumber(number))
    }

    /// The cycle of a number.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn get(&self, number: CycleNumber) -> Result<Cycle, Error> {
        self.find("number = $1", &values![number.0])?
            .ok_or_else(|| Error::not_found("cycle", &number))
    }

    /// The cycle that has not ended, if there is one.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn find_unfinished(&self) -> Result<Option<Cycle>, Error> {
        self.find("outcome is null", &[])
    }

    fn find(&self, condition: &str, values: &[Value<'_>]) -> Result<Option<Cycle>, Error> {
        let sql = format!("select {COLUMNS} from cycles where {condition}");
        let row = self.0.find(&sql, values, CycleRow::read)?;
        row.map(CycleRow::into_cycle).transpose()
    }

    /// The last cycles, newest first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list(&self, limit: usize) -> Result<Vec<Cycle>, Error> {
        let sql = format!("select {COLUMNS} from cycles order by number desc limit $1");
        let rows = self.0.query(&sql, &values![limit], CycleRow::read)?;
        rows.into_iter().map(CycleRow::into_cycle).collect()
    }

    /// The cycles before a number, newest first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn before(&self, number: CycleNumber, limit: usize) -> Result<Vec<Cycle>, Error> {
        let sql =
            format!("select {COLUMNS} from cycles where number < $1 order by number desc limit $2");
        let values = values![number.0, limit];
        let rows = self.0.query(&sql, &values, CycleRow::read)?;
        rows.into_iter().map(CycleRow::into_cycle).collect()
    }

    /// The cycle whose details a run holds, if it is one's.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn find_by_run(&self, run: &RunId) -> Result<Option<Cycle>, Error> {
        self.find("run = $1", &values![run.as_str()])
    }

    /// Names the run of a cycle.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such cycle.
    pub fn set_run(&self, number: CycleNumber, run: &RunId) -> Result<(), Error> {
        let changed = self.0.execute(
            "update cycles set run = $1 where number = $2",
            &values![run.as_str(), number.0],
        )?;
        if changed == 0 {
            Err(Error::not_found("cycle", &number))
        } else {
            Ok(())
        }
    }

    /// Ends a cycle.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if it has ended already, [`Error::NotFound`] if there is none.
    pub fn finish(
        &self,
        number: CycleNumber,
        outcome: CycleOutcome,
        why: &str,
        now: Timestamp,
        metrics: &BTreeMap<String, f64>,
        champion: Option<VersionNumber>,
    ) -> Result<(), Error> {
        if let Some(ended) = self.get(number)?.outcome {
            return Err(Error::Conflict(format!(
                "cycle {number} has ended already: {ended}"
            )));
        }
        let sql = "update cycles set outcome = $1, why = why || ' -> ' || $2, finished_at = $3, metrics = $4, champion_version = $5 \
             where number = $6";
        self.0.execute(
            sql,
            &values![
                outcome.as_str(),
                why,
                now.as_millis(),
                numbers_to_json(metrics),
                champion.map(|version| version.0),
                number.0
            ],
        )?;
        Ok(())
    }

    /// Marks the cycle that promoted a version as rolled back.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such cycle.
    pub fn roll_back(&self, number: CycleNumber, why: &str) -> Result<(), Error> {
        let sql = "update cycles set outcome = $1, why = why || ' -> ' || $2 where number = $3";
        let outcome = CycleOutcome::RolledBack.as_str();
        let changed = self.0.execute(sql, &values![outcome, why, number.0])?;
        if changed == 0 {
            Err(Error::not_found("cycle", &number))
        } else {
            Ok(())
        }
    }
}
