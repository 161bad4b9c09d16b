//! The history of data: which commits changed it, and where each version came from.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::compare::differences;
use crate::dvc_file::Recorded;
use crate::git::git;
use crate::repository::Repository;
use crate::snapshot::{Lineage, Versioned};
use crate::{Error, RepoPath};

/// The files that tell what data is of a version.
const FILES: [&str; 3] = [
    ":(glob)**/*.dvc",
    ":(glob)**/dvc.lock",
    ":(glob)**/dvc.yaml",
];

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its hash: forty hexadecimal digits.
    pub id: String,
    /// When its author made it, in ISO 8601.
    pub date: String,
    /// The author's name.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
}

/// A commit that changed data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The commit.
    pub commit: Commit,
    /// What it changed, in the order of the paths.
    pub changes: Vec<DataChange>,
    /// Why the data of the commit, or of the one before it, cannot be told.
    pub problem: Option<String>,
}

/// A change of data by a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataChange {
    /// The data.
    pub path: RepoPath,
    /// As the commit before had it; none if it is new.
    pub before: Option<Recorded>,
    /// As the commit has it; none if it is gone.
    pub after: Option<Recorded>,
    /// Where this version came from; none if it is gone.
    pub origin: Option<Lineage>,
    /// How many files of a directory were added, modified and deleted, if the cache knows both listings.
    pub n_files: Option<[usize; 3]>,
}

/// The data of a version by path, or why it cannot be told.
type Snapshot = Rc<Result<BTreeMap<RepoPath, Versioned>, String>>;

impl Repository {
    /// The commits up to a revision that changed data at or below one of the paths (all data without any), newest first,
    /// and at most `limit` of them.
    ///
    /// # Errors
    ///
    /// Fails if git does not know the revision.
    pub fn log(
        &self,
        revision: &str,
        paths: &[RepoPath],
        limit: usize,
    ) -> Result<Vec<Logged>, Error> {
        let newest = self.revision(revision)?;
        let mut last: Option<(String, Snapshot)> = None;
        let mut logged = Vec::new();
        for (commit, parent) in self.commits(newest.id())? {
            if logged.len() == limit {
                break;
            }
            let after = match last.take() {
                Some((id, snapshot)) if id == commit.id => snapshot,
                _ => self.data_of(&commit.id),
            };
            let before = match &parent {
                Some(parent) => self.data_of(parent),
                None => Rc::new(Ok(BTreeMap::new())),
            };
            let one = self.logged(commit, &before, &after, paths);
            if one.problem.is_some() || !one.changes.is_empty() {
                logged.push(one);
            }
            last = parent.map(|parent| (parent, before));
        }
        Ok(logged)
    }

    fn data_of(&self, commit: &str) -> Snapshot {
        let data = self
            .revision(commit)
            .and_then(|revision| self.snapshot(&revision));
        let by_path = |data: Vec<Versioned>| {
            let data = data.into_iter().filter(|one| one.recorded.is_some());
            data.map(|one| (one.path.clone(), one)).collect()
        };
        Rc::new(data.map(by_path).map_err(|error| error.to_string()))
    }

    fn logged(
        &self,
        commit: Commit,
        before: &Snapshot,
        after: &Snapshot,
        paths: &[RepoPath],
    ) -> Logged {
        let (before, after) = match (before.as_ref(), after.as_ref()) {
            (Ok(before), Ok(after)) => (before, after),
            (Err(problem), _) | (_, Err(problem)) => {
                return Logged {
                    commit,
                    changes: Vec::new(),
                    problem: Some(problem.clone()),
                };
            }
        };
        let mut both: Vec<&RepoPath> = before.keys().chain(after.keys()).collect();
        both.sort();
        both.dedup();
        let is_meant = |path: &&RepoPath| {
            paths.is_empty()
                || paths
                    .iter()
                    .any(|named| path.is_in(named) || named.is_in(path))
        };
        let changes = both.into_iter().filter(is_meant).filter_map(|path| {
            let recorded = |data: &BTreeMap<RepoPath, Versioned>| data.get(path)?.recorded;
            let (old, new) = (recorded(before), recorded(after));
            let object = |state: Option<Recorded>| state.map(|state| state.object);
            (object(old) != object(new)).then(|| DataChange {
                path: path.clone(),
                before: old,
                after: new,
                origin: after.get(path).map(|one| one.origin.clone()),
                n_files: self.n_files(old, new),
            })
        });
        Logged {
            changes: changes.collect(),
            commit,
            problem: None,
        }
    }

    fn n_files(&self, before: Option<Recorded>, after: Option<Recorded>) -> Option<[usize; 3]> {
        let listing = |state: Recorded| {
            let object = Some(state.object).filter(|object| object.is_dir)?;
            self.cache().listing(object).ok()
        };
        let (before, after) = (listing(before?)?, listing(after?)?);
        Some(differences(before.files(), after.files()).map(|files| files.len()))
    }

    /// The commits that touched files that tell of data, newest first, with the first parent of each.
    fn commits(&self, newest: &str) -> Result<Vec<(Commit, Option<String>)>, Error> {
        let format = "--format=tformat:%H%x00%P%x00%aI%x00%an%x00%s";
        let mut command = git(self.root(), &["log", "-z", format, newest, "--"]);
        let output = command.args(FILES).output();
        let output = output.map_err(|error| Error::file("run git in", self.root(), error))?;
        if !output.status.success() {
            return Err(Error::NotFound {
                what: format!("git cannot tell the history of {newest}"),
            });
        }
        let told = String::from_utf8_lossy(&output.stdout);
        let words: Vec<&str> = told.split('\0').collect();
        let commits = words.chunks_exact(5).map(|words| {
            let commit = Commit {
                id: words[0].to_owned(),
                date: words[2].to_owned(),
                author: words[3].to_owned(),
                subject: words[4].to_owned(),
            };
            (
                commit,
                words[1]
                    .split(' ')
                    .next()
                    .filter(|id| !id.is_empty())
                    .map(str::to_owned),
            )
        });
        Ok(commits.collect())
    }
}

#[cfg(test)]
mod tests;
