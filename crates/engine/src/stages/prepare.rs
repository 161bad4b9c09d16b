//! Prepare: SQL steps make the dataset table; its rows are split into train, validation and test.

use std::path::Path;

use everloop_data::{AsOf, CheckResult, Session, SplitReport};
use everloop_domain::{CycleNumber, StageName, Timestamp};
use serde::{Deserialize, Serialize};

use super::collect::{Collected, check_tables};
use super::{Output, cached};
use crate::{Error, Fingerprint, Runner};

const VERSION: u32 = 1;

/// What preparing made; the files are `train.parquet`, `validation.parquet`, `test.parquet`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Prepared {
    /// Rows and digest of each part.
    pub(crate) split: SplitReport,
    /// Checks of prepared tables.
    pub(crate) checks: Vec<CheckResult>,
}

pub(crate) async fn run(
    runner: &Runner,
    cycle: CycleNumber,
    collected: &Output<Collected>,
    as_of: Option<Timestamp>,
) -> Result<Output<Prepared>, Error> {
    let as_of = as_of_filter(runner, as_of)?;
    let lifecycle = runner.lifecycle();
    let mut fingerprint = Fingerprint::new(StageName::Prepare, VERSION)
        .parameter("prepare", &lifecycle.prepare)
        .parameter("checks", &lifecycle.checks)
        .parameter("dataset", &lifecycle.dataset)
        .parameter("split", &lifecycle.split)
        .parameter("before", &as_of.as_ref().map(|filter| filter.before));
    for snapshot in &collected.result.sources {
        fingerprint = fingerprint.input(&snapshot.name, snapshot.digest);
    }
    let quarantine = runner.project().quarantine_dir(cycle);
    cached(runner, &fingerprint, |dir| async move {
        let session = runner.session();
        let checks = tables(runner, &session, &collected.dir, &quarantine).await?;
        let split = session
            .split(&lifecycle.dataset, &lifecycle.split, as_of.as_ref(), &dir)
            .await?;
        Ok(Prepared { split, checks })
    })
    .await
}

/// Registers the snapshots, runs the steps and checks the tables that they made.
async fn tables(
    runner: &Runner,
    session: &Session,
    snapshots: &Path,
    quarantine: &Path,
) -> Result<Vec<CheckResult>, Error> {
    let lifecycle = runner.lifecycle();
    for source in &lifecycle.sources {
        session
            .register_parquet(
                &source.name,
                &snapshots.join(format!("{}.parquet", source.name)),
            )
            .await?;
    }
    for step in &lifecycle.prepare {
        session.run_step(step).await?;
    }
    let is_prepared = |table: &str| !lifecycle.sources.iter().any(|source| source.name == table);
    check_tables(session, &lifecycle.checks, &is_prepared, quarantine).await
}

/// The filter that hides what was not known at a moment: rows whose label had not arrived.
fn as_of_filter(runner: &Runner, as_of: Option<Timestamp>) -> Result<Option<AsOf>, Error> {
    let Some(moment) = as_of else { return Ok(None) };
    let lifecycle = runner.lifecycle();
    let Some(column) = lifecycle.dataset.time.clone() else {
        return Err(Error::Invalid(format!(
            "a cycle as of {moment} needs `dataset.time`: name the column that orders the rows of `{}`",
            lifecycle.dataset.table
        )));
    };
    let delay = lifecycle
        .monitor
        .labels
        .as_ref()
        .map_or(std::time::Duration::ZERO, |labels| labels.delay);
    Ok(Some(AsOf {
        column,
        before: moment - delay,
    }))
}
