//! Recording what a stage made as it is now: `dvc commit` of a stage.
//!
//! A record of a stage says with what it was made, so all of it is taken from the workspace: the command, what the stage
//! reads, its parameters and all outputs.

use std::sync::Arc;

use everloop_lifecycle::dvc::{self, Stage, StageLock, Value, read_params};

use crate::add::Added;
use crate::dvc_file::Recorded;
use crate::known::Known;
use crate::md5::Hashing;
use crate::recording::{CachedData, Recording};
use crate::repository::Repository;
use crate::scan::{Content, Purpose, scan};
use crate::stages::{self, lock_path, parse_lock};
use crate::{Error, RepoPath};

/// What a stage read or made, looked at now.
enum Seen {
    /// As it is.
    Now(Recorded, Option<Content>),
    /// As it was recorded, for it is not there or has not changed since DVC 2.
    Before(dvc::Recorded),
    /// Neither there nor recorded.
    Absent,
}

/// What a lock says of the parameters of a file.
type Params = (String, Vec<(String, Value)>);

/// A stage as it is now.
struct Taken {
    lock: StageLock,
    /// What it made, as it is written in the stage.
    added: Vec<(RepoPath, String, Recorded)>,
    kept: Vec<CachedData>,
}

impl Repository {
    /// Records a stage. One of which something is neither there nor recorded is left out, unless it was named.
    pub(crate) fn record_stage(
        &self,
        (file, stage): (&RepoPath, &Arc<Stage>),
        is_named: bool,
        known: &mut Known,
        recording: &mut Recording,
    ) -> Result<(), Error> {
        let lock_file = lock_path(file)?;
        let text = recording.text(self.root(), &lock_file)?.unwrap_or_default();
        let text = String::from_utf8(text)
            .map_err(|error| Error::form(&lock_file, format!("it is not UTF-8: {error}")))?;
        let mut lock = parse_lock(&text, lock_file.as_str())?;
        let before = lock.find(&stage.name).cloned();
        let taken = self.take_stage(stage, before.as_ref(), known);
        let taken = match taken {
            Ok(taken) => taken,
            Err(Error::NotFound { .. }) if !is_named => return Ok(()),
            Err(error) => return Err(error),
        };
        let old = |path: &str| {
            let mut outs = before.iter().flat_map(|before| &before.outs);
            outs.find(|one| one.path == path).and_then(stages::recorded)
        };
        for (path, name, recorded) in taken.added {
            recording.added.push(Added {
                path,
                file: lock_file.clone(),
                is_changed: old(&name) != Some(recorded),
                recorded,
            });
        }
        for kept in taken.kept {
            recording.keep(kept);
        }
        lock.set(&stage.name, taken.lock);
        let after = lock.write();
        if after != text {
            recording.set(self.root(), &lock_file, Some(after.into_bytes()))?;
        }
        Ok(())
    }

    fn take_stage(
        &self,
        stage: &Stage,
        before: Option<&StageLock>,
        known: &mut Known,
    ) -> Result<Taken, Error> {
        let find = |records: Option<&Vec<dvc::Recorded>>, path: &str| {
            let mut records = records.into_iter().flatten();
            records.find(|record| record.path == path).cloned()
        };
        let absent = |path: &str| Error::NotFound {
            what: format!(
                "`{path}` of stage `{}` is not in the repository, and was never recorded; `everloop repro` makes what a stage can make",
                stage.name
            ),
        };
        let (mut deps, mut outs, mut added, mut kept) = (vec![], vec![], vec![], vec![]);
        for path in &stage.deps {
            let before = find(before.map(|lock| &lock.deps), path);
            match self.see(&stage.place(path), before, false, known)? {
                Seen::Now(recorded, _) => deps.push(recorded.to_lock(path)),
                Seen::Before(record) => deps.push(record),
                Seen::Absent => return Err(absent(path)),
            }
        }
        let params = self.stage_params(stage)?;
        for out in &stage.outs {
            let before = find(before.map(|lock| &lock.outs), &out.path);
            match self.see(&stage.place(&out.path), before, out.is_cached, known)? {
                Seen::Now(recorded, content) => {
                    let data = RepoPath::default().join(&stage.place(&out.path))?;
                    outs.push(recorded.to_lock(&out.path));
                    kept.extend(content.map(|content| CachedData::of(&data, content)));
                    added.push((data, out.path.clone(), recorded));
                }
                Seen::Before(record) => outs.push(record),
                Seen::Absent => return Err(absent(&out.path)),
            }
        }
        let lock = StageLock {
            cmd: stage.cmd.clone(),
            deps,
            params,
            outs,
        };
        Ok(Taken { lock, added, kept })
    }

    fn see(
        &self,
        place: &str,
        before: Option<dvc::Recorded>,
        is_kept: bool,
        known: &mut Known,
    ) -> Result<Seen, Error> {
        let data = match RepoPath::default().join(place) {
            Ok(data) if !place.contains("://") => data,
            // In a cloud, or elsewhere on the machine: only what was recorded is known of it.
            _ => return Ok(before.map_or(Seen::Absent, Seen::Before)),
        };
        let data = &data;
        let old = before.as_ref().filter(|before| before.is_legacy);
        if let Some(old) = old.and_then(stages::recorded) {
            let purpose = Purpose::Compare(Hashing::Dos2Unix);
            let now = scan(self.root(), data, known, purpose)?;
            let now = now.map(|now| now.object(Hashing::Dos2Unix));
            if let (true, Some(before)) = (now == Some(old.object), before.clone()) {
                return Ok(Seen::Before(before));
            }
        }
        let purpose = if is_kept {
            Purpose::Keep(self.cache())
        } else {
            Purpose::Compare(Hashing::Plain)
        };
        let now = scan(self.root(), data, known, purpose)?;
        Ok(match (now, before) {
            (Some(now), _) => Seen::Now(now.recorded(), is_kept.then_some(now)),
            (None, Some(before)) => Seen::Before(before),
            (None, None) => Seen::Absent,
        })
    }

    fn stage_params(&self, stage: &Stage) -> Result<Vec<Params>, Error> {
        let mut files = Vec::new();
        for file in &stage.params {
            let path = stage.place(&file.path);
            let failed = |problem: String| Error::form(&path, problem);
            let text = self.read_text(&path).map_err(failed)?;
            let text = text.ok_or_else(|| Error::NotFound {
                what: format!(
                    "`{path}`, which has parameters of stage `{}`, does not exist",
                    stage.name
                ),
            })?;
            let params = read_params(&path, &text).map_err(failed)?;
            let values = file.values(&params).map_err(|absent| {
                failed(format!(
                    "it has no parameter `{}`, which stage `{}` reads",
                    absent.join("`, `"),
                    stage.name
                ))
            })?;
            files.push((file.path.clone(), values));
        }
        Ok(files)
    }
}
