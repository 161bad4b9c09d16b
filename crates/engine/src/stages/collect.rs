//! Collect: sources are read, checked, and kept as Parquet snapshots.
//!
//! Rows that fail a check of either severity are written to the quarantine with the reason per row;
//! a failed check of severity `error` stops the cycle.

use std::path::Path;

use everloop_data::{CheckResult, Session};
use everloop_domain::dataset::{Severity, Source, TableChecks};
use everloop_domain::{CycleNumber, Digest, StageName};
use serde::{Deserialize, Serialize};

use super::{Output, cached};
use crate::{Error, Fingerprint, Runner};

const VERSION: u32 = 1;

/// What collecting found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Collected {
    /// A snapshot a source, in the order of the lifecycle file.
    pub(crate) sources: Vec<Snapshot>,
    /// Every check that ran.
    pub(crate) checks: Vec<CheckResult>,
}

/// A source as it was read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The source's name; the file is `<name>.parquet`.
    pub(crate) name: String,
    /// Files it was read from.
    pub(crate) n_files: usize,
    /// Rows.
    pub(crate) n_rows: u64,
    /// The digest of the snapshot.
    pub(crate) digest: Digest,
}

pub(crate) async fn run(runner: &Runner, cycle: CycleNumber) -> Result<Output<Collected>, Error> {
    let session = runner.session();
    let fingerprint = fingerprint(runner, &session)?;
    let quarantine = runner.project().quarantine_dir(cycle);
    cached(runner, &fingerprint, |dir| async move {
        let lifecycle = runner.lifecycle();
        let mut sources = Vec::new();
        for source in &lifecycle.sources {
            sources.push(snapshot(&session, source, &dir).await?);
        }
        let names: Vec<&str> = lifecycle
            .sources
            .iter()
            .map(|source| source.name.as_str())
            .collect();
        let checks = check_tables(
            &session,
            &lifecycle.checks,
            &|table| names.contains(&table),
            &quarantine,
        )
        .await?;
        Ok(Collected { sources, checks })
    })
    .await
}

/// The digests of all source files, and what is done with them.
fn fingerprint(runner: &Runner, session: &Session) -> Result<Fingerprint, Error> {
    let lifecycle = runner.lifecycle();
    let mut fingerprint = Fingerprint::new(StageName::Collect, VERSION)
        .parameter("sources", &lifecycle.sources)
        .parameter("checks", &lifecycle.checks);
    for source in &lifecycle.sources {
        let files = session.files(source)?;
        for (path, digest) in files.iter().zip(runner.digests_of(&files)?) {
            let name = path.strip_prefix(runner.project().dir()).unwrap_or(path);
            fingerprint =
                fingerprint.input(&format!("{}: {}", source.name, name.display()), digest);
        }
    }
    Ok(fingerprint)
}

async fn snapshot(session: &Session, source: &Source, dir: &Path) -> Result<Snapshot, Error> {
    let summary = session.register_source(source).await?;
    let written = session
        .write_snapshot(&source.name, &dir.join(format!("{}.parquet", source.name)))
        .await?;
    Ok(Snapshot {
        name: source.name.clone(),
        n_files: summary.files.len(),
        n_rows: written.n_rows,
        digest: written.digest,
    })
}

/// Runs the checks of some tables, quarantines the rows that fail, and stops at errors.
pub(crate) async fn check_tables(
    session: &Session,
    checks: &[TableChecks],
    is_wanted: &(dyn Fn(&str) -> bool + Sync),
    quarantine: &Path,
) -> Result<Vec<CheckResult>, Error> {
    let mut results = Vec::new();
    for table in checks.iter().filter(|checks| is_wanted(&checks.table)) {
        let report = session.check(table).await?;
        if report.results.iter().any(|result| result.n_failed > 0) {
            session
                .write_quarantine(table, &quarantine.join(format!("{}.parquet", table.table)))
                .await?;
        }
        results.extend(report.results);
    }
    let failed: Vec<&CheckResult> = results
        .iter()
        .filter(|result| !result.passed() && result.severity == Severity::Error)
        .collect();
    if let Some(first) = failed.first() {
        return Err(Error::Checks {
            n_failed: failed.len(),
            n_checks: results.len(),
            first: first.to_string(),
            quarantine: quarantine.display().to_string(),
        });
    }
    Ok(results)
}
