//! Labels: what turned out to be true of a prediction.

use everloop_domain::{ModelName, RequestId, Timestamp, Value};

use crate::Error;
use crate::session::{Session, values};
use crate::values::{json, moment, to_json};

/// Labels.
#[derive(Debug)]
pub struct Labels<'c>(pub(crate) Session<'c>);

/// A label that arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Grows with each arrival.
    pub cursor: i64,
    /// The prediction.
    pub id: RequestId,
    /// The truth.
    pub value: Value,
    /// When it arrived.
    pub received_at: Timestamp,
}

impl Labels<'_> {
    /// Keeps labels; a label for the same id replaces the earlier one. Gives how many ids were new.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn insert(
        &self,
        model: &ModelName,
        labels: &[(RequestId, Value)],
        now: Timestamp,
    ) -> Result<usize, Error> {
        // A label that is replaced moves to the end, so that whoever reads on from a cursor finds it.
        let sql = "insert into labels (cursor, model, id, value, received_at) \
             values ((select coalesce(max(cursor), 0) + 1 from labels), $1, $2, $3, $4) \
             on conflict (model, id) do update set cursor = excluded.cursor, value = excluded.value, received_at = excluded.received_at";
        let known = "select count(*) from labels where model = $1 and id = $2";
        let mut n_new = 0;
        for (id, value) in labels {
            let is_known = self
                .0
                .value::<bool>(known, &values![model.as_str(), id.0])?;
            n_new += usize::from(!is_known);
            let value = to_json(value);
            let values = values![model.as_str(), id.0, value, now.as_millis()];
            self.0.execute(sql, &values)?;
        }
        Ok(n_new)
    }

    /// How many labels a model has.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn count(&self, model: &ModelName) -> Result<usize, Error> {
        let sql = "select count(*) from labels where model = $1";
        let count: i64 = self.0.value(sql, &values![model.as_str()])?;
        Ok(count as usize)
    }

    /// Labels that arrived after a cursor, in order of arrival.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn since(&self, model: &ModelName, cursor: i64, limit: usize) -> Result<Vec<Label>, Error> {
        let sql = "select cursor, id, value, received_at from labels where model = $1 and cursor > $2 order by cursor limit $3";
        self.0
            .query(sql, &values![model.as_str(), cursor, limit], |row| {
                let id: String = row.get(1)?;
                Ok(Label {
                    cursor: row.get(0)?,
                    value: json(&row.get::<String>(2)?, "labels", "value", &id)?,
                    id: RequestId(id),
                    received_at: moment(row.get(3)?),
                })
            })
    }

    /// The labels of some predictions; those without one are left out.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn for_ids(
        &self,
        model: &ModelName,
        ids: &[RequestId],
    ) -> Result<Vec<(RequestId, Value)>, Error> {
        let sql = "select value from labels where model = $1 and id = $2";
        let mut found = Vec::new();
        for id in ids {
            let value = self.0.find(sql, &values![model.as_str(), id.0], |row| {
                json(&row.get::<String>(0)?, "labels", "value", id)
            })?;
            found.extend(value.map(|value| (id.clone(), value)));
        }
        Ok(found)
    }
}
