//! Labels: what turned out to be true of a prediction.

use everloop_domain::{ModelName, RequestId, Timestamp, Value};
use rusqlite::{Connection, params};

use crate::Error;
use crate::values::{json, moment, to_json};

/// Labels.
#[derive(Debug)]
pub struct Labels<'c>(pub(crate) &'c Connection);

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
        let mut statement = self.0.prepare_cached(sql)?;
        let mut known = self
            .0
            .prepare_cached("select 1 from labels where model = $1 and id = $2")?;
        let mut n_new = 0;
        for (id, value) in labels {
            n_new += usize::from(!known.exists(params![model.as_str(), id.0])?);
            statement.execute(params![
                model.as_str(),
                id.0,
                to_json(value),
                now.as_millis()
            ])?;
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
        let count: i64 = self
            .0
            .prepare_cached(sql)?
            .query_row([model.as_str()], |row| row.get(0))?;
        Ok(count as usize)
    }

    /// Labels that arrived after a cursor, in order of arrival.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn since(&self, model: &ModelName, cursor: i64, limit: usize) -> Result<Vec<Label>, Error> {
        let sql = "select cursor, id, value, received_at from labels where model = $1 and cursor > $2 order by cursor limit $3";
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params![model.as_str(), cursor, limit as i64])?;
        let mut labels = Vec::new();
        while let Some(row) = rows.next()? {
            let id: String = row.get(1)?;
            labels.push(Label {
                cursor: row.get(0)?,
                value: json(&row.get::<_, String>(2)?, "labels", "value", &id)?,
                id: RequestId(id),
                received_at: moment(row.get(3)?),
            });
        }
        Ok(labels)
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
        let mut statement = self
            .0
            .prepare_cached("select value from labels where model = $1 and id = $2")?;
        let mut found = Vec::new();
        for id in ids {
            let mut rows = statement.query(params![model.as_str(), id.0])?;
            if let Some(row) = rows.next()? {
                found.push((
                    id.clone(),
                    json(&row.get::<_, String>(0)?, "labels", "value", id)?,
                ));
            }
        }
        Ok(found)
    }
}
