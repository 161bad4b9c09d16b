//! Signals: monitored scores over windows.

use everloop_domain::{ModelName, Timestamp, VersionNumber};
use serde_json::Value as Json;

use crate::Error;
use crate::session::{Session, Value, values};
use crate::values::{json, moment, parse};

/// Signals.
#[derive(Debug)]
pub struct Signals<'c>(pub(crate) Session<'c>);

/// A score over a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// The model.
    pub model: ModelName,
    /// Its version in the window.
    pub version: VersionNumber,
    /// What was scored: `drift:temp`, `rmse`, `p99_ms`.
    pub name: String,
    /// `drift`, `quality`, `service`.
    pub kind: String,
    /// The first moment of the window.
    pub window_start: Timestamp,
    /// The moment after its last.
    pub window_end: Timestamp,
    /// The score.
    pub value: Option<f64>,
    /// What it was compared with.
    pub threshold: Option<f64>,
    /// `ok`, `alarm`, `unknown`.
    pub verdict: String,
    /// More about it.
    pub details: Json,
}

/// Where a signal stands in the order in which signals of a model are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalPlace {
    /// The moment after the last of its window.
    pub window_end: Timestamp,
    /// Its name.
    pub name: String,
    /// The model's version.
    pub version: VersionNumber,
}

impl Signal {
    /// Its place.
    #[must_use]
    pub fn place(&self) -> SignalPlace {
        SignalPlace {
            window_end: self.window_end,
            name: self.name.clone(),
            version: self.version,
        }
    }
}

impl Signals<'_> {
    /// Keeps signals; one of the same model, version, name and window end is replaced.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn insert(&self, signals: &[Signal]) -> Result<(), Error> {
        let sql = "insert into signals (model, version, name, kind, window_start, window_end, value, threshold, verdict, details) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (model, version, name, window_end) do update set \
             kind = excluded.kind, window_start = excluded.window_start, value = excluded.value, \
             threshold = excluded.threshold, verdict = excluded.verdict, details = excluded.details";
        let number = |value: Option<f64>| value.filter(|value| !value.is_nan());
        for signal in signals {
            let (value, threshold) = (number(signal.value), number(signal.threshold));
            let details = signal.details.to_string();
            let values = values![
                signal.model.as_str(),
                signal.version.0,
                signal.name,
                signal.kind,
                signal.window_start.as_millis(),
                signal.window_end.as_millis(),
                value,
                threshold,
                signal.verdict,
                details
            ];
            self.0.execute(sql, &values)?;
        }
        Ok(())
    }

    /// The last signals of a model, newest window first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list(&self, model: &ModelName, limit: usize) -> Result<Vec<Signal>, Error> {
        self.select(
            "where model = $1 order by window_end desc, name limit $2",
            model,
            limit as i64,
        )
    }

    /// The signals of a model after a place: newest window first, then by name, then the newest version first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn after(
        &self,
        model: &ModelName,
        place: Option<&SignalPlace>,
        limit: usize,
    ) -> Result<Vec<Signal>, Error> {
        let order = "order by window_end desc, name, version desc";
        let Some(place) = place else {
            let values = values![model.as_str(), limit];
            return self.select_by(&format!("where model = $1 {order} limit $2"), &values);
        };
        let condition = format!(
            "where model = $1 and (window_end < $2 or (window_end = $2 and (name > $3 or (name = $3 and version < $4)))) \
             {order} limit $5"
        );
        let values = values![
            model.as_str(),
            place.window_end.as_millis(),
            place.name,
            place.version.0,
            limit
        ];
        self.select_by(&condition, &values)
    }

    /// The newest signal of each name of a model's version.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn latest(&self, model: &ModelName, version: VersionNumber) -> Result<Vec<Signal>, Error> {
        let condition = "where model = $1 and version = $2 and window_end = (select max(other.window_end) from signals other \
             where other.model = signals.model and other.version = signals.version and other.name = signals.name) order by name";
        self.select(condition, model, version.0 as i64)
    }

    /// The signal of a number of the table.
    pub(crate) fn find(&self, id: i64) -> Result<Option<Signal>, Error> {
        Ok(self.select_by("where id = $1", &values![id])?.pop())
    }

    fn select(
        &self,
        condition: &str,
        model: &ModelName,
        second: i64,
    ) -> Result<Vec<Signal>, Error> {
        self.select_by(condition, &values![model.as_str(), second])
    }

    fn select_by(&self, condition: &str, values: &[Value<'_>]) -> Result<Vec<Signal>, Error> {
        let sql = format!(
            "select model, version, name, kind, window_start, window_end, value, threshold, verdict, details from signals {condition}"
        );
        self.0.query(&sql, values, |row| {
            let name: String = row.get(2)?;
            Ok(Signal {
                model: parse(&row.get::<String>(0)?, "signals", "model", &name)?,
                version: VersionNumber(row.get(1)?),
                kind: row.get(3)?,
                window_start: moment(row.get(4)?),
                window_end: moment(row.get(5)?),
                value: row.get(6)?,
                threshold: row.get(7)?,
                verdict: row.get(8)?,
                details: json(&row.get::<String>(9)?, "signals", "details", &name)?,
                name,
            })
        })
    }
}
