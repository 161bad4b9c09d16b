//! What happens while stages run, and what became of them.

use std::time::Duration;

use everloop_lifecycle::dvc::Reason;

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// It is known which stages there are.
    Planned {
        /// How many are looked at.
        n_stages: usize,
    },
    /// A stage is looked at.
    Looking {
        /// Its name.
        stage: &'a str,
    },
    /// A stage runs.
    Stage {
        /// Its name.
        stage: &'a str,
    },
    /// A command begins.
    Command {
        /// The stage.
        stage: &'a str,
        /// Its text.
        line: &'a str,
    },
    /// A command says something.
    Words {
        /// The stage.
        stage: &'a str,
        /// What, without a line end.
        line: &'a str,
    },
    /// A stage is done with.
    Done(&'a StageReport),
}

/// What became of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its commands were run.
    Ran,
    /// It is frozen, or data of a `.dvc` file: what is there was recorded.
    Recorded,
    /// What it had made, now or once from the same, was put back from the cache.
    Restored,
    /// Nothing asked for a run.
    UpToDate,
    /// It would be run.
    WouldRun,
    /// A stage that it needs would be run; what comes of that is not known.
    MayRun,
    /// It failed.
    Failed,
    /// A stage that it needs failed.
    Skipped,
}

/// What became of a stage, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct StageReport {
    /// The name, with the file before it where that is not the top's `dvc.yaml`.
    pub stage: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it had to run.
    pub reasons: Vec<Reason>,
    /// Why it failed, or which stage's failure skipped it.
    pub problem: Option<String>,
    /// How long it took.
    pub duration: Duration,
}

/// What became of all stages, in the order of the plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// One for each stage that was looked at.
    pub stages: Vec<StageReport>,
    /// What people should know besides.
    pub notes: Vec<String>,
}

impl Report {
    /// The stages that failed.
    pub fn failed(&self) -> impl Iterator<Item = &StageReport> {
        let stages = self.stages.iter();
        stages.filter(|stage| stage.outcome == Outcome::Failed)
    }
}
