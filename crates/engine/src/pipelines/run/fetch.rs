//! Data that is not here and is fetched from a remote.

use everloop_lifecycle::dvc::{Reason, Stage, StageLock};
use everloop_versions::{Recorded, RepoPath};

use super::{Run, Section, places};
use crate::pipelines::Error;
use crate::pipelines::record::{Input, to_versions};

impl Run<'_> {
    /// Fetches what a stage made, where all that differs is that it is not here. Says whether it is here now.
    pub(super) fn fetch(
        &self,
        section: &mut Section<'_, '_>,
        at: usize,
        stage: &Stage,
        before: Option<&StageLock>,
        reasons: &[Reason],
    ) -> Result<bool, Error> {
        let Some(before) = before.filter(|_| self.request.fetches_missing) else {
            return Ok(false);
        };
        let is_missing =
            |reason: &Reason| self.is_only_missing(&mut *section, at, reason, Some(before));
        if !reasons.iter().all(is_missing) {
            return Ok(false);
        }
        let mut wanted = Vec::new();
        for (out, path) in stage.outs.iter().zip(places(stage)?) {
            match Self::recorded(before, &out.path) {
                Some(recorded) if out.is_cached => wanted.push((path, recorded)),
                _ => {}
            }
        }
        // A stage whose data no remote has is run instead.
        if self.fetch_if_wanted(&wanted).is_err() {
            return Ok(false);
        }
        self.put_back(section, at, stage, before, None)
    }

    /// Puts back what a stage reads and what is not here, where that is wanted. Says whether it is here now.
    pub(super) fn fetch_dependency(
        &self,
        section: &mut Section<'_, '_>,
        stage: &Stage,
        path: &str,
        before: Option<&StageLock>,
    ) -> Result<bool, Error> {
        let mut deps = before.into_iter().flat_map(|lock| &lock.deps);
        let recorded = deps.find(|dep| dep.path == path).and_then(to_versions);
        let Some(recorded) = recorded.filter(|_| self.request.fetches_missing) else {
            return Ok(false);
        };
        let Input::Inside(place) = Input::of(self.project, stage, path)? else {
            return Ok(false);
        };
        self.fetch_if_wanted(&[(place.clone(), recorded)])?;
        section.view.workspace.restore(&place, recorded)?;
        Ok(true)
    }

    /// Fetches what another run made, where that is wanted. What no remote has is made anew.
    pub(super) fn fetch_run(&self, run: &StageLock) -> Result<(), Error> {
        if !self.request.fetches_missing {
            return Ok(());
        }
        let repository = self.project.repository;
        let mut absent = Vec::new();
        for recorded in run.outs.iter().filter_map(to_versions) {
            if !repository.is_in_cache(&recorded)? {
                absent.push(recorded);
            }
        }
        if !absent.is_empty() {
            // That it cannot be had is no failure: the stage runs then.
            let _ = tokio::task::block_in_place(|| repository.fetch_recorded(&absent, None));
        }
        Ok(())
    }

    /// Fetches data that is not in the cache, where that is wanted.
    pub(super) fn fetch_if_wanted(&self, data: &[(RepoPath, Recorded)]) -> Result<(), Error> {
        if !self.request.fetches_missing {
            return Ok(());
        }
        let mut absent = Vec::new();
        for (path, recorded) in data {
            if !self.project.repository.is_in_cache(recorded)? {
                absent.push(path.clone());
            }
        }
        if !absent.is_empty() {
            // Remotes may wait for the network in their own ways.
            let got = tokio::task::block_in_place(|| self.project.repository.fetch(&absent, None))?;
            if let Some((object, why)) = got.problems.first() {
                let paths: Vec<&str> = absent.iter().map(RepoPath::as_str).collect();
                return Err(Error::File {
                    problems: format!(
                        "`{}` could not be fetched: {object}: {why}",
                        paths.join("`, `")
                    ),
                });
            }
        }
        Ok(())
    }
}
