//! The branches, tags and commits that git knows.

use std::process::Stdio;

use crate::Error;
use crate::git::git;
use crate::repository::Repository;

/// A commit and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The branch or tag; of a commit itself its hash.
    pub name: String,
    /// The hash of the commit.
    pub id: String,
}

/// What is to be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum References {
    /// The branches of this clone.
    Branches,
    /// The tags.
    Tags,
    /// All commits of branches (here and elsewhere) and tags, the newest first.
    Commits,
}

impl Repository {
    /// Lists what git knows; nothing before the first commit.
    ///
    /// # Errors
    ///
    /// Fails if git cannot be run.
    pub fn references(&self, which: References) -> Result<Vec<Reference>, Error> {
        // A tag may be an object of its own that names the commit.
        let form = "--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end) %(refname:lstrip=2)";
        let arguments: &[&str] = match which {
            References::Branches => &["for-each-ref", form, "refs/heads"],
            References::Tags => &["for-each-ref", form, "refs/tags"],
            References::Commits => &["rev-list", "--branches", "--tags", "--remotes", "HEAD"],
        };
        let told = self.ask_git(arguments)?.unwrap_or_default();
        let reference = |line: &str| {
            let (id, name) = line.split_once(' ').unwrap_or((line, line));
            Reference {
                name: name.to_owned(),
                id: id.to_owned(),
            }
        };
        Ok(told.lines().map(reference).collect())
    }

    /// The branch that is checked out, if one is.
    ///
    /// # Errors
    ///
    /// Fails if git cannot be run.
    pub fn current_branch(&self) -> Result<Option<String>, Error> {
        let told = self.ask_git(&["symbolic-ref", "--quiet", "--short", "HEAD"])?;
        Ok(told.map(|name| name.trim().to_owned()))
    }

    /// Whether files that git has differ from the last commit.
    ///
    /// # Errors
    ///
    /// Fails if git cannot be run.
    pub fn is_dirty(&self) -> Result<bool, Error> {
        let told = self.ask_git(&["status", "--porcelain", "--untracked-files=no"])?;
        Ok(told.is_some_and(|told| !told.is_empty()))
    }

    /// What a command of git prints; none if it fails.
    fn ask_git(&self, arguments: &[&str]) -> Result<Option<String>, Error> {
        let mut command = git(self.root(), arguments);
        let output = command.stderr(Stdio::null()).output();
        let output = output.map_err(|error| Error::file("run git in", self.root(), error))?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(output.status.success().then_some(told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_tags_and_commits_are_listed() {
        let dir = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| {
            let identity = ["-c", "user.name=t", "-c", "user.email=t@t"];
            let mut command = git(dir.path(), &identity);
            let status = command.args(arguments).stdout(Stdio::null()).status();
            assert!(status.unwrap().success(), "git {arguments:?}");
        };
        run(&["init", "--quiet", "-b", "main"]);
        let repository = Repository::init(dir.path(), &crate::Machine::default()).unwrap();
        assert_eq!(repository.references(References::Commits).unwrap(), []);
        run(&["commit", "--quiet", "-m", "first"]);
        run(&["tag", "-a", "v1", "-m", "words"]);
        run(&["branch", "other/one"]);
        std::fs::write(dir.path().join(".dvcignore"), "x\n").unwrap();
        assert!(repository.is_dirty().unwrap());
        run(&["commit", "--quiet", "-am", "second"]);
        assert!(!repository.is_dirty().unwrap());

        let commits = repository.references(References::Commits).unwrap();
        let [second, first] = [0, 1].map(|at| commits[at].id.as_str());
        let listed = |which| -> Vec<(String, String)> {
            let found = repository.references(which).unwrap().into_iter();
            found.map(|one| (one.name, one.id)).collect()
        };
        let pair = |name: &str, id: &str| (name.to_owned(), id.to_owned());
        assert_eq!(listed(References::Tags), [pair("v1", first)]);
        let branches = [pair("main", second), pair("other/one", first)];
        assert_eq!(listed(References::Branches), branches);
        assert_eq!(repository.current_branch().unwrap(), Some("main".into()));
    }
}
