//! Runs what must run, one stage after the other.

use std::collections::HashMap;

use everloop_lifecycle::dvc::{self, Change, Reason, Selection, Stage, StageLock, Target, Verdict};
use everloop_versions::{Lock, RepoPath, Workspace, write_whole};

use crate::project::{Node, lock_path};
use crate::record::{place, to_versions};
use crate::{Error, Project, Stop};

/// What is to be run, and how.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Stages, groups and files; all stages of the directory's `dvc.yaml` without any.
    pub targets: Vec<String>,
    /// The directory that targets are seen from.
    pub directory: RepoPath,
    /// The shell for commands, for example `/bin/bash`.
    pub shell: String,
    /// Which stages are run besides the targets; none are, without.
    pub besides: Option<Besides>,
    /// Whether stages run that need not.
    pub is_forced: bool,
    /// Whether nothing is run or written.
    pub is_dry: bool,
    /// Whether stages that need no failed one still run.
    pub keeps_going: bool,
    /// Ends the run from elsewhere.
    pub stop: Stop,
}

/// Which stages are run besides those that are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Besides {
    /// Those that they need.
    Upstream,
    /// Those that need them.
    Downstream,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// A stage begins.
    Stage {
        /// Its name.
        stage: &'a str,
    },
    /// A command begins.
    Command {
        /// Its text.
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
    /// What it had made was put back from the cache.
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
    /// Why it failed.
    pub problem: Option<String>,
}

/// What became of all stages, in the order of the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// One for each stage that was looked at.
    pub stages: Vec<StageReport>,
}

impl Report {
    /// The stages that failed.
    pub fn failed(&self) -> impl Iterator<Item = &StageReport> {
        let stages = self.stages.iter();
        stages.filter(|stage| stage.outcome == Outcome::Failed)
    }
}

impl Project<'_> {
    /// Runs the stages that must run. A stage that fails is told in the report; all that was done before it stays recorded.
    ///
    /// # Errors
    ///
    /// Fails if a target is not known, or if somebody asked to stop.
    pub fn reproduce(
        &self,
        lock: Lock,
        request: &Request,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Report, Error> {
        let named = self.find(&request.targets, &request.directory)?;
        let order = match request.besides {
            Some(Besides::Upstream) => self.graph.order(&named, Selection::Upstream),
            Some(Besides::Downstream) => self.graph.order(&named, Selection::Downstream),
            None => named,
        };
        let gits = if request.is_dry {
            Vec::new()
        } else {
            self.outs_of_git(&order)?
        };
        let mut run = Run {
            project: self,
            gits,
            request,
            workspace: self.repository.workspace(),
            lock: Some(lock),
            locks: HashMap::new(),
            outcomes: HashMap::new(),
            tell,
        };
        let report = run.all(&order);
        run.workspace.save();
        report
    }

    /// Outputs for the cache that git has.
    fn outs_of_git(&self, order: &[usize]) -> Result<Vec<RepoPath>, Error> {
        let mut paths = Vec::new();
        for at in order {
            if let Node::Stage(stage) = &self.nodes[*at] {
                for out in stage.outs.iter().filter(|out| out.is_cached) {
                    paths.push(place(stage, &out.path)?);
                }
            }
        }
        Ok(self.repository.tracked_by_git(&paths))
    }

    /// The members that are meant.
    pub(crate) fn find(
        &self,
        targets: &[String],
        directory: &RepoPath,
    ) -> Result<Vec<usize>, Error> {
        let all = ["dvc.yaml".to_owned()];
        let targets = if targets.is_empty() { &all } else { targets };
        let mut found = Vec::new();
        for target in targets {
            let members = self.graph.find(&Target::parse(target), directory.as_str());
            if members.is_empty() {
                return Err(Error::NotFound {
                    target: target.clone(),
                });
            }
            let is_new = |at: &usize| !found.contains(at);
            let new: Vec<usize> = members.into_iter().filter(is_new).collect();
            found.extend(new);
        }
        Ok(found)
    }
}

/// A run in progress.
struct Run<'a> {
    project: &'a Project<'a>,
    request: &'a Request,
    workspace: Workspace<'a>,
    /// Outputs that git has.
    gits: Vec<RepoPath>,
    /// The repository is ours; `None` only while a command runs.
    lock: Option<Lock>,
    /// The `dvc.lock` beside each `dvc.yaml`, with its text.
    locks: HashMap<String, (dvc::Lock, String)>,
    outcomes: HashMap<usize, Outcome>,
    tell: &'a mut dyn FnMut(Progress<'_>),
}

impl Run<'_> {
    fn all(&mut self, order: &[usize]) -> Result<Report, Error> {
        let mut report = Report::default();
        for at in order {
            let mut one = StageReport {
                stage: self.project.graph.members()[*at].address(),
                outcome: Outcome::Skipped,
                reasons: Vec::new(),
                problem: None,
            };
            if !self.needs(*at, &[Outcome::Failed, Outcome::Skipped]) {
                match self.member(*at, &mut one) {
                    Ok(outcome) => one.outcome = outcome,
                    Err(Error::Stopped) => return Err(Error::Stopped),
                    Err(error) => {
                        one.outcome = Outcome::Failed;
                        one.problem = Some(chain(&error));
                    }
                }
            }
            self.outcomes.insert(*at, one.outcome);
            (self.tell)(Progress::Done(&one));
            let ends = one.outcome == Outcome::Failed && !self.request.keeps_going;
            report.stages.push(one);
            if ends {
                break;
            }
        }
        Ok(report)
    }

    /// Whether a member needs one that came to such an end.
    fn needs(&self, at: usize, ends: &[Outcome]) -> bool {
        let needs = self.project.graph.needs(at).iter();
        let mut outcomes = needs.filter_map(|need| self.outcomes.get(need));
        outcomes.any(|outcome| ends.contains(outcome))
    }

    fn member(&mut self, at: usize, report: &mut StageReport) -> Result<Outcome, Error> {
        let project = self.project;
        match &project.nodes[at] {
            Node::Stage(stage) => self.stage(at, stage, report),
            Node::Data => self.data(&project.graph.members()[at].file),
        }
    }

    fn stage(
        &mut self,
        at: usize,
        stage: &Stage,
        report: &mut StageReport,
    ) -> Result<Outcome, Error> {
        let file = self.project.graph.members()[at].file.clone();
        let before = self.read_lock(&file)?.find(&stage.name).cloned();
        let verdict = self
            .project
            .verdict(&mut self.workspace, stage, before.as_ref())?;
        report.reasons.clone_from(&verdict.reasons);
        let must_run = self.request.is_forced || !verdict.is_up_to_date();
        if self.request.is_dry {
            let may_run = self.needs(at, &[Outcome::WouldRun, Outcome::MayRun]);
            return Ok(match (must_run, may_run) {
                (true, _) => Outcome::WouldRun,
                (false, true) => Outcome::MayRun,
                (false, false) => Outcome::UpToDate,
            });
        }
        if !must_run {
            return Ok(Outcome::UpToDate);
        }
        if !self.request.is_forced && self.restore(stage, before.as_ref(), &verdict)? {
            return Ok(Outcome::Restored);
        }
        if !stage.is_frozen {
            self.run(stage, &report.stage, &verdict)?;
        }
        let project = self.project;
        let after = project.record(&mut self.workspace, stage, before.as_ref())?;
        self.write_lock(&file, stage, after)?;
        Ok(if stage.is_frozen {
            Outcome::Recorded
        } else {
            Outcome::Ran
        })
    }

    /// Puts outputs back that are in the cache, where that is all that lacks.
    fn restore(
        &mut self,
        stage: &Stage,
        before: Option<&StageLock>,
        verdict: &Verdict,
    ) -> Result<bool, Error> {
        let mut found = Vec::new();
        for reason in &verdict.reasons {
            let Reason::Output {
                path,
                change: Change::Removed(Some(_)),
            } = reason
            else {
                return Ok(false);
            };
            let is_cached = |out: &&dvc::Out| out.path == *path && out.is_cached;
            let mut records = before.iter().flat_map(|lock| &lock.outs);
            let record = records.find(|record| record.path == *path);
            let (Some(_), Some(record)) = (stage.outs.iter().find(is_cached), record) else {
                return Ok(false);
            };
            let Some(recorded) = to_versions(record) else {
                return Ok(false);
            };
            found.push((place(stage, path)?, recorded));
        }
        for (path, recorded) in found {
            self.workspace.restore(&path, recorded)?;
            self.project.repository.ignore(&path)?;
        }
        Ok(true)
    }

    fn run(&mut self, stage: &Stage, address: &str, verdict: &Verdict) -> Result<(), Error> {
        for reason in &verdict.reasons {
            if let Reason::Dependency {
                path,
                change: Change::Removed(_),
            }
            | Reason::ParamsFile {
                path,
                change: Change::Removed(()),
            } = reason
            {
                return Err(Error::Stage {
                    stage: address.to_owned(),
                    problem: format!("`{path}`, which it needs, does not exist"),
                });
            }
        }
        // A parameter that is missing is told now, and not after hours of work.
        self.project.record_params(stage)?;
        for out in stage.outs.iter().filter(|out| out.is_cached) {
            let path = place(stage, &out.path)?;
            if self.gits.contains(&path) {
                let problem = format!(
                    "git has its output `{path}`; take it out with `git rm -r --cached '{path}'`, or say `cache: false`"
                );
                let stage = address.to_owned();
                return Err(Error::Stage { stage, problem });
            }
        }
        (self.tell)(Progress::Stage { stage: address });
        for out in &stage.outs {
            let path = place(stage, &out.path)?;
            if out.is_persistent {
                self.project.repository.unprotect(&path)?;
            } else {
                self.project.repository.remove(&path)?;
            }
        }
        let project = self.project;
        project.run_commands((stage, address), self.request, &mut self.lock, self.tell)
    }

    /// Data of a `.dvc` file: put back if it is gone, recorded if it has changed.
    fn data(&mut self, file: &str) -> Result<Outcome, Error> {
        let mut outcome = Outcome::UpToDate;
        let of_file = self
            .project
            .tracked
            .iter()
            .filter(|one| one.file.as_str() == file);
        for one in of_file.filter(|one| one.out().is_cached) {
            let recorded = one.out().recorded;
            let is_legacy = recorded.is_some_and(|recorded| recorded.object.is_of_dvc_2());
            let now = self.workspace.look(&one.path, is_legacy)?;
            match (recorded, now) {
                (Some(recorded), None) if !self.request.is_dry => {
                    self.workspace.restore(&one.path, recorded)?;
                    outcome = Outcome::Restored;
                }
                (before, Some(now)) if before.map(|before| before.object) != Some(now.object) => {
                    if self.request.is_dry {
                        outcome = Outcome::WouldRun;
                    } else {
                        self.project
                            .repository
                            .commit(std::slice::from_ref(&one.path))?;
                        outcome = Outcome::Recorded;
                    }
                }
                _ => {}
            }
        }
        Ok(outcome)
    }

    /// The lock of a file as it is on disk: others may have worked while a command ran.
    fn read_lock(&mut self, file: &str) -> Result<&dvc::Lock, Error> {
        let path = lock_path(file);
        let read = crate::project::read_text(self.project.repository, &path);
        let text = read.ok().flatten().unwrap_or_default();
        let is_known = self
            .locks
            .get(file)
            .is_some_and(|(_, known)| *known == text);
        if !is_known {
            let lock = self.project.read_lock(file)?;
            self.locks.insert(file.to_owned(), lock);
        }
        Ok(&self.locks.entry(file.to_owned()).or_default().0)
    }

    fn write_lock(&mut self, file: &str, stage: &Stage, after: StageLock) -> Result<(), Error> {
        self.read_lock(file)?;
        let (lock, known) = self.locks.entry(file.to_owned()).or_default();
        lock.set(&stage.name, after);
        let text = lock.write();
        if text != *known {
            let repository = self.project.repository;
            let path = lock_path(file);
            write_whole(
                &RepoPath::default().join(&path)?.under(repository.root()),
                text.as_bytes(),
            )?;
            repository.stage_for_git(&[&path]);
            *known = text;
        }
        Ok(())
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
