//! A run of stages: the work of the executor for `dvc.yaml`.
//!
//! Whatever touches the repository happens in a [`Section`], one at a time and under DVC's lock; commands run outside of it,
//! and while any does, the lock is given back.

use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use everloop_lifecycle::dvc::Stage;
use everloop_lifecycle::{Plan, Work as Kind};
use everloop_versions::{Lock, RepoPath};

use super::journal::Journal;
use super::look::View;
use super::project::Node;
use super::record::place;
use super::report::{Outcome, Progress, StageReport};
use super::reproduce::Request;
use super::{Error, Project};
use crate::executor::{Ended, Event, OnFailure, Work};
use crate::runner::chain;

mod data;
mod fetch;
mod restore;
mod stage;
mod stray;

/// How often it is looked whether something is to be written.
const TICK: Duration = Duration::from_millis(20);

/// A run in progress.
pub(super) struct Run<'a> {
    pub(super) project: &'a Project<'a>,
    pub(super) request: &'a Request,
    pub(super) plan: &'a Plan,
    /// Whether the words of commands are told line by line.
    pub(super) tells_words: bool,
    pub(super) tell: &'a (dyn Fn(Progress<'_>) + Sync),
    /// Outputs for the cache that git has.
    pub(super) of_git: Vec<RepoPath>,
    /// For each stage of the plan the rank of its first output.
    ranks: Vec<usize>,
    /// What each `.dvc` file tracks, as positions in the list of all.
    tracked: HashMap<&'a str, Vec<usize>>,
    shared: Mutex<Shared<'a>>,
}

/// What one stage at a time works with.
pub(super) struct Shared<'a> {
    /// The repository is ours; absent only while commands run.
    lock: Option<Lock>,
    /// How many stages run commands.
    n_commands: usize,
    pub(super) view: View<'a>,
    pub(super) journal: Journal<'a>,
    /// What has become of each stage of the plan.
    outcomes: Vec<Option<Outcome>>,
    made: stray::Made,
}

/// The right to work on the repository.
pub(super) struct Section<'s, 'a>(MutexGuard<'s, Shared<'a>>);

impl<'a> Deref for Section<'_, 'a> {
    type Target = Shared<'a>;

    fn deref(&self) -> &Shared<'a> {
        &self.0
    }
}

impl DerefMut for Section<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Drop for Section<'_, '_> {
    fn drop(&mut self) {
        if self.0.n_commands > 0 {
            self.0.lock = None;
        }
    }
}

/// A stage that failed.
pub(super) struct Failure {
    pub(super) report: StageReport,
    pub(super) error: Error,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            report: StageReport {
                stage: String::new(),
                outcome: Outcome::Failed,
                reasons: Vec::new(),
                problem: Some(chain(&error)),
                duration: Duration::ZERO,
            },
            error,
        }
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(
        project: &'a Project<'a>,
        request: &'a Request,
        plan: &'a Plan,
        (lock, of_git): (Lock, Vec<RepoPath>),
        tell: &'a (dyn Fn(Progress<'_>) + Sync),
    ) -> Self {
        let (mut ranks, mut paths) = (Vec::new(), Vec::new());
        for planned in plan.stages() {
            ranks.push(paths.len());
            if let Some(stage) = project.stage(planned.work) {
                let outs = stage.outs.iter();
                // A path that leads out is told when its stage is looked at.
                paths.extend(outs.map(|out| place(stage, &out.path).unwrap_or_default()));
            }
        }
        let mut tracked: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, one) in project.tracked.iter().enumerate() {
            tracked.entry(one.file.as_str()).or_default().push(at);
        }
        let is_parallel = request.n_jobs > 1 && plan.width() > 1;
        Self {
            project,
            request,
            plan,
            tells_words: request.tells_words || is_parallel,
            tell,
            of_git,
            ranks,
            tracked,
            shared: Mutex::new(Shared {
                lock: Some(lock),
                n_commands: 0,
                view: View::of(project.repository),
                journal: Journal::new(project, paths),
                outcomes: vec![None; plan.stages().len()],
                made: stray::Made::default(),
            }),
        }
    }

    /// Takes the repository; nobody else works on it meanwhile, in this process or another.
    fn enter(&self) -> Result<Section<'_, 'a>, Error> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.lock.is_none() {
            shared.lock = Some(self.project.repository.lock_again()?);
        }
        Ok(Section(shared))
    }

    /// Takes the repository after the commands of a stage.
    fn enter_again(&self) -> Result<Section<'_, 'a>, Error> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.n_commands -= 1;
        drop(shared);
        self.enter()
    }

    /// Writes down what has been done, soon after.
    pub(super) async fn record_in_time(&self) -> Infallible {
        loop {
            tokio::time::sleep(TICK).await;
            let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            let is_due = shared.journal.is_due();
            drop(shared);
            if is_due && let Ok(mut section) = self.enter() {
                // What cannot be written now is tried again, and told at the end.
                let _ = section.journal.flush();
            }
        }
    }

    /// Writes down what has been done. Gives what people should know.
    pub(super) fn finish(&self) -> Result<Vec<String>, Error> {
        let mut section = self.enter()?;
        section.journal.flush()?;
        section.view.workspace.save();
        Ok(section.made.strays(self))
    }

    /// Whether a stage needs one that came to such an end.
    fn needs(&self, shared: &Shared<'_>, at: usize, ends: &[Outcome]) -> bool {
        let needs = self.plan.stages()[at].needs.iter();
        let mut outcomes = needs.filter_map(|need| shared.outcomes[*need]);
        outcomes.any(|outcome| ends.contains(&outcome))
    }

    async fn member(&self, at: usize, report: &mut StageReport) -> Result<Outcome, Error> {
        match self.plan.stages()[at].work {
            Kind::Member(member) => match &self.project.nodes[member] {
                Node::Stage(stage) => self.stage(at, stage, report).await,
                Node::Data => self.data(&self.project.graph.members()[member].file),
            },
            Kind::Cycle(name) => Err(Error::Stage {
                stage: name.to_string(),
                problem: "it is a stage of a cycle, and not of `dvc.yaml`".to_owned(),
            }),
        }
    }
}

impl Project<'_> {
    /// The stage of a member; none for data.
    pub(super) fn stage(&self, work: Kind) -> Option<&Stage> {
        let Kind::Member(member) = work else {
            return None;
        };
        match self.nodes.get(member)? {
            Node::Stage(stage) => Some(stage),
            Node::Data => None,
        }
    }
}

impl Work for Run<'_> {
    type Done = StageReport;
    type Error = Failure;

    async fn run(&self, at: usize) -> Result<Ended<StageReport>, Failure> {
        let mut report = StageReport {
            stage: self.plan.stages()[at].name.clone(),
            outcome: Outcome::Failed,
            reasons: Vec::new(),
            problem: None,
            duration: Duration::ZERO,
        };
        let began = std::time::Instant::now();
        let result = self.member(at, &mut report).await;
        report.duration = began.elapsed();
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(outcome) => {
                report.outcome = outcome;
                shared.outcomes[at] = Some(outcome);
                Ok(Ended::Done(report))
            }
            Err(error) => {
                report.problem = Some(chain(&error));
                shared.outcomes[at] = Some(Outcome::Failed);
                Err(Failure { report, error })
            }
        }
    }

    async fn tell(&self, event: Event<'_, StageReport, Failure>) -> Result<(), Failure> {
        match event {
            Event::Started { stage } => {
                let stage = &self.plan.stages()[stage].name;
                (self.tell)(Progress::Looking { stage });
            }
            Event::Done { done, .. } => (self.tell)(Progress::Done(done)),
            Event::Failed { error, .. } => {
                if !matches!(error.error, Error::Stopped) {
                    (self.tell)(Progress::Done(&error.report));
                }
            }
            Event::Skipped { stage, because } => {
                let stages = self.plan.stages();
                let report = StageReport {
                    stage: stages[stage].name.clone(),
                    outcome: Outcome::Skipped,
                    reasons: Vec::new(),
                    problem: (self.request.on_failure == OnFailure::KeepGoing)
                        .then(|| format!("`{}` failed", stages[because].name)),
                    duration: Duration::ZERO,
                };
                (self.tell)(Progress::Done(&report));
            }
        }
        Ok(())
    }
}

/// A rank of an output among all of the run.
fn rank(run: &Run<'_>, at: usize, out: usize) -> usize {
    run.ranks[at] + out
}

/// Where something of a stage lies.
fn places(stage: &Stage) -> Result<Vec<RepoPath>, Error> {
    let outs = stage.outs.iter();
    outs.map(|out| place(stage, &out.path)).collect()
}
