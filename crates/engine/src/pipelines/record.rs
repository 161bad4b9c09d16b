//! What a stage was run with and what it made, as `dvc.lock` has it.

use std::path::PathBuf;

use everloop_lifecycle::dvc::{Recorded, Stage, StageLock, Value};
use everloop_versions::{self as versions, RepoPath};

use super::look::View;
use super::{Error, Project};

/// Parameters of a file with their values.
type Params = Vec<(String, Value)>;

/// The place of a path of a stage.
pub(super) fn place(stage: &Stage, path: &str) -> Result<RepoPath, Error> {
    Ok(RepoPath::default().join(&stage.place(path))?)
}

/// Where something that a stage reads lies.
#[derive(Debug)]
pub(super) enum Input {
    /// In the repository.
    Inside(RepoPath),
    /// Not in the repository, or behind a link to a directory.
    Outside(PathBuf),
}

impl Input {
    pub(super) fn of(project: &Project<'_>, stage: &Stage, path: &str) -> Result<Self, Error> {
        let data = stage.place(path);
        let place = project.repository.root().join(&data);
        if data.contains("://") {
            return Err(Error::Stage {
                stage: stage.name.clone(),
                problem: format!(
                    "it depends on `{path}`, which is no file of this machine; `everloop data import-url` brings it in"
                ),
            });
        }
        let is_out = data.starts_with('/') || data == ".." || data.starts_with("../");
        if is_out || (place.is_symlink() && place.is_dir()) {
            return Ok(Self::Outside(place));
        }
        Ok(Self::Inside(RepoPath::default().join(&data)?))
    }
}

/// A record in the form of the cache; none where it names no object of ours.
pub(super) fn to_versions(record: &Recorded) -> Option<versions::Recorded> {
    versions::Recorded::of_lock(record).ok().flatten()
}

/// A record of DVC 2 that is still right.
fn still_legacy(
    before: Option<&Recorded>,
    look: impl FnOnce() -> Result<Option<versions::Recorded>, Error>,
) -> Result<Option<Recorded>, Error> {
    let Some(before) = before.filter(|before| before.is_legacy) else {
        return Ok(None);
    };
    let Some(now) = look()? else {
        return Ok(None);
    };
    let is_same = before.md5.as_deref() == Some(now.object.to_string().as_str());
    // The digest stays that of DVC 2; what DVC 2 did not write, or what has changed besides, is told as it is.
    Ok(is_same.then(|| Recorded {
        others: before.others.clone(),
        ..now.to_lock(&before.path)
    }))
}

/// How what a stage made is recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeping {
    /// Whether it is kept in the cache now.
    pub(super) is_kept: bool,
    /// Whether what is absent stays as it was recorded.
    pub(super) allows_missing: bool,
}

impl Project<'_> {
    /// Keeps what a stage made, and gives what its lock says from now on.
    pub(super) fn record(
        &self,
        view: &mut View<'_>,
        stage: &Stage,
        before: Option<&StageLock>,
        keeping: Keeping,
    ) -> Result<StageLock, Error> {
        let mut lock = self.record_inputs(view, stage, before)?;
        let workspace = &mut view.workspace;
        for out in &stage.outs {
            let (path, data) = (&out.path, place(stage, &out.path)?);
            let before = find(before.map(|lock| &lock.outs), path);
            let look = || Ok(workspace.look(&data, true)?);
            if let Some(kept) = still_legacy(before.as_ref(), look)? {
                lock.outs.push(kept);
                continue;
            }
            let found = if out.is_cached && keeping.is_kept {
                workspace.keep(&data)?
            } else {
                workspace.look(&data, false)?
            };
            match (found, before) {
                (Some(found), _) => lock.outs.push(found.to_lock(path)),
                (None, Some(before)) if keeping.allows_missing => lock.outs.push(before),
                (None, _) => {
                    return Err(Error::Stage {
                        stage: stage.name.clone(),
                        problem: format!("`{path}`, which it should have made, does not exist"),
                    });
                }
            }
        }
        Ok(lock)
    }

    /// What a lock says of what a stage reads now; it says nothing of what it makes.
    pub(super) fn record_inputs(
        &self,
        view: &mut View<'_>,
        stage: &Stage,
        before: Option<&StageLock>,
    ) -> Result<StageLock, Error> {
        let mut deps = Vec::new();
        for path in &stage.deps {
            let before = find(before.map(|lock| &lock.deps), path);
            let look = || view.input(self, stage, path, true);
            if let Some(kept) = still_legacy(before.as_ref(), look)? {
                deps.push(kept);
                continue;
            }
            let found = view.input(self, stage, path, false)?;
            let found = found.ok_or_else(|| Error::Stage {
                stage: stage.name.clone(),
                problem: format!("`{path}`, which the stage needs, does not exist"),
            })?;
            deps.push(found.to_lock(path));
        }
        Ok(StageLock {
            cmd: stage.cmd.clone(),
            deps,
            params: self.record_params(view, stage)?,
            outs: Vec::new(),
        })
    }

    /// The parameters of a stage with their values.
    pub(super) fn record_params(
        &self,
        view: &mut View<'_>,
        stage: &Stage,
    ) -> Result<Vec<(String, Params)>, Error> {
        let mut files = Vec::new();
        for file in &stage.params {
            let failed = |problem: String| Error::Stage {
                stage: stage.name.clone(),
                problem: format!("`{}`: {problem}", file.path),
            };
            let params = view.params(self, &stage.place(&file.path));
            let params = params.map_err(failed)?;
            let params =
                params.ok_or_else(|| failed("the file of parameters does not exist".to_owned()))?;
            let values = file.values(&params).map_err(|absent| {
                failed(format!("it has no parameter `{}`", absent.join("`, `")))
            })?;
            files.push((file.path.clone(), values));
        }
        Ok(files)
    }
}

fn find(records: Option<&Vec<Recorded>>, path: &str) -> Option<Recorded> {
    let mut records = records.into_iter().flatten();
    records.find(|record| record.path == path).cloned()
}
