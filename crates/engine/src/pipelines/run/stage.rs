//! A stage of a `dvc.yaml`: whether it must run, its run, its record.

use everloop_lifecycle::dvc::{Change, Reason, Stage, StageLock};

use super::{Run, Section, Shared, places, rank};
use crate::pipelines::Error;
use crate::pipelines::record::{Keeping, place, to_versions};
use crate::pipelines::report::{Outcome, Progress, StageReport};

/// What is to be done with a stage.
enum Next {
    /// Nothing more.
    Ended(Outcome),
    /// Its commands run.
    Commands(Option<StageLock>),
}

impl Run<'_> {
    pub(super) async fn stage(
        &self,
        at: usize,
        stage: &Stage,
        report: &mut StageReport,
    ) -> Result<Outcome, Error> {
        let before = match self.begin(at, stage, report)? {
            Next::Ended(outcome) => return Ok(outcome),
            Next::Commands(before) => before,
        };
        let began = std::time::Instant::now();
        let ran = self.commands(stage, &report.stage).await;
        let mut section = self.enter_again()?;
        section.made.ran(at, began);
        ran?;
        self.record(&mut section, at, stage, before.as_ref())?;
        Ok(Outcome::Ran)
    }

    /// Does all that needs no command.
    fn begin(&self, at: usize, stage: &Stage, report: &mut StageReport) -> Result<Next, Error> {
        let mut section = self.enter()?;
        let file = self.file(at);
        // A path that leads out is told when it is looked at.
        let deps = stage.deps.iter().flat_map(|path| place(stage, path));
        section.journal.settle(&deps.collect::<Vec<_>>())?;
        let before = section.journal.lock(file)?.find(&stage.name).cloned();
        let view = &mut section.view;
        let verdict = self.project.verdict(view, stage, before.as_ref())?;
        report.reasons = verdict.reasons;
        if self.request.allows_missing {
            let is_relevant =
                |reason: &Reason| !self.is_only_missing(&mut section, at, reason, before.as_ref());
            report.reasons.retain(is_relevant);
        }
        let done = [Outcome::Ran, Outcome::Restored, Outcome::Recorded];
        let is_forced = self.request.is_forced
            || (self.request.forces_downstream && self.needs(&section, at, &done));
        let must_run = is_forced || !report.reasons.is_empty();
        if self.request.is_dry {
            let may_run = self.needs(&section, at, &[Outcome::WouldRun, Outcome::MayRun]);
            return Ok(Next::Ended(match (must_run, may_run) {
                (true, _) => Outcome::WouldRun,
                (false, true) => Outcome::MayRun,
                (false, false) => Outcome::UpToDate,
            }));
        }
        if !must_run {
            section.made.note(self, at, stage)?;
            return Ok(Next::Ended(Outcome::UpToDate));
        }
        if stage.is_frozen {
            self.record(&mut section, at, stage, before.as_ref())?;
            return Ok(Next::Ended(Outcome::Recorded));
        }
        if !is_forced && self.fetch(&mut section, at, stage, before.as_ref(), &report.reasons)? {
            section.made.note(self, at, stage)?;
            return Ok(Next::Ended(Outcome::Restored));
        }
        if !is_forced && self.restore(&mut section, at, stage, before.as_ref(), &report.reasons)? {
            section.made.note(self, at, stage)?;
            return Ok(Next::Ended(Outcome::Restored));
        }
        self.prepare(&mut section, stage, before.as_ref(), report)?;
        section.n_commands += 1;
        Ok(Next::Commands(before))
    }

    /// Whether data is absent, and was recorded: nothing that a run would change.
    pub(super) fn is_only_missing(
        &self,
        shared: &mut Shared<'_>,
        at: usize,
        reason: &Reason,
        before: Option<&StageLock>,
    ) -> bool {
        match reason {
            Reason::NotInCache { .. } => true,
            Reason::Output { change, .. } => matches!(change, Change::Removed(Some(_))),
            Reason::ParamsFile { change, .. } => matches!(change, Change::Removed(())),
            Reason::Dependency { path, change } => {
                let recorded = matches!(change, Change::Removed(Some(_)));
                recorded && !self.is_made_anew(shared, at, path, before)
            }
            _ => false,
        }
    }

    /// Whether a stage before has recorded another state of what this one reads.
    fn is_made_anew(
        &self,
        shared: &mut Shared<'_>,
        at: usize,
        path: &str,
        before: Option<&StageLock>,
    ) -> bool {
        let Some(stage) = self.project.stage(self.plan.stages()[at].work) else {
            return false;
        };
        let place = stage.place(path);
        let mut deps = before.into_iter().flat_map(|lock| &lock.deps);
        let recorded = deps.find(|dep| dep.path == path);
        let digest = recorded.and_then(|dep| dep.md5.clone());
        for need in self.plan.stages()[at].needs.clone() {
            let Some(maker) = self.project.stage(self.plan.stages()[need].work) else {
                continue;
            };
            let Some(out) = maker
                .outs
                .iter()
                .find(|out| maker.place(&out.path) == place)
            else {
                continue;
            };
            // A lock that cannot be read is told by its own stages.
            let lock = shared.journal.lock(self.file(need)).ok();
            let made = lock.and_then(|lock| lock.find(&maker.name));
            let mut outs = made.into_iter().flat_map(|made| &made.outs);
            let made = outs.find(|made| made.path == out.path);
            return made.and_then(|made| made.md5.clone()) != digest;
        }
        false
    }

    pub(super) fn file(&self, at: usize) -> &str {
        match self.plan.stages()[at].work {
            everloop_lifecycle::Work::Member(member) => &self.project.graph.members()[member].file,
            everloop_lifecycle::Work::Cycle(_) => "",
        }
    }

    /// Makes room for what a stage makes.
    fn prepare(
        &self,
        section: &mut Section<'_, '_>,
        stage: &Stage,
        before: Option<&StageLock>,
        report: &StageReport,
    ) -> Result<(), Error> {
        for reason in &report.reasons {
            if let Reason::Dependency {
                path,
                change: Change::Removed(_),
            }
            | Reason::ParamsFile {
                path,
                change: Change::Removed(()),
            } = reason
                && !self.fetch_dependency(section, stage, path, before)?
            {
                return Err(Error::Stage {
                    stage: report.stage.clone(),
                    problem: format!("`{path}`, which it needs, does not exist"),
                });
            }
        }
        // A parameter that is missing is told now, and not after hours of work.
        self.project.record_params(&mut section.view, stage)?;
        self.check_git(stage, &report.stage)?;
        (self.tell)(Progress::Stage {
            stage: &report.stage,
        });
        for out in &stage.outs {
            let path = place(stage, &out.path)?;
            if out.is_persistent {
                self.project.repository.unprotect(&path)?;
            } else {
                self.project.repository.remove(&path)?;
            }
        }
        Ok(())
    }

    /// Refuses outputs for the cache that git has.
    fn check_git(&self, stage: &Stage, address: &str) -> Result<(), Error> {
        for out in stage.outs.iter().filter(|out| out.is_cached) {
            let path = place(stage, &out.path)?;
            if self.of_git.contains(&path) {
                let problem = format!(
                    "git has its output `{path}`; take it out with `git rm -r --cached '{path}'`, or say `cache: false`"
                );
                let stage = address.to_owned();
                return Err(Error::Stage { stage, problem });
            }
        }
        Ok(())
    }

    /// Keeps what a stage made, and notes it.
    fn record(
        &self,
        section: &mut Section<'_, '_>,
        at: usize,
        stage: &Stage,
        before: Option<&StageLock>,
    ) -> Result<(), Error> {
        let keeping = Keeping {
            is_kept: !self.request.defers_keeping,
            allows_missing: self.request.allows_missing,
        };
        let after = self
            .project
            .record(&mut section.view, stage, before, keeping)?;
        if keeping.is_kept {
            self.project.keep_run(&mut section.view, stage, &after)?;
        }
        self.note(section, at, stage, after)
    }

    /// Notes what is in the workspace now.
    pub(super) fn note(
        &self,
        section: &mut Section<'_, '_>,
        at: usize,
        stage: &Stage,
        after: StageLock,
    ) -> Result<(), Error> {
        for (out, path) in places(stage)?.iter().enumerate() {
            if stage.outs[out].is_cached {
                section.journal.ignore(path, rank(self, at, out))?;
            }
        }
        let file = self.file(at);
        section.journal.note(file, &stage.name, after, at)?;
        section.made.note(self, at, stage)?;
        if section.journal.is_due() {
            section.journal.flush()?;
        }
        Ok(())
    }

    /// What a lock says of an output, in the form of the cache.
    pub(super) fn recorded(lock: &StageLock, path: &str) -> Option<everloop_versions::Recorded> {
        let mut outs = lock.outs.iter();
        to_versions(outs.find(|out| out.path == path)?)
    }
}
