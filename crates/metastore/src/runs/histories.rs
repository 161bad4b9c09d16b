//! Histories of metrics: pages, and samples for charts.

use std::ops::RangeInclusive;

use everloop_domain::RunId;

use super::{Metric, Runs};
use crate::Error;
use crate::session::{Value, values};

/// Up to how many points a sample is taken by their places; beyond, by their steps.
const MAX_COUNTED: usize = 10_000;

const COLUMNS: &str = "key, value, timestamp, step, is_nan";

/// In which order the points of a metric are read.
#[derive(Clone, Copy)]
enum Order {
    /// That of the index, which is that of the times as well if points came in order.
    OfSteps,
    /// That of the times, for which they are sorted.
    OfTimes,
}

impl Order {
    fn columns(self) -> &'static str {
        match self {
            Self::OfSteps => "step, timestamp, value, is_nan",
            Self::OfTimes => "timestamp, step, value, is_nan",
        }
    }

    /// Where a point stands, in the columns of the order.
    fn place(self, point: &Metric) -> [Value<'static>; 4] {
        let (step, time) = (point.step, point.timestamp.as_millis());
        let (first, second) = match self {
            Self::OfSteps => (step, time),
            Self::OfTimes => (time, step),
        };
        let is_nan = point.value.is_nan();
        [
            Value::Integer(first),
            Value::Integer(second),
            Value::Real(if is_nan { 0.0 } else { point.value }),
            Value::Integer(is_nan.into()),
        ]
    }
}

impl Runs<'_> {
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
        let order = self.order(id, key)?.columns();
        let sql = format!(
            "select {COLUMNS} from metrics where run = $1 and key = $2 order by {order} limit $3 offset $4"
        );
        let values = values![id.as_str(), key, limit, offset];
        self.0.query(&sql, &values, Metric::read)
    }

    /// The points of a metric that follow one, or the first ones, by timestamp, step and value. At most `limit` if they were
    /// logged in that order; otherwise all, since each page would have to sort them all again.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn metrics_after(
        &self,
        id: &RunId,
        key: &str,
        after: Option<&Metric>,
        limit: usize,
    ) -> Result<Vec<Metric>, Error> {
        let order = self.order(id, key)?;
        let mut values = values![id.as_str(), key].to_vec();
        let follows = match after {
            None => "",
            Some(point) => {
                values.extend(order.place(point));
                &format!("and ({}) > ($3, $4, $5, $6)", order.columns())
            }
        };
        let limited = match order {
            Order::OfSteps => &format!("limit {limit}"),
            Order::OfTimes => "",
        };
        let sql = format!(
            "select {COLUMNS} from metrics where run = $1 and key = $2 {follows} order by {} {limited}",
            order.columns()
        );
        self.0.query(&sql, &values, Metric::read)
    }

    fn order(&self, id: &RunId, key: &str) -> Result<Order, Error> {
        let sql = "select in_order from latest_metrics where run = $1 and key = $2";
        let is_in_order: bool = self.0.value(sql, &values![id.as_str(), key])?;
        Ok(if is_in_order {
            Order::OfSteps
        } else {
            Order::OfTimes
        })
    }

    /// Points of a metric between two steps (inclusive), by step, at most `limit` of them, the first and the last among
    /// them: evenly spread by row, or if they are more than ten thousand by step (by time, if all have one step).
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn metric_sample(
        &self,
        id: &RunId,
        key: &str,
        steps: RangeInclusive<i64>,
        limit: usize,
    ) -> Result<Vec<Metric>, Error> {
        let sql = format!(
            "select {COLUMNS} from metrics where run = $1 and key = $2 and step between $3 and $4 \
             order by step, timestamp, value, is_nan limit $5"
        );
        let (from, to) = (*steps.start(), *steps.end());
        let values = values![id.as_str(), key, from, to, MAX_COUNTED + 1];
        let points = self.0.query(&sql, &values, Metric::read)?;
        if points.len() <= limit {
            return Ok(points);
        }
        if points.len() <= MAX_COUNTED {
            return Ok(spread(points, limit));
        }
        let sql = format!(
            "select {COLUMNS} from metrics where run = $1 and key = $2 and step between $3 and $4 \
             order by step desc, timestamp desc, value desc, is_nan desc limit 1"
        );
        let values = values![id.as_str(), key, from, to];
        let last = self.0.find(&sql, &values, Metric::read)?;
        match (points.into_iter().next(), last) {
            (Some(first), Some(last)) => self.look_up(id, first, last, limit),
            _ => Ok(Vec::new()),
        }
    }

    /// Points at evenly spread steps, or at evenly spread times if there is one step only.
    fn look_up(
        &self,
        id: &RunId,
        first: Metric,
        last: Metric,
        limit: usize,
    ) -> Result<Vec<Metric>, Error> {
        let (from, to, condition) = if first.step == last.step {
            let (from, to) = (first.timestamp.as_millis(), last.timestamp.as_millis());
            let condition = format!("step = {} and timestamp >= $3", first.step);
            (from, to, condition)
        } else {
            (first.step, last.step, "step >= $3".to_owned())
        };
        let sql = format!(
            "select {COLUMNS} from metrics where run = $1 and key = $2 and {condition} \
             order by step, timestamp, value, is_nan limit 1"
        );
        let key = first.key.clone();
        let mut points = vec![first];
        let width = i128::from(to) - i128::from(from);
        for place in 1..limit.saturating_sub(1) {
            let target = i128::from(from) + width * place as i128 / (limit - 1) as i128;
            // Between two numbers that fit lies one that fits.
            let values = values![id.as_str(), key, target as i64];
            let found = self.0.find(&sql, &values, Metric::read)?;
            points.extend(found.filter(|point| points.last() != Some(point)));
        }
        if limit > 1 && points.last() != Some(&last) {
            points.push(last);
        }
        Ok(points)
    }
}

/// So many points of more, evenly spread, the first and the last among them.
fn spread(points: Vec<Metric>, limit: usize) -> Vec<Metric> {
    let n_points = points.len();
    let share = |place: usize| place * (limit - 1) / (n_points - 1);
    points
        .into_iter()
        .enumerate()
        .filter(|(place, _)| *place == 0 || limit > 1 && share(*place) != share(place - 1))
        .map(|(_, point)| point)
        .collect()
}
