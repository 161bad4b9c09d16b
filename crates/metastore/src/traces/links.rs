//! What traces belong to beside their experiment: runs, and versions of prompts.

use everloop_domain::RunId;

use super::Traces;
use crate::Error;
use crate::runs::Runs;
use crate::session::values;

impl Traces<'_> {
    /// Says that traces belong to a run, be they here already or not.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such run.
    pub fn link_to_run(&self, ids: &[String], run: &RunId) -> Result<(), Error> {
        Runs(self.0).info(run)?;
        let sql = "insert into trace_runs (trace, run) values ($1, $2) on conflict do nothing";
        let rows: Vec<_> = ids
            .iter()
            .map(|id| values![id, run.as_str()].to_vec())
            .collect();
        self.0.insert_rows(sql, &rows)?;
        Ok(())
    }

    /// Says which versions of prompts, as `name/version`, a trace has used.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such trace.
    pub fn link_prompts(&self, id: &str, prompts: &[String]) -> Result<(), Error> {
        self.require(id)?;
        let sql =
            "insert into trace_prompts (trace, prompt) values ($1, $2) on conflict do nothing";
        let rows: Vec<_> = prompts
            .iter()
            .map(|prompt| values![id, prompt].to_vec())
            .collect();
        self.0.insert_rows(sql, &rows)?;
        Ok(())
    }
}
