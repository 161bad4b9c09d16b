//! Where a project keeps things: every path under its state directory is built here.
//!
//! ```text
//! PROJECT/everloop.yaml
//! PROJECT/.everloop/
//!   metastore.db                            tracking, registry, cycles, signals, audit
//!   cache/<stage>/<fingerprint>/            results of stages
//!   artifacts/<experiment>/<run>/artifacts/ artifacts of runs, the model package among them
//!   predictions/<model>/day=…/*.parquet     the prediction log
//!   references/<model>/<version>.parquet    what the inputs looked like when a version was made
//!   quarantine/cycle-<n>/<table>.parquet    rows that failed a check
//!   logs/cycle-<n>-<stage>.log              what commands wrote
//!   tuning/<fingerprint>.jsonl              trials of a search that is not at its end
//!   digests.json                            digests of unchanged files
//!   cycle.lock                              held while a cycle runs
//! ```

use std::path::{Path, PathBuf};

use everloop_domain::{CycleNumber, Digest, ModelName, StageName, VersionNumber};

/// The directory of a project and the places in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    dir: PathBuf,
}

impl Project {
    /// The project in a directory.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The project's directory; sources are relative to it.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The lifecycle file.
    #[must_use]
    pub fn lifecycle_file(&self) -> PathBuf {
        self.dir.join("everloop.yaml")
    }

    /// The state directory.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.dir.join(".everloop")
    }

    /// The SQLite file of the metastore.
    #[must_use]
    pub fn metastore_path(&self) -> PathBuf {
        self.state_dir().join("metastore.db")
    }

    /// Results of stages.
    #[must_use]
    pub fn cache_dir(&self) -> PathBuf {
        self.state_dir().join("cache")
    }

    /// Artifacts of runs.
    #[must_use]
    pub fn artifacts_dir(&self) -> PathBuf {
        self.state_dir().join("artifacts")
    }

    /// The prediction logs of all models.
    #[must_use]
    pub fn predictions_dir(&self) -> PathBuf {
        self.state_dir().join("predictions")
    }

    /// The rows of a cycle that failed a check.
    #[must_use]
    pub fn quarantine_dir(&self, cycle: CycleNumber) -> PathBuf {
        self.state_dir()
            .join("quarantine")
            .join(format!("cycle-{cycle}"))
    }

    /// Inputs and predictions of a version on the rows that it was evaluated on.
    #[must_use]
    pub fn reference_path(&self, model: &ModelName, version: VersionNumber) -> PathBuf {
        self.state_dir()
            .join("references")
            .join(model.as_str())
            .join(format!("{version}.parquet"))
    }

    /// What the commands of a stage wrote.
    #[must_use]
    pub fn log_path(&self, cycle: CycleNumber, stage: StageName) -> PathBuf {
        self.state_dir()
            .join("logs")
            .join(format!("cycle-{cycle}-{stage}.log"))
    }

    /// The trials of a search that is not at its end.
    #[must_use]
    pub fn search_path(&self, fingerprint: &Digest) -> PathBuf {
        self.state_dir()
            .join("tuning")
            .join(format!("{}.jsonl", fingerprint.hex()))
    }

    /// Digests of files that have not changed.
    #[must_use]
    pub fn digests_path(&self) -> PathBuf {
        self.state_dir().join("digests.json")
    }

    /// Held while a cycle runs.
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        self.state_dir().join("cycle.lock")
    }

    /// The project that a directory belongs to: the nearest one upwards with a lifecycle file.
    #[must_use]
    pub fn find(from: &Path) -> Option<Self> {
        from.ancestors()
            .map(Self::new)
            .find(|project| project.lifecycle_file().is_file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_found_from_below() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("everloop.yaml"), "version: 1").unwrap();
        let below = dir.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        assert_eq!(Project::find(&below), Some(Project::new(dir.path())));
    }

    #[test]
    fn places_lie_in_the_state_directory() {
        let project = Project::new("/p");
        let model: ModelName = "m".parse().unwrap();
        assert_eq!(
            project.reference_path(&model, VersionNumber(2)),
            Path::new("/p/.everloop/references/m/2.parquet")
        );
        assert_eq!(
            project.quarantine_dir(CycleNumber(3)),
            Path::new("/p/.everloop/quarantine/cycle-3")
        );
    }
}
