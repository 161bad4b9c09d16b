//! Stages of `dvc.yaml`, as far as they track data: their outs with what `dvc.lock` records of them.

use std::sync::Arc;

use everloop_lifecycle::dvc::{
    self, Flags, ListFlags, Lock, Parsed, Pipeline, Surroundings, parse,
};
use everloop_lifecycle::{Diagnostic, Severity};

use crate::dvc_file::{Out, Recorded};
use crate::repository::Repository;
use crate::tracked::{Origin, Tracked, named_by};
use crate::whole::read_whole;
use crate::{Error, RepoPath};

/// The name of the files.
pub(crate) const FILE: &str = "dvc.yaml";

/// All outs of the stages of a file that lie in the repository.
pub(crate) fn outs(repository: &Repository, file: &RepoPath) -> Result<Vec<Tracked>, Error> {
    let pipeline = read_pipeline(repository, file)?;
    if pipeline.stages.is_empty() {
        return Ok(Vec::new());
    }
    let lock = read_lock(repository, &lock_path(file)?)?;
    let mut tracked = Vec::new();
    for stage in pipeline.stages {
        let stage = Arc::new(stage);
        let locked = lock.find(&stage.name);
        for out in &stage.outs {
            let place = stage.place(&out.path);
            let path = match RepoPath::default().join(&place) {
                _ if place.contains("://") => continue,
                Ok(path) => path,
                // Of the machine: nothing of it is here.
                Err(_) if !out.is_cached => continue,
                Err(error) => return Err(named_by(error, file.as_str())),
            };
            let mut records = locked.iter().flat_map(|lock| &lock.outs);
            let record = records.find(|record| record.path == out.path);
            tracked.push(Tracked {
                file: file.clone(),
                path,
                out: Out {
                    path: out.path.clone(),
                    recorded: record.and_then(recorded),
                    is_cached: out.is_cached,
                    can_push: out.is_pushed,
                    remote: out.remote.clone(),
                },
                origin: Origin::Stage(Arc::clone(&stage)),
            });
        }
    }
    Ok(tracked)
}

/// The path of the lock beside a `dvc.yaml`.
pub(crate) fn lock_path(file: &RepoPath) -> Result<RepoPath, Error> {
    file.parent().join("dvc.lock")
}

/// Reads a `dvc.lock`; an absent one is empty.
pub(crate) fn read_lock(repository: &Repository, path: &RepoPath) -> Result<Lock, Error> {
    let text = repository.read_text(path.as_str());
    let text = text
        .map_err(|problem| Error::form(path, problem))?
        .unwrap_or_default();
    parse_lock(&text, path.as_str())
}

/// Reads the text of a `dvc.lock`. `name` is named in errors.
pub(crate) fn parse_lock(text: &str, name: &str) -> Result<Lock, Error> {
    if text.trim().is_empty() {
        return Ok(Lock::default());
    }
    let (lock, diagnostics) = Lock::read(text);
    lock.ok_or_else(|| Error::form(name, first(&diagnostics)))
}

/// A record in the form of the cache; none where it names no object of ours.
pub(crate) fn recorded(record: &dvc::Recorded) -> Option<Recorded> {
    Recorded::of_lock(record).ok().flatten()
}

fn read_pipeline(repository: &Repository, file: &RepoPath) -> Result<Pipeline, Error> {
    let (parsed, _) = repository
        .parse_pipeline(file)
        .map_err(|problem| Error::form(file, problem))?;
    let problem = || Error::form(file, first(&parsed.diagnostics));
    parsed.pipeline.ok_or_else(problem)
}

/// The first problem that stops; `everloop repro` tells all.
pub(crate) fn first(diagnostics: &[Diagnostic]) -> String {
    let stops = |one: &&Diagnostic| one.severity == Severity::Error;
    let found = diagnostics.iter().find(stops);
    found.map_or_else(String::new, |one| {
        format!("{} (line {})", one.message, one.line)
    })
}

impl Repository {
    /// Reads a `dvc.yaml` with the files that it names, and gives its text, too; an absent one has no stages.
    ///
    /// # Errors
    ///
    /// Says what is wrong if the file itself cannot be read.
    pub fn parse_pipeline(&self, file: &RepoPath) -> Result<(Parsed, String), String> {
        let text = self.read_text(file.as_str())?.unwrap_or_default();
        let read = |path: &str| self.read_text(path);
        let surroundings = Surroundings {
            file: file.as_str(),
            flags: self.flags(),
            read: &read,
        };
        Ok((parse(&text, surroundings), text))
    }

    /// How maps in commands become flags here.
    #[must_use]
    pub fn flags(&self) -> Flags {
        let said = |key: &str| self.config().get("parsing", key);
        Flags {
            is_negated: said("bool") == Some("boolean_optional"),
            lists: match said("list") {
                Some("append") => ListFlags::Repeated,
                _ => ListFlags::Once,
            },
        }
    }

    /// The text of a file of the repository, if there is one.
    ///
    /// # Errors
    ///
    /// Says what is wrong if the path leads out of the repository, or if the file cannot be read or is no UTF-8.
    pub fn read_text(&self, path: &str) -> Result<Option<String>, String> {
        let path = RepoPath::default()
            .join(path)
            .map_err(|error| error.to_string())?;
        match read_whole(&path.under(self.root())) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err("it is not UTF-8".to_owned()),
            },
            Err(error) if crate::scan::is_absent(&error) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}
