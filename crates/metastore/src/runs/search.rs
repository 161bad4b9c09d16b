//! Searches for runs.

use everloop_domain::ExperimentId;

use super::{Run, RunInfo, RunRow, Runs, TABLES};
use crate::Error;
use crate::experiments::View;
use crate::search::{Condition, Query, Statement};
use crate::session::{Dialect, Value};
use crate::values::to_json;

/// The condition that runs are of these experiments, and the value that it binds as `$1`.
pub(super) fn scope(
    dialect: Dialect,
    experiments: &[ExperimentId],
    view: View,
) -> (String, Value<'static>) {
    let condition = view.condition();
    let among = dialect.numbers_of("$1");
    let scope = format!("experiment in ({among}) and {condition}");
    (scope, Value::text(to_json(&experiments)))
}

impl Runs<'_> {
    /// A page of the runs of some experiments, the latest start first if no order says otherwise.
    ///
    /// # Errors
    ///
    /// Fails if the query asks for what runs do not have.
    pub fn search(
        &self,
        experiments: &[ExperimentId],
        view: View,
        query: &Query,
    ) -> Result<Vec<Run>, Error> {
        let found = self.search_infos(experiments, view, query)?;
        found
            .into_iter()
            .map(|info| self.with_logged(info))
            .collect()
    }

    /// The same page, without what the runs have logged.
    ///
    /// # Errors
    ///
    /// Fails if the query asks for what runs do not have.
    pub fn search_infos(
        &self,
        experiments: &[ExperimentId],
        view: View,
        query: &Query,
    ) -> Result<Vec<RunInfo>, Error> {
        let dialect = self.0.dialect();
        let (scope, ids) = scope(dialect, experiments, view);
        let by_metric =
            Statement::page_by_metric(dialect, &TABLES, &scope, vec![ids.clone()], query)?;
        if let Some(page) = by_metric {
            let found = self.page(&page)?;
            if found.len() == query.limit {
                return Ok(found);
            }
        }
        self.page(&Statement::page(
            dialect,
            &TABLES,
            &scope,
            vec![ids],
            query,
        )?)
    }

    /// How many runs of some experiments there are under a condition.
    ///
    /// # Errors
    ///
    /// Fails if the condition asks for what runs do not have.
    pub fn count(
        &self,
        experiments: &[ExperimentId],
        view: View,
        condition: &Condition,
    ) -> Result<u64, Error> {
        let dialect = self.0.dialect();
        let (scope, ids) = scope(dialect, experiments, view);
        let count = Statement::count(dialect, &TABLES, &scope, vec![ids], condition)?;
        self.0.value(&count.sql, &count.values)
    }

    fn page(&self, page: &Statement) -> Result<Vec<RunInfo>, Error> {
        let rows = self.0.query(&page.sql, &page.values, RunRow::read)?;
        rows.into_iter().map(RunRow::into_info).collect()
    }
}
