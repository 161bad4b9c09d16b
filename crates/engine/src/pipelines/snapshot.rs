//! A repository as it is, or as it was at a revision of git: its pipelines and files.
//!
//! What git does not have (outputs that are kept in the cache) is found by the digest that `dvc.lock`
//! or a `.dvc` file of the same version records. A file that is wrong is a [`Problem`] of the version
//! and does not keep others from being read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use everloop_lifecycle::dvc::{Lock, Pipeline, Surroundings, Value, parse, read_params};
use everloop_versions::{self as versions, DvcFile, RepoPath, Repository, Revision};

use super::Error;
use super::project::lock_path;
use super::record::to_versions;

/// A version of a repository.
#[derive(Debug)]
pub struct Snapshot<'a> {
    repository: &'a Repository,
    /// None for the workspace.
    revision: Option<Revision>,
    pipelines: Vec<Pipeline>,
    problems: Vec<Problem>,
    /// What is recorded, by its place.
    outs: BTreeMap<RepoPath, versions::Recorded>,
}

/// A file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path in the repository.
    pub path: String,
    /// What DVC calls it, for programs that know DVC's errors: `FileNotFoundError` …
    pub kind: &'static str,
    /// What is wrong, in words.
    pub message: String,
}

impl<'a> Snapshot<'a> {
    /// The repository as its files are now.
    ///
    /// # Errors
    ///
    /// Fails if directories cannot be read.
    pub fn workspace(repository: &'a Repository) -> Result<Self, Error> {
        let mut snapshot = Self::empty(repository, None);
        match repository.tracked_by_files() {
            Ok(tracked) => {
                let recorded = tracked.iter().filter_map(|one| {
                    let recorded = one.out().recorded?;
                    Some((one.path.clone(), recorded))
                });
                snapshot.outs = recorded.collect();
            }
            Err(error) => snapshot.problem(".", "StageFileFormatError", error.to_string()),
        }
        let data: Vec<RepoPath> = snapshot.outs.keys().cloned().collect();
        let files = repository.pipeline_files(&data)?;
        snapshot.read_pipelines(&files);
        Ok(snapshot)
    }

    /// The repository as git has it at a revision: a branch, a tag, a hash.
    ///
    /// # Errors
    ///
    /// Fails if git does not know the revision.
    pub fn revision(repository: &'a Repository, name: &str) -> Result<Self, Error> {
        let revision = repository.revision(name)?;
        let named = |is_it: fn(&str) -> bool| -> Vec<RepoPath> {
            let files = revision.files();
            files.filter(|file| is_it(file.name())).cloned().collect()
        };
        let records = named(is_record);
        let mut files = named(|name| name == "dvc.yaml");
        let mut snapshot = Self::empty(repository, Some(revision));
        let texts = snapshot.read_all(&records);
        for (file, bytes) in records.iter().zip(texts) {
            if let Err(message) = bytes
                .map_err(|problem| problem.message)
                .and_then(|bytes| snapshot.add_tracked(file, &bytes))
            {
                snapshot.problem(file.as_str(), "StageFileFormatError", message);
            }
        }
        files.retain(|file| !snapshot.outs.keys().any(|data| file.is_in(data)));
        snapshot.read_pipelines(&files);
        Ok(snapshot)
    }

    fn empty(repository: &'a Repository, revision: Option<Revision>) -> Self {
        Self {
            repository,
            revision,
            pipelines: Vec::new(),
            problems: Vec::new(),
            outs: BTreeMap::new(),
        }
    }

    /// What the `dvc.yaml` files say that can be read.
    #[must_use]
    pub fn pipelines(&self) -> &[Pipeline] {
        &self.pipelines
    }

    /// The files of the project that cannot be read.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn problem(&mut self, path: &str, kind: &'static str, message: String) {
        self.problems.push(Problem {
            path: path.to_owned(),
            kind,
            message,
        });
    }

    /// Notes what a `.dvc` file records.
    fn add_tracked(&mut self, file: &RepoPath, bytes: &[u8]) -> Result<(), String> {
        let words = |error: versions::Error| error.to_string();
        let dvc_file = DvcFile::parse(bytes, file.as_str()).map_err(words)?;
        let start = match &dvc_file.wdir {
            Some(wdir) => file.parent().join(wdir).map_err(words)?,
            None => file.parent(),
        };
        for out in dvc_file.outs {
            if let Some(recorded) = out.recorded {
                let path = start.join(&out.path).map_err(words)?;
                self.outs.insert(path, recorded);
            }
        }
        Ok(())
    }

    fn read_pipelines(&mut self, files: &[RepoPath]) {
        let flags = self.repository.flags();
        let texts = self.read_all(files);
        for (file, bytes) in files.iter().zip(texts) {
            let text = match bytes.and_then(|bytes| utf8(file.as_str(), bytes)) {
                Ok(text) => text,
                Err(problem) => {
                    self.problems.push(problem);
                    continue;
                }
            };
            let read = |path: &str| self.read_text(path);
            let surroundings = Surroundings {
                file: file.as_str(),
                flags,
                read: &read,
            };
            let parsed = parse(&text, surroundings);
            if let Some(pipeline) = parsed.pipeline {
                self.add_recorded(&pipeline);
                self.pipelines.push(pipeline);
            } else {
                let shown = parsed.diagnostics.iter();
                let message = shown.map(|problem| problem.render(file.as_str(), &text));
                self.problem(file.as_str(), "YAMLValidationError", message.collect());
            }
        }
    }

    /// Notes what the lock beside a pipeline records.
    fn add_recorded(&mut self, pipeline: &Pipeline) {
        let path = lock_path(&pipeline.file);
        let lock = match self.read_text(&path) {
            Ok(None) => return,
            Ok(Some(text)) => Lock::read(&text).0,
            Err(_) => None,
        };
        let Some(lock) = lock else {
            let message = "it is no lock file; take it from the last commit".to_owned();
            return self.problem(&path, "LockfileCorruptedError", message);
        };
        for stage in &pipeline.stages {
            let recorded = lock.find(&stage.name).into_iter();
            for record in recorded.flat_map(|lock| &lock.outs) {
                let place = RepoPath::default().join(&stage.place(&record.path));
                if let (Ok(place), Some(recorded)) = (place, to_versions(record)) {
                    self.outs.insert(place, recorded);
                }
            }
        }
    }

    /// The text of a file, if there is one.
    fn read_text(&self, path: &str) -> Result<Option<String>, String> {
        let place = RepoPath::default().join(path);
        let place = place.map_err(|error| error.to_string())?;
        let bytes = self.read_all(&[place]).pop();
        match bytes {
            Some(Err(problem)) if problem.kind != NOT_FOUND => Err(problem.message),
            None | Some(Err(_)) => Ok(None),
            Some(Ok(bytes)) => match utf8(path, bytes) {
                Ok(text) => Ok(Some(text)),
                Err(problem) => Err(problem.message),
            },
        }
    }

    /// The contents of files, by their paths in the repository.
    #[must_use]
    pub fn read(&self, paths: &[String]) -> Vec<Result<Vec<u8>, Problem>> {
        let places: Vec<Result<RepoPath, Problem>> = paths
            .iter()
            .map(|path| {
                let place = RepoPath::default().join(path);
                place.map_err(|error| problem(path, NOT_FOUND, error.to_string()))
            })
            .collect();
        let whole: Vec<RepoPath> = places.iter().flatten().cloned().collect();
        let mut contents = self.read_all(&whole).into_iter();
        let next = |place: Result<RepoPath, Problem>| {
            place.and_then(|place| {
                let absent = || Err(problem(place.as_str(), NOT_FOUND, "does not exist"));
                contents.next().unwrap_or_else(absent)
            })
        };
        places.into_iter().map(next).collect()
    }

    /// The values of files of metrics or parameters: YAML, JSON, TOML or Python. A directory stands
    /// for the files in it.
    #[must_use]
    pub fn values(&self, paths: &[String]) -> Vec<(String, Result<Value, Problem>)> {
        let mut known = BTreeSet::new();
        let expanded = paths.iter().flat_map(|path| {
            let below = self.files_below(path);
            below.unwrap_or_else(|| vec![path.clone()])
        });
        let files: Vec<String> = expanded.filter(|file| known.insert(file.clone())).collect();
        let contents = self.read(&files);
        let values = files.into_iter().zip(contents).map(|(path, bytes)| {
            let value = bytes.and_then(|bytes| {
                let text = utf8(&path, bytes)?;
                read_params(&path, &text)
                    .map_err(|why| problem(&path, broken_kind(&path), format!("it is {why}")))
            });
            (path, value)
        });
        values.collect()
    }

    /// The files in a directory, in the order of their paths; none if it is no directory.
    #[must_use]
    pub fn files_below(&self, path: &str) -> Option<Vec<String>> {
        let place = RepoPath::default().join(path).ok()?;
        let mut files = BTreeSet::new();
        match &self.revision {
            Some(revision) => {
                let inner = revision.files();
                let inner = inner.filter(|file| file.is_in(&place) && **file != place);
                files.extend(inner.map(|file| file.as_str().to_owned()));
            }
            None => walk(&place, self.repository, &mut files),
        }
        for (dir, recorded) in &self.outs {
            let touches = dir.is_in(&place) || place.is_in(dir);
            if !touches || !recorded.object.is_dir {
                continue;
            }
            let listing = self.repository.cache().listing(recorded.object).ok();
            for (name, _) in listing.iter().flat_map(versions::Listing::files) {
                let file = dir.join(name).ok().filter(|file| file.is_in(&place));
                files.extend(file.map(|file| file.as_str().to_owned()));
            }
        }
        let is_file = files.is_empty() || files.contains(place.as_str());
        // What tells of data is no data.
        let is_data = |file: &String| {
            let name = file.rsplit('/').next().unwrap_or(file);
            !(name == "dvc.yaml" || name == ".dvcignore" || is_record(name))
        };
        (!is_file).then(|| files.into_iter().filter(is_data).collect())
    }

    fn read_all(&self, places: &[RepoPath]) -> Vec<Result<Vec<u8>, Problem>> {
        let asked: Vec<&RepoPath> = places.iter().collect();
        let found: Vec<io::Result<Option<Vec<u8>>>> = match &self.revision {
            None => places
                .iter()
                .map(
                    |place| match fs::read(place.under(self.repository.root())) {
                        Ok(bytes) => Ok(Some(bytes)),
                        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                        Err(error) => Err(error),
                    },
                )
                .collect(),
            Some(revision) => match revision.read_all(&asked) {
                Ok(contents) => contents.into_iter().map(Ok).collect(),
                Err(error) => places
                    .iter()
                    .map(|_| Err(io::Error::other(error.to_string())))
                    .collect(),
            },
        };
        let contents = places.iter().zip(found).map(|(place, found)| match found {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => self.read_cached(place),
            Err(error) => Err(problem(place.as_str(), "OSError", error.to_string())),
        });
        contents.collect()
    }

    /// The content of a file that only the cache has.
    fn read_cached(&self, place: &RepoPath) -> Result<Vec<u8>, Problem> {
        let missing = |why: String| problem(place.as_str(), "FileMissingError", why);
        let absent = || problem(place.as_str(), NOT_FOUND, "does not exist");
        let above = self.outs.iter().find(|(out, _)| place.is_in(out));
        let (out, recorded) = above.ok_or_else(absent)?;
        let cache = self.repository.cache();
        let not_here = || {
            missing(
                "its data is not in the cache; `everloop data fetch` gets it from a remote"
                    .to_owned(),
            )
        };
        let mut object = recorded.object;
        if !cache.has(object).unwrap_or(false) {
            return Err(not_here());
        }
        if object.is_dir {
            let listing = cache.listing(object);
            let listing = listing.map_err(|error| missing(error.to_string()))?;
            let inner = place.as_str()[out.as_str().len()..].trim_start_matches('/');
            object.md5 = listing.get(inner).ok_or_else(absent)?;
            object.is_dir = false;
        }
        if !cache.has(object).unwrap_or(false) {
            return Err(not_here());
        }
        fs::read(cache.path(object)).map_err(|error| missing(error.to_string()))
    }
}

/// Whether a file of this name tells what is tracked.
fn is_record(name: &str) -> bool {
    name.strip_suffix(".dvc")
        .is_some_and(|data| !data.is_empty())
}

const NOT_FOUND: &str = "FileNotFoundError";

fn problem(path: &str, kind: &'static str, message: impl Into<String>) -> Problem {
    Problem {
        path: path.to_owned(),
        kind,
        message: message.into(),
    }
}

fn utf8(path: &str, bytes: Vec<u8>) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|_| problem(path, "EncodingError", "it is not UTF-8"))
}

fn broken_kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("json") => "JSONFileCorruptedError",
        Some("toml") => "TOMLFileCorruptedError",
        Some("py") => "PythonFileCorruptedError",
        _ => "YAMLFileCorruptedError",
    }
}

/// The files in a directory of the workspace. Links are not followed.
fn walk(dir: &RepoPath, repository: &Repository, files: &mut BTreeSet<String>) {
    let entries = fs::read_dir(dir.under(repository.root()));
    for entry in entries.into_iter().flatten().flatten() {
        let Ok(Ok(path)) = entry.file_name().into_string().map(|name| dir.join(&name)) else {
            continue;
        };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, repository, files),
            Ok(_) => {
                files.insert(path.as_str().to_owned());
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
