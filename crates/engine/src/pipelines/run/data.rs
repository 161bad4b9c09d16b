//! Data of a `.dvc` file.

use super::Run;
use crate::pipelines::Error;
use crate::pipelines::report::Outcome;

impl Run<'_> {
    /// Puts data back that is gone, and records it if it has changed.
    pub(super) fn data(&self, file: &str) -> Result<Outcome, Error> {
        let mut section = self.enter()?;
        let mut outcome = Outcome::UpToDate;
        let of_file = self.tracked.get(file).into_iter().flatten();
        for one in of_file.map(|at| &self.project.tracked[*at]) {
            if one.is_of_old_stage() {
                return Err(Error::Stage {
                    stage: file.to_owned(),
                    problem: "it is a stage in the form of DVC 1, which DVC 3 does not run either; `everloop stage add` writes it into `dvc.yaml`".to_owned(),
                });
            }
            if !one.out().is_cached {
                continue;
            }
            let recorded = one.out().recorded;
            let is_legacy = recorded.is_some_and(|recorded| recorded.object.is_of_dvc_2());
            let now = section.view.workspace.look(&one.path, is_legacy)?;
            match (recorded, now) {
                (Some(_), None) if self.request.allows_missing => {}
                (Some(recorded), None) if self.request.is_dry => {
                    let is_here = self.project.repository.is_in_cache(&recorded)?;
                    if !is_here && !self.request.fetches_missing {
                        return Err(Error::Stage {
                            stage: file.to_owned(),
                            problem: format!(
                                "`{}` is neither here nor in the cache; `everloop data pull` gets it from the remote",
                                one.path
                            ),
                        });
                    }
                    outcome = Outcome::WouldRun;
                }
                (Some(recorded), None) => {
                    self.fetch_if_wanted(&[(one.path.clone(), recorded)])?;
                    section.view.workspace.restore(&one.path, recorded)?;
                    outcome = Outcome::Restored;
                }
                (before, Some(now)) if before.map(|before| before.object) != Some(now.object) => {
                    if self.request.is_dry {
                        outcome = Outcome::WouldRun;
                    } else {
                        let path = std::slice::from_ref(&one.path);
                        self.project.repository.commit(path)?;
                        outcome = Outcome::Recorded;
                    }
                }
                _ => {}
            }
        }
        Ok(outcome)
    }
}
