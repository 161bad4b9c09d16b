//! What a stage made before, put back instead of a run.

use everloop_lifecycle::dvc::{Change, Reason, Stage, StageLock};
use everloop_versions::{Recorded, RepoPath};

use super::{Run, Section};
use crate::pipelines::Error;
use crate::pipelines::record::place;
use crate::pipelines::run_cache;

impl Run<'_> {
    /// Puts outputs back that are in the cache: those of the last run, where only they differ, or those of another run with
    /// the same inputs. Says whether that was possible.
    pub(super) fn restore(
        &self,
        section: &mut Section<'_, '_>,
        at: usize,
        stage: &Stage,
        before: Option<&StageLock>,
        reasons: &[Reason],
    ) -> Result<bool, Error> {
        let is_output =
            |reason: &Reason| matches!(reason, Reason::Output { .. } | Reason::NotInCache { .. });
        if let Some(before) = before.filter(|_| reasons.iter().all(is_output)) {
            let is_lost = |reason: &Reason| {
                let Reason::Output { change, .. } = reason else {
                    return false;
                };
                matches!(change, Change::Removed(Some(_)))
            };
            if !run_cache::is_kept(stage) && !reasons.iter().all(is_lost) {
                return Ok(false);
            }
            let paths = if run_cache::is_kept(stage) {
                None
            } else {
                Some(reasons)
            };
            return self.put_back(section, at, stage, before, paths);
        }
        let is_gone = |reason: &Reason| {
            matches!(
                reason,
                Reason::Dependency {
                    change: Change::Removed(_),
                    ..
                } | Reason::ParamsFile {
                    change: Change::Removed(()),
                    ..
                }
            )
        };
        let is_possible = run_cache::is_kept(stage) && !self.request.ignores_run_cache;
        if !is_possible || reasons.iter().any(is_gone) {
            return Ok(false);
        }
        let inputs = self
            .project
            .record_inputs(&mut section.view, stage, before)?;
        match self.project.find_run(stage, &inputs) {
            Some(run) => {
                let run = StageLock {
                    outs: run.outs,
                    ..inputs
                };
                self.fetch_run(&run)?;
                self.put_back(section, at, stage, &run, None)
            }
            None => Ok(false),
        }
    }

    /// Puts back what a lock says, all of it or what reasons name.
    pub(super) fn put_back(
        &self,
        section: &mut Section<'_, '_>,
        at: usize,
        stage: &Stage,
        lock: &StageLock,
        only: Option<&[Reason]>,
    ) -> Result<bool, Error> {
        let is_named = |path: &str| {
            only.is_none_or(|reasons| {
                reasons.iter().any(
                    |reason| matches!(reason, Reason::Output { path: named, .. } if named == path),
                )
            })
        };
        let mut found: Vec<(RepoPath, Recorded, bool)> = Vec::new();
        for out in stage.outs.iter().filter(|out| is_named(&out.path)) {
            let Some(recorded) = Self::recorded(lock, &out.path) else {
                return Ok(false);
            };
            if !self.project.repository.is_in_cache(&recorded)? {
                return Ok(false);
            }
            found.push((place(stage, &out.path)?, recorded, out.is_cached));
        }
        for (path, recorded, is_cached) in found {
            let is_legacy = recorded.object.is_of_dvc_2();
            let now = section.view.workspace.look(&path, is_legacy)?;
            if now.is_some_and(|now| now.object == recorded.object) {
                continue;
            }
            self.project.repository.remove(&path)?;
            section.view.workspace.restore(&path, recorded)?;
            if !is_cached {
                // It is git's, and no link to the cache.
                self.project.repository.unprotect(&path)?;
            }
        }
        self.note(section, at, stage, lock.clone())?;
        Ok(true)
    }
}
