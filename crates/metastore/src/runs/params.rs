//! Parameters of runs, which never change, and batches of all that a run logs.

use std::collections::BTreeSet;

use everloop_domain::RunId;

use super::{Metric, Runs};
use crate::Error;
use crate::session::values;

impl Runs<'_> {
    /// Logs a parameter; it never changes.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if it has another value already or the run is deleted, [`Error::NotFound`] if there is no
    /// such run.
    pub fn log_param(&self, id: &RunId, key: &str, value: &str) -> Result<(), Error> {
        self.require_active(id)?;
        match self.put_param(id, key, value)? {
            None => Ok(()),
            Some(old) => Err(Error::Invalid(format!(
                "Changing param values is not allowed. Param with key='{key}' was already logged with value='{old}' for run \
                 ID='{id}'. Attempted logging new value '{value}'."
            ))),
        }
    }

    /// Logs points, parameters and tags together; of two tags with one key the last counts.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if a parameter has another value already or is given twice, or the run is deleted;
    /// [`Error::NotFound`] if there is no such run. A closure that passes the error on leaves nothing of the batch.
    pub fn log_batch(
        &self,
        id: &RunId,
        metrics: &[Metric],
        params: &[(String, String)],
        tags: &[(String, String)],
    ) -> Result<(), Error> {
        self.require_active(id)?;
        let mut keys = BTreeSet::new();
        if let Some((key, _)) = params.iter().find(|(key, _)| !keys.insert(key)) {
            return Err(Error::Invalid(format!(
                "Duplicate parameter keys have been submitted: ['{key}']. Please ensure the request contains only one param \
                 value per param key."
            )));
        }
        let mut changed = Vec::new();
        for (key, value) in params {
            if let Some(old) = self.put_param(id, key, value)? {
                changed.push(format!(
                    "{{'key': '{key}', 'old_value': '{old}', 'new_value': '{value}'}}"
                ));
            }
        }
        if !changed.is_empty() {
            return Err(Error::Invalid(format!(
                "Changing param values is not allowed. Params were already logged='[{}]' for run ID='{id}'.",
                changed.join(", ")
            )));
        }
        self.log_metrics(id, metrics)?;
        for (key, value) in tags {
            self.set_tag(id, key, value)?;
        }
        Ok(())
    }

    /// Keeps a parameter, or gives the different value that it has already.
    fn put_param(&self, id: &RunId, key: &str, value: &str) -> Result<Option<String>, Error> {
        let sql = "insert into params (run, key, value) values ($1, $2, $3) on conflict do nothing";
        let n_new = self.0.execute(sql, &values![id.as_str(), key, value])?;
        if n_new > 0 {
            return Ok(None);
        }
        let old: Option<String> = self.0.find(
            "select value from params where run = $1 and key = $2",
            &values![id.as_str(), key],
            |row| row.get(0),
        )?;
        Ok(old.filter(|old| old != value))
    }
}
