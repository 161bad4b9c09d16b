//! Entries of `.gitignore` for many paths, which become known in any order.
//!
//! Git is asked once, and each file is written seldom; its new entries stand in the order of their ranks, so that the bytes
//! do not depend on what was done first.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;

use crate::whole::write_whole;
use crate::{Error, RepoPath, Repository, git};

/// The name of the files.
const FILE: &str = ".gitignore";

/// Entries of `.gitignore` that are being gathered.
#[derive(Debug)]
pub struct Ignoring<'a> {
    repository: &'a Repository,
    /// All paths that may be added.
    paths: Vec<RepoPath>,
    /// Those that git ignores as it is; asked for when it matters.
    ignored: Option<HashSet<RepoPath>>,
    /// By directory.
    files: HashMap<RepoPath, File>,
}

/// A `.gitignore`.
#[derive(Debug, Default)]
struct File {
    /// As it was before.
    before: Vec<u8>,
    /// As we wrote it.
    written: Vec<u8>,
    /// Names of new entries.
    new: BTreeMap<usize, String>,
    is_changed: bool,
}

impl Repository {
    /// Begins to gather entries for some of these paths.
    #[must_use]
    pub fn ignoring(&self, paths: Vec<RepoPath>) -> Ignoring<'_> {
        Ignoring {
            repository: self,
            paths,
            ignored: None,
            files: HashMap::new(),
        }
    }
}

impl Ignoring<'_> {
    /// Has git ignore a path, unless it does so already. No two paths have one rank.
    ///
    /// # Errors
    ///
    /// Fails if `.gitignore` cannot be read.
    pub fn add(&mut self, path: &RepoPath, rank: usize) -> Result<(), Error> {
        let root = self.repository.root();
        if !git::is_used(root) {
            return Ok(());
        }
        let dir = path.parent();
        let file = dir.under(root).join(FILE);
        let now = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Error::file("read", &file, error)),
        };
        let known = self.files.entry(dir).or_default();
        if known.written != now {
            // Somebody else has written it; what we had to add and is not there comes after that.
            known.before.clone_from(&now);
            known.written = now;
            known
                .new
                .retain(|_, name| git::with_entry(&known.before, name).is_some());
        }
        if git::with_entry(&known.before, path.name()).is_none()
            || known.new.values().any(|name| name == path.name())
        {
            return Ok(());
        }
        let ignored = self
            .ignored
            .get_or_insert_with(|| git::ignored(root, &self.paths));
        if !ignored.contains(path) {
            known.new.insert(rank, path.name().to_owned());
            known.is_changed = true;
        }
        Ok(())
    }

    /// Whether a file at or below a path is still to be written.
    #[must_use]
    pub fn is_pending_in(&self, path: &RepoPath) -> bool {
        let mut files = self.files.iter();
        files.any(|(dir, file)| file.is_changed && dir.is_in(path))
    }

    /// Writes what was added. Gives the files that were written.
    ///
    /// # Errors
    ///
    /// Fails if one cannot be written.
    pub fn flush(&mut self) -> Result<Vec<RepoPath>, Error> {
        let mut written = Vec::new();
        for (dir, file) in self.files.iter_mut().filter(|(_, file)| file.is_changed) {
            let mut text = file.before.clone();
            if !text.is_empty() && !text.ends_with(b"\n") {
                text.push(b'\n');
            }
            for name in file.new.values() {
                text.extend_from_slice(git::entry(name).as_bytes());
                text.push(b'\n');
            }
            let path = dir.join(FILE)?;
            write_whole(&path.under(self.repository.root()), &text)?;
            file.written = text;
            file.is_changed = false;
            written.push(path);
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn entries_stand_by_rank_and_foreign_ones_stay() {
        let dir = tempfile::tempdir().unwrap();
        let mut git = Command::new("git");
        git.args(["init", "-q"]).current_dir(dir.path());
        assert!(git.status().unwrap().success());
        let repository = Repository::init(dir.path(), &crate::Machine::default()).unwrap();
        let path = |text: &str| RepoPath::default().join(text).unwrap();
        let names = ["d/c", "d/a", "d/b", "d/x.tmp", "d/y.tmp", "d/e"];
        fs::create_dir(dir.path().join("d")).unwrap();
        let file = dir.path().join("d/.gitignore");
        fs::write(&file, "*.tmp\n!y.tmp\n").unwrap();
        let mut ignoring = repository.ignoring(names.map(path).to_vec());
        for (rank, name) in [(2, "d/c"), (1, "d/a"), (3, "d/x.tmp"), (4, "d/y.tmp")] {
            ignoring.add(&path(name), rank).unwrap();
        }
        assert_eq!(ignoring.flush().unwrap(), [path("d/.gitignore")]);
        let text = || fs::read_to_string(&file).unwrap();
        assert_eq!(text(), "*.tmp\n!y.tmp\n/a\n/c\n/y.tmp\n");
        ignoring.add(&path("d/b"), 0).unwrap();
        ignoring.flush().unwrap();
        assert_eq!(text(), "*.tmp\n!y.tmp\n/b\n/a\n/c\n/y.tmp\n");
        fs::write(&file, "/a\nmine").unwrap();
        ignoring.add(&path("d/e"), 5).unwrap();
        ignoring.add(&path("d/a"), 1).unwrap();
        ignoring.flush().unwrap();
        assert_eq!(text(), "/a\nmine\n/b\n/c\n/y.tmp\n/e\n");
        assert_eq!(ignoring.flush().unwrap(), []);
    }
}
