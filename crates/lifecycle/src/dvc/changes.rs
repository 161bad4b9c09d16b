//! Why a stage must run: what `dvc.lock` says of it, compared with what is there.

use std::collections::{HashMap, HashSet};

use super::lock::{Command, Recorded, StageLock};
use super::pipeline::{ParamsFile, Stage};
use super::value::Value;

/// What is there now. Places are paths from the top of the repository, as [`Stage::place`] gives
/// them.
#[derive(Clone, Debug, Default)]
pub struct Current {
    /// The digests of the files and directories that exist (those of directories end in `.dir`). Of
    /// what a lock recorded with the digest of DVC 2 ([`Recorded::is_legacy`]), that digest.
    pub digests: HashMap<String, String>,
    /// The outputs whose recorded content is not in the cache.
    pub not_in_cache: HashSet<String>,
    /// The content of the files of parameters that exist.
    pub params: HashMap<String, Value>,
}

/// How something differs from what was recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum Change<T> {
    /// It was not there, or not asked for.
    Added(T),
    /// It is not there any more.
    Removed(T),
    /// It is another.
    Modified {
        /// What was recorded.
        before: T,
        /// What is there.
        now: T,
    },
}

/// A reason to run a stage.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// It has never been run.
    NeverRun,
    /// It runs every time: it says so, or it has neither inputs nor outputs.
    AlwaysChanged,
    /// The command is another.
    Command {
        /// That of the last run.
        before: Command,
        /// That of now.
        now: Command,
    },
    /// A file or directory that it reads. Digests are absent where there is none.
    Dependency {
        /// The path as written.
        path: String,
        /// How it differs.
        change: Change<Option<String>>,
    },
    /// A whole file of parameters: none of it was recorded, or it is gone.
    ParamsFile {
        /// The path as written.
        path: String,
        /// How it differs.
        change: Change<()>,
    },
    /// A parameter.
    Parameter {
        /// The path of the file as written.
        path: String,
        /// The name of the parameter.
        key: String,
        /// How it differs; the value is absent where there is none.
        change: Change<Option<Value>>,
    },
    /// Something that it makes. Digests are absent where there is none.
    Output {
        /// The path as written.
        path: String,
        /// How it differs.
        change: Change<Option<String>>,
    },
    /// Something that it made is not in the cache.
    NotInCache {
        /// The path as written.
        path: String,
    },
}

/// Whether a stage must run, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The reasons; none if the stage need not run. Those of one kind are in the order of the file.
    pub reasons: Vec<Reason>,
    /// Whether the stage is frozen: what it reads was not looked at.
    pub is_frozen: bool,
}

impl Verdict {
    /// Whether nothing asks for a run.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// Compares a stage with what was recorded of it. What was recorded but is not asked for any more is
/// no reason, as in DVC.
#[must_use]
pub fn changes(stage: &Stage, lock: Option<&StageLock>, current: &Current) -> Verdict {
    let mut reasons = Vec::new();
    if lock.is_none() {
        reasons.push(Reason::NeverRun);
    }
    if stage.is_always_changed || stage.is_callback() {
        reasons.push(Reason::AlwaysChanged);
    }
    if let Some(lock) = lock.filter(|lock| lock.cmd != stage.cmd) {
        reasons.push(Reason::Command {
            before: lock.cmd.clone(),
            now: stage.cmd.clone(),
        });
    }
    if !stage.is_frozen {
        let recorded = by_path(lock.map(|lock| lock.deps.as_slice()));
        for path in &stage.deps {
            let before = recorded
                .get(path.as_str())
                .and_then(|record| record.md5.as_ref());
            if let Some(change) = digest_change(before, current.digests.get(&stage.place(path))) {
                let path = path.clone();
                reasons.push(Reason::Dependency { path, change });
            }
        }
        for file in &stage.params {
            params_changes(stage, file, lock, current, &mut reasons);
        }
    }
    let recorded = by_path(lock.map(|lock| lock.outs.as_slice()));
    for out in &stage.outs {
        let before = recorded
            .get(out.path.as_str())
            .and_then(|record| record.md5.as_ref());
        let place = stage.place(&out.path);
        let path = out.path.clone();
        if out.is_cached && before.is_some() && current.not_in_cache.contains(&place) {
            reasons.push(Reason::NotInCache { path });
        } else if let Some(change) = digest_change(before, current.digests.get(&place)) {
            reasons.push(Reason::Output { path, change });
        }
    }
    Verdict {
        reasons,
        is_frozen: stage.is_frozen,
    }
}

fn by_path(records: Option<&[Recorded]>) -> HashMap<&str, &Recorded> {
    let records = records.unwrap_or_default().iter();
    records
        .map(|record| (record.path.as_str(), record))
        .collect()
}

fn digest_change(before: Option<&String>, now: Option<&String>) -> Option<Change<Option<String>>> {
    match (before, now) {
        (before, None) => Some(Change::Removed(before.cloned())),
        (None, Some(now)) => Some(Change::Added(Some(now.clone()))),
        (Some(before), Some(now)) if before == now => None,
        (before, now) => Some(Change::Modified {
            before: before.cloned(),
            now: now.cloned(),
        }),
    }
}

fn params_changes(
    stage: &Stage,
    file: &ParamsFile,
    lock: Option<&StageLock>,
    current: &Current,
    reasons: &mut Vec<Reason>,
) {
    let recorded = lock.and_then(|lock| {
        let found = lock.params.iter().find(|(path, _)| *path == file.path);
        found.map(|(_, params)| params)
    });
    let mut whole = |change| {
        let path = file.path.clone();
        reasons.push(Reason::ParamsFile { path, change });
    };
    let Some(now) = current.params.get(&stage.place(&file.path)) else {
        return whole(Change::Removed(()));
    };
    let Some(recorded) = recorded else {
        return whole(Change::Added(()));
    };
    let is_whole = file.keys.is_empty();
    let mut keys = file.keys.clone();
    if let (true, Value::Map(entries)) = (is_whole, now) {
        keys.extend(entries.iter().map(|(key, _)| key.python()));
        let gone = recorded.iter().map(|(key, _)| key);
        keys.extend(
            gone.filter(|key| !entries.iter().any(|(name, _)| name.python() == **key))
                .cloned(),
        );
    }
    for key in keys {
        let before = recorded
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value);
        let now = if is_whole {
            own(now, &key)
        } else {
            now.parameter(&key)
        };
        let change = match (before, now) {
            (before, None) => Change::Removed(before.cloned()),
            (None, Some(now)) => Change::Added(Some(now.clone())),
            (Some(before), Some(now)) if before.equals(now) => continue,
            (before, now) => Change::Modified {
                before: before.cloned(),
                now: now.cloned(),
            },
        };
        let path = file.path.clone();
        reasons.push(Reason::Parameter { path, key, change });
    }
}

/// The value of a key of the file itself, dots and all.
fn own<'a>(params: &'a Value, key: &str) -> Option<&'a Value> {
    let Value::Map(entries) = params else {
        return None;
    };
    let found = entries.iter().find(|(name, _)| name.python() == key);
    found.map(|(_, value)| value)
}
