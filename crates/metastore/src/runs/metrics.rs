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

/// The points of one key in a batch.
struct OfKey<'m> {
    first: &'m Metric,
    last: &'m Metric,
    /// The latest in MLflow's order.
    latest: &'m Metric,
    /// Whether neither step nor timestamp ever falls from one to the next.
    is_in_order: bool,
}

impl<'m> OfKey<'m> {
    /// A point of it as a row of the latest ones.
    fn row<'v>(&self, point: &'m Metric, run: &'v RunId) -> Vec<Value<'v>>
    where
        'm: 'v,
    {
        let mut row = point.row(run);
        row.push(Value::Integer(self.is_in_order.into()));
        row
    }
}

/// Groups points by key, in the order in which the keys first came.
fn by_key(metrics: &[Metric]) -> Vec<OfKey<'_>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut keys: Vec<OfKey<'_>> = Vec::new();
    for metric in metrics {
        let Some(&place) = places.get(metric.key.as_str()) else {
            places.insert(&metric.key, keys.len());
            keys.push(OfKey {
                first: metric,
                last: metric,
                latest: metric,
                is_in_order: true,
            });
            continue;
        };
        let of_key = &mut keys[place];
        let falls = metric.step < of_key.last.step || metric.timestamp < of_key.last.timestamp;
        of_key.is_in_order &= !falls;
        of_key.last = metric;
        if metric.is_later_than(of_key.latest) {
            of_key.latest = metric;
        }
    }
    keys
}

/// Assigns a column of the point that came, if it is later than the latest so far.
macro_rules! if_later {
    ($column:literal) => {
        concat!(
            $column,
            " = case when (excluded.step, excluded.timestamp, 1 - excluded.is_nan, excluded.value) > \
             (latest_metrics.step, latest_metrics.timestamp, 1 - latest_metrics.is_nan, latest_metrics.value) then excluded.",
            $column,
            " else latest_metrics.",
            $column,
            " end"
        )
    };
}

/// Keeps a point as the latest of its key if it is. `in_order` stays as long as each point that comes follows the latest in
/// step and in time.
const PUT_LATEST: &str = concat!(
    "insert into latest_metrics (run, key, timestamp, step, value, is_nan, in_order) values ($1, $2, $3, $4, $5, $6, $7) \
     on conflict (run, key) do update set in_order = case when excluded.step >= latest_metrics.step \
     and excluded.timestamp >= latest_metrics.timestamp then latest_metrics.in_order * excluded.in_order else 0 end, ",
    if_later!("timestamp"),
    ", ",
    if_later!("step"),
    ", ",
    if_later!("value"),
    ", ",
    if_later!("is_nan")
);

impl Runs<'_> {
    /// Logs points; one that is there already is not stored twice.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such run, [`Error::Invalid`] if it is deleted.
    pub fn log_metrics(&self, id: &RunId, metrics: &[Metric]) -> Result<(), Error> {
        self.require_active(id)?;
        let point = "insert into metrics (run, key, timestamp, step, value, is_nan) values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
        let points: Vec<_> = metrics.iter().map(|metric| metric.row(id)).collect();
        self.0.insert_rows(point, &points)?;
        let keys = by_key(metrics);
        // The first of several tells whether the batch follows what was there, the latest where it ends.
        let firsts: Vec<_> = keys
            .iter()
            .map(|of_key| of_key.row(of_key.first, id))
            .collect();
        self.0.insert_rows(PUT_LATEST, &firsts)?;
        let latests: Vec<_> = keys
            .iter()
            .filter(|of_key| !std::ptr::eq(of_key.first, of_key.last))
            .map(|of_key| of_key.row(of_key.latest, id))
            .collect();
        self.0.insert_rows(PUT_LATEST, &latests)?;
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
}
