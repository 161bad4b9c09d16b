//! What is there now, for a comparison with what was recorded.

use everloop_lifecycle::dvc::{Current, Recorded, Stage, StageLock, Verdict, changes, read_params};
use everloop_versions::{RepoPath, Workspace};

use crate::project::read_text;
use crate::record::{place, to_versions};
use crate::{Error, Project};

impl Project<'_> {
    /// Why a stage must run.
    pub(crate) fn verdict(
        &self,
        workspace: &mut Workspace<'_>,
        stage: &Stage,
        lock: Option<&StageLock>,
    ) -> Result<Verdict, Error> {
        let mut current = Current::default();
        let deps = if stage.is_frozen {
            &[][..]
        } else {
            stage.deps.as_slice()
        };
        let deps = deps.iter().map(|path| (path, false));
        let outs = stage.outs.iter();
        let outs = outs.map(|out| (&out.path, out.is_cached));
        let empty: &[Recorded] = &[];
        let (known_deps, known_outs) = lock.map_or((empty, empty), |lock| (&lock.deps, &lock.outs));
        for (path, is_cached) in deps.chain(outs) {
            let data = place(stage, path)?;
            let mut records = known_deps.iter().chain(known_outs);
            let before = records.find(|record| record.path == *path);
            let is_legacy = before.is_some_and(|record| record.is_legacy);
            if let Some(found) = workspace.look(&data, is_legacy)? {
                let digest = found.object.to_string();
                current.digests.insert(data.as_str().to_owned(), digest);
            }
            let recorded = before.filter(|_| is_cached).and_then(to_versions);
            if let Some(recorded) = recorded
                && !workspace.is_in_cache(&recorded)?
            {
                current.not_in_cache.insert(data.as_str().to_owned());
            }
        }
        if !stage.is_frozen {
            self.look_at_params(stage, &mut current)?;
        }
        Ok(changes(stage, lock, &current))
    }

    fn look_at_params(&self, stage: &Stage, current: &mut Current) -> Result<(), Error> {
        for file in &stage.params {
            let path = stage.place(&file.path);
            let failed = |problem: String| Error::Stage {
                stage: stage.name.clone(),
                problem: format!("the parameters of `{path}` cannot be read: {problem}"),
            };
            if let Some(text) = read_text(self.repository, &path).map_err(failed)? {
                let params = read_params(&path, &text).map_err(failed)?;
                current.params.insert(path, params);
            }
        }
        Ok(())
    }

    /// Why a stage must run, as its files are now.
    ///
    /// # Errors
    ///
    /// Fails if nothing or several stages are named, or if files cannot be read.
    pub fn why(&self, target: &str, directory: &RepoPath) -> Result<Vec<(String, Verdict)>, Error> {
        let mut workspace = self.repository.workspace();
        let mut verdicts = Vec::new();
        for at in self.find(&[target.to_owned()], directory)? {
            let member = &self.graph.members()[at];
            if let crate::project::Node::Stage(stage) = &self.nodes[at] {
                let (lock, _) = self.read_lock(&member.file)?;
                let verdict = self.verdict(&mut workspace, stage, lock.find(&stage.name))?;
                verdicts.push((member.address(), verdict));
            }
        }
        workspace.save();
        Ok(verdicts)
    }
}
