//! DVC's run cache: what stages once made of the same.
//!
//! ```text
//! runs/ab/abcd…/1234…   what a stage was run with and what it made, as in `dvc.lock`
//! ```
//!
//! The directory is named by what goes in, the file by everything; the newest file counts.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use everloop_lifecycle::dvc::{OutKind, Stage, StageLock};
use everloop_versions::Repository;

use super::look::View;
use super::record::place;
use super::{Error, Project, Request};

/// A run in the run cache of a repository.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where it stands below the run cache: `ab/abcd…/1234…`.
    pub path: String,
    /// What it says.
    pub run: StageLock,
}

/// All runs in the run cache of a repository, in the order of their paths. Those that are damaged are left out.
#[must_use]
pub fn run_cache_entries(repository: &Repository) -> Vec<Entry> {
    let dir = repository.cache().runs_dir();
    let mut entries = Vec::new();
    for short in names(&dir) {
        for key in names(&dir.join(&short)) {
            for value in names(&dir.join(&short).join(&key)) {
                let path = format!("{short}/{key}/{value}");
                let run = read(&dir.join(&path));
                entries.extend(run.map(|run| Entry { path, run }));
            }
        }
    }
    entries
}

/// The names in a directory, sorted; none where there is no directory.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

fn read(path: &Path) -> Option<StageLock> {
    StageLock::read_run(&fs::read_to_string(path).ok()?)
}

/// Whether a stage does the same whenever it reads the same.
pub(super) fn is_kept(stage: &Stage) -> bool {
    let has_inputs = !stage.deps.is_empty() || !stage.params.is_empty();
    let is_persistent = stage.outs.iter().any(|out| out.is_persistent);
    has_inputs && !stage.outs.is_empty() && !stage.is_always_changed && !is_persistent
}

impl Project<'_> {
    fn runs_of(&self, key: &str) -> PathBuf {
        let short = key.get(..2).unwrap_or_default();
        self.repository.cache().runs_dir().join(short).join(key)
    }

    /// Gets the runs of others, where data that is not here is fetched. Says in words why that could not be.
    pub(super) fn fetch_runs(&self, request: &Request) -> Vec<String> {
        if !request.fetches_missing || request.ignores_run_cache || request.is_dry {
            return Vec::new();
        }
        // Remotes may wait for the network in their own ways.
        match tokio::task::block_in_place(|| self.repository.fetch_runs(None)) {
            Ok(got) => got.notes,
            Err(error) => vec![format!("the run cache of the remote is not used: {error}")],
        }
    }

    /// What a stage made when it was last run with the same.
    pub(super) fn find_run(&self, stage: &Stage, inputs: &StageLock) -> Option<StageLock> {
        let mut key = inputs.clone();
        let outs = stage.outs.iter();
        key.outs = outs
            .map(|out| everloop_lifecycle::dvc::Recorded {
                path: out.path.clone(),
                ..Default::default()
            })
            .collect();
        let dir = self.runs_of(&key.run_key());
        let age = |name: &String| {
            let metadata = fs::metadata(dir.join(name));
            metadata
                .and_then(|metadata| metadata.modified())
                .unwrap_or(SystemTime::UNIX_EPOCH)
        };
        let newest = names(&dir).into_iter().max_by_key(age)?;
        read(&dir.join(newest))
    }

    /// Remembers a run. Its metrics, which the cache does not hold otherwise, are kept with it.
    pub(super) fn keep_run(
        &self,
        view: &mut View<'_>,
        stage: &Stage,
        run: &StageLock,
    ) -> Result<(), Error> {
        let is_lost = stage
            .outs
            .iter()
            .any(|out| !out.is_cached && out.kind == OutKind::Data);
        if !is_kept(stage) || is_lost {
            return Ok(());
        }
        for out in stage.outs.iter().filter(|out| !out.is_cached) {
            let path = place(stage, &out.path)?;
            view.workspace.keep(&path)?;
            // It is git's, and no link to the cache.
            self.repository.unprotect(&path)?;
        }
        let dir = self.runs_of(&run.run_key());
        let path = dir.join(run.run_value());
        if path.exists() {
            return Ok(());
        }
        let failed = |source| {
            Error::Artifacts(everloop_artifacts::Error::File {
                action: "write",
                path: path.display().to_string(),
                source,
            })
        };
        fs::create_dir_all(&dir).map_err(failed)?;
        let temporary = dir.join(format!("everloop-{}.tmp", std::process::id()));
        let written = fs::write(&temporary, run.run_text());
        let named = written.and_then(|()| fs::rename(&temporary, &path));
        named.map_err(failed)
    }
}
