//! What is asked of a run of stages, and the run as a whole.

use std::time::Duration;

use everloop_lifecycle::Plan;
use everloop_lifecycle::dvc::Selection;
use everloop_versions::{Lock, RepoPath};

use super::record::place;
use super::report::{Outcome, Progress, Report, StageReport};
use super::run::Run;
use super::{Error, Project};
use crate::executor::{self, OnFailure, Policy, execute};
use crate::process::Stop;

/// What is to be run, and how.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct Request {
    /// Stages, groups and files; all stages of the directory's `dvc.yaml` without any.
    pub targets: Vec<String>,
    /// The directory that targets are seen from.
    pub directory: RepoPath,
    /// Whether targets that are directories stand for all stages in them.
    pub is_recursive: bool,
    /// Whether names of stages are patterns, as those of shells.
    pub is_glob: bool,
    /// Which stages are run besides the targets.
    pub besides: Besides,
    /// The shell for commands, for example `/bin/bash`.
    pub shell: String,
    /// How many stages may run at the same time.
    pub n_jobs: usize,
    /// Whether the words of commands are told line by line even if only one can run at a time.
    pub tells_words: bool,
    /// Whether stages run that need not.
    pub is_forced: bool,
    /// Whether stages run that need a stage that ran, even if that made the same again.
    pub forces_downstream: bool,
    /// Whether nothing is run or written.
    pub is_dry: bool,
    /// What a failure means for other stages.
    pub on_failure: OnFailure,
    /// Whether data that is absent is no change, where nothing else has changed.
    pub allows_missing: bool,
    /// Whether data that is absent is fetched from its remote.
    pub fetches_missing: bool,
    /// Whether data is only recorded, and kept by a later `commit`.
    pub defers_keeping: bool,
    /// Whether results of equal runs are not used.
    pub ignores_run_cache: bool,
    /// How long a command may take.
    pub limit: Option<Duration>,
    /// Ends the run from elsewhere.
    pub stop: Stop,
}

/// Which stages are run besides those that are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Besides {
    /// None.
    Nothing,
    /// Those that they need.
    #[default]
    Upstream,
    /// Those that need them.
    Downstream,
    /// All that hang together with them.
    Pipeline,
    /// All that there are, whatever is named.
    All,
}

impl Project<'_> {
    /// Runs the stages that must run. A stage that fails is told in the report; all that was done before it stays recorded.
    ///
    /// # Errors
    ///
    /// Fails if a target is not known, if what was done cannot be recorded, or if somebody asked to stop.
    pub async fn reproduce(
        &self,
        lock: Lock,
        request: &Request,
        tell: &(dyn Fn(Progress<'_>) + Sync),
    ) -> Result<Report, Error> {
        let named = match request.besides {
            Besides::All => Vec::new(),
            _ => self.find(request)?,
        };
        let order = match request.besides {
            Besides::Nothing => named,
            Besides::Upstream | Besides::All => self.graph.order(&named, Selection::Upstream),
            Besides::Downstream => self.graph.order(&named, Selection::Downstream),
            Besides::Pipeline => self.graph.order(&named, Selection::Pipeline),
        };
        let plan = self.graph.plan(&order);
        tell(Progress::Planned {
            n_stages: plan.stages().len(),
        });
        let policy = Policy {
            n_jobs: if request.is_dry { 1 } else { request.n_jobs },
            on_failure: request.on_failure,
            stop: request.stop.clone(),
        };
        let runs = self.fetch_runs(request);
        let of_git = if request.is_dry {
            Vec::new()
        } else {
            self.outs_of_git(&plan)
        };
        let run = Run::new(self, request, &plan, (lock, of_git), tell);
        let executed = tokio::select! {
            executed = execute(&plan, &policy, &run) => executed,
            never = run.record_in_time() => match never {},
        };
        // What ended is recorded, whatever became of the rest.
        let recorded = run.finish();
        let mut report = Report::default();
        let executed = executed.map_err(|failure| failure.error)?;
        for (stage, outcome) in plan.stages().iter().zip(executed) {
            match outcome {
                executor::Outcome::Done(done) => report.stages.push(done),
                executor::Outcome::Failed(failure) => {
                    if matches!(failure.error, Error::Stopped) {
                        return Err(Error::Stopped);
                    }
                    report.stages.push(failure.report);
                }
                executor::Outcome::Skipped { because } => report.stages.push(StageReport {
                    stage: stage.name.clone(),
                    outcome: Outcome::Skipped,
                    reasons: Vec::new(),
                    problem: Some(format!("`{}` failed", plan.stages()[because].name)),
                    duration: Duration::ZERO,
                }),
                executor::Outcome::NotBegun => {}
            }
        }
        if request.stop.is_asked() {
            return Err(Error::Stopped);
        }
        report.notes = runs;
        report.notes.extend(recorded?);
        Ok(report)
    }

    /// Outputs for the cache that git has.
    fn outs_of_git(&self, plan: &Plan) -> Vec<RepoPath> {
        let mut paths = Vec::new();
        let stages = plan.stages().iter();
        for stage in stages.filter_map(|planned| self.stage(planned.work)) {
            for out in stage.outs.iter().filter(|out| out.is_cached) {
                // A path that leads out is told when its stage is looked at.
                paths.extend(place(stage, &out.path));
            }
        }
        self.repository.tracked_by_git(&paths)
    }
}
