//! What is there now, for a comparison with what was recorded.

use std::collections::HashMap;
use std::time::Duration;

use everloop_lifecycle::dvc::{
    Current, Recorded, Stage, StageLock, Value, Verdict, changes, read_params,
};
use everloop_versions::{self as versions, RepoPath, Repository, Workspace};

use super::project::{Node, Stamp};
use super::record::{Input, place, to_versions};
use super::reproduce::Request;
use super::{Error, Project};

/// How young a file may be that is read again when it is asked for again: a second change within the clock's grain would
/// not show.
const GRAIN: Duration = Duration::from_millis(50);

/// The workspace, with what was read of it.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) workspace: Workspace<'a>,
    /// Files of parameters, as they were when they were read.
    params: HashMap<String, (Stamp, Value)>,
}

impl<'a> View<'a> {
    pub(super) fn of(repository: &'a Repository) -> Self {
        Self {
            workspace: repository.workspace(),
            params: HashMap::new(),
        }
    }

    /// What is at a path that a stage reads. Such a path may lead out of the repository.
    pub(super) fn input(
        &mut self,
        project: &Project<'_>,
        stage: &Stage,
        path: &str,
        is_legacy: bool,
    ) -> Result<Option<versions::Recorded>, Error> {
        Ok(match Input::of(project, stage, path)? {
            Input::Inside(data) => self.workspace.look(&data, is_legacy)?,
            Input::Outside(place) => self.workspace.look_outside(&place, is_legacy)?,
        })
    }

    /// The content of a file of parameters, if there is one.
    pub(super) fn params(
        &mut self,
        project: &Project<'_>,
        path: &str,
    ) -> Result<Option<Value>, String> {
        let stamp = Stamp::of(project.repository, path);
        let known = self.params.get(path);
        if let Some((_, params)) = known.filter(|(known, _)| Some(*known) == stamp) {
            return Ok(Some(params.clone()));
        }
        let Some(text) = project.repository.read_text(path)? else {
            return Ok(None);
        };
        let params = read_params(path, &text)?;
        if let Some(stamp) = stamp.filter(|stamp| stamp.is_older_than(GRAIN)) {
            self.params.insert(path.to_owned(), (stamp, params.clone()));
        }
        Ok(Some(params))
    }
}

impl Project<'_> {
    /// Why a stage must run.
    pub(super) fn verdict(
        &self,
        view: &mut View<'_>,
        stage: &Stage,
        lock: Option<&StageLock>,
    ) -> Result<Verdict, Error> {
        let mut current = Current::default();
        let deps = if stage.is_frozen {
            &[][..]
        } else {
            stage.deps.as_slice()
        };
        let deps = deps.iter().map(|path| (path, None));
        let outs = stage.outs.iter();
        let outs = outs.map(|out| (&out.path, Some(out.is_cached)));
        let empty: &[Recorded] = &[];
        let (known_deps, known_outs) = lock.map_or((empty, empty), |lock| (&lock.deps, &lock.outs));
        for (path, of_out) in deps.chain(outs) {
            let data = stage.place(path);
            let mut records = known_deps.iter().chain(known_outs);
            let before = records.find(|record| record.path == *path);
            let is_legacy = before.is_some_and(|record| record.is_legacy);
            let found = match of_out {
                None => view.input(self, stage, path, is_legacy)?,
                Some(_) => view.workspace.look(&place(stage, path)?, is_legacy)?,
            };
            if let Some(found) = found {
                let digest = found.object.to_string();
                current.digests.insert(data.clone(), digest);
            }
            let is_cached = of_out.unwrap_or(false);
            let recorded = before.filter(|_| is_cached).and_then(to_versions);
            if let Some(recorded) = recorded
                && !self.repository.is_in_cache(&recorded)?
            {
                current.not_in_cache.insert(data);
            }
        }
        if !stage.is_frozen {
            self.look_at_params(view, stage, &mut current)?;
        }
        Ok(changes(stage, lock, &current))
    }

    fn look_at_params(
        &self,
        view: &mut View<'_>,
        stage: &Stage,
        current: &mut Current,
    ) -> Result<(), Error> {
        for file in &stage.params {
            let path = stage.place(&file.path);
            let failed = |problem: String| Error::Stage {
                stage: stage.name.clone(),
                problem: format!("the parameters of `{path}` cannot be read: {problem}"),
            };
            if let Some(params) = view.params(self, &path).map_err(failed)? {
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
        let mut view = View::of(self.repository);
        let mut verdicts = Vec::new();
        let request = Request {
            targets: vec![target.to_owned()],
            directory: directory.clone(),
            ..Request::default()
        };
        for at in self.find(&request)? {
            let member = &self.graph.members()[at];
            if let Node::Stage(stage) = &self.nodes[at] {
                let (lock, _) = self.read_lock(&member.file)?;
                let verdict = self.verdict(&mut view, stage, lock.find(&stage.name))?;
                verdicts.push((member.address(), verdict));
            }
        }
        view.workspace.save();
        Ok(verdicts)
    }
}
