//! Metrics of runs: every point is kept once, the latest is found at once.
//!
//! The latest is the greatest by step, then timestamp, then value (MLflow's rule), not the last written; NaN is
//! smaller than any number. SQLite has no NaN, so a flag stands for it.

use std::cmp::Ordering;
use std::collections::HashMap;

use everloop_domain::{RunId, Timestamp};

use super::Runs;
use crate::Error;
use crate::session::{Bind, Row, Value, values};
use crate::values::moment;

/// A point of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The metric's name.
    pub key: String,
    /// Its value; NaN and infinities are kept.
    pub value: f64,
    /// When it was measured.
    pub timestamp: Timestamp,
    /// The step, as the user counts.
    pub step: i64,
}

impl Metric {
    /// From a row of key, value, timestamp, step and whether the value is NaN.
    pub(crate) fn read(row: &Row<'_>) -> Result<Self, Error> {
        let is_nan: bool = row.get(4)?;
        Ok(Self {
            key: row.get(0)?,
            value: if is_nan { f64::NAN } else { row.get(1)? },
            timestamp: moment(row.get(2)?),
            step: row.get(3)?,
        })
    }

    /// As a row of a run.
    fn row<'v>(&'v self, run: &'v RunId) -> Vec<Value<'v>> {
        let is_nan = self.value.is_nan();
        vec![
            (&run.as_str()).bind(),
            (&self.key).bind(),
            Value::Integer(self.timestamp.as_millis()),
            Value::Integer(self.step),
            Value::Real(if is_nan { 0.0 } else { self.value }),
            Value::Integer(i64::from(is_nan)),
        ]
    }

    /// Whether it comes after another in MLflow's order.
    fn is_later_than(&self, other: &Self) -> bool {
        let place = |metric: &Self| (metric.step, metric.timestamp, !metric.value.is_nan());
        match place(self).cmp(&place(other)) {
            Ordering::Equal => self.value > other.value,
            order => order == Ordering::Greater,
        }
    }
}

/// Of each key its latest point, in the order in which the keys first came.
fn latest_of_each(metrics: &[Metric]) -> Vec<&Metric> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut latest: Vec<&Metric> = Vec::new();
    for metric in metrics {
        match places.get(metric.key.as_str()) {
            None => {
                places.insert(&metric.key, latest.len());
                latest.push(metric);
            }
            Some(&place) if metric.is_later_than(latest[place]) => latest[place] = metric,
            Some(_) => {}
        }
    }
    latest
}

impl Runs<'_> {
    /// Logs points; one that is there already is not stored twice.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such run, [`Error::Invalid`] if it is deleted.
    pub fn log_metrics(&self, id: &RunId, metrics: &[Metric]) -> Result<(), Error> {
        self.require_active(id)?;
        let point = "insert into metrics (run, key, timestamp, step, value, is_nan) values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
        let latest = "insert into latest_metrics (run, key, timestamp, step, value, is_nan) values ($1, $2, $3, $4, $5, $6) \
             on conflict (run, key) do update set timestamp = excluded.timestamp, step = excluded.step, \
             value = excluded.value, is_nan = excluded.is_nan \
             where (excluded.step, excluded.timestamp, 1 - excluded.is_nan, excluded.value) > \
             (latest_metrics.step, latest_metrics.timestamp, 1 - latest_metrics.is_nan, latest_metrics.value)";
        let points: Vec<_> = metrics.iter().map(|metric| metric.row(id)).collect();
        self.0.insert_rows(point, &points)?;
        let latests: Vec<_> = latest_of_each(metrics)
            .into_iter()
            .map(|metric| metric.row(id))
            .collect();
        self.0.insert_rows(latest, &latests)?;
        Ok(())
    }

    /// The latest point of each metric, in the order in which they were first logged.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn latest_metrics(&self, id: &RunId) -> Result<Vec<Metric>, Error> {
        let sql = "select key, value, timestamp, step, is_nan from latest_metrics where run = $1 order by position";
        self.0.query(sql, &values![id.as_str()], Metric::read)
    }

    /// All points of a metric, by timestamp, step and value.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn metric_history(&self, id: &RunId, key: &str) -> Result<Vec<Metric>, Error> {
        self.metric_page(id, key, usize::MAX >> 1, 0)
    }

    /// A page of the points of a metric, by timestamp, step and value.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn metric_page(
        &self,
        id: &RunId,
        key: &str,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<Metric>, Error> {
        let sql = "select key, value, timestamp, step, is_nan from metrics where run = $1 and key = $2 \
             order by timestamp, step, value limit $3 offset $4";
        let values = values![id.as_str(), key, limit, offset];
        self.0.query(sql, &values, Metric::read)
    }

    /// Points of a metric between two steps (inclusive), by step, at most `limit` of them: evenly spread by row, the first
    /// and the last among them.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn metric_sample(
        &self,
        id: &RunId,
        key: &str,
        steps: std::ops::RangeInclusive<i64>,
        limit: usize,
    ) -> Result<Vec<Metric>, Error> {
        let sql = "with points as (select key, value, timestamp, step, is_nan, \
             row_number() over (order by step, timestamp, value) - 1 as place, count(*) over () as n \
             from metrics where run = $1 and key = $2 and step between $3 and $4) \
             select key, value, timestamp, step, is_nan from points \
             where n <= $5 or place = 0 or place = n - 1 or place * ($5 - 1) / (n - 1) <> (place - 1) * ($5 - 1) / (n - 1) \
             order by place";
        let values = values![id.as_str(), key, *steps.start(), *steps.end(), limit];
        self.0.query(sql, &values, Metric::read)
    }
}
