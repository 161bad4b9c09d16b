//! What code made a cycle: the git commit, the changes since, the machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// The state of the code that ran a cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Provenance {
    /// The commit, if the project is in a git repository that has one.
    pub(crate) commit: Option<String>,
    /// The branch.
    pub(crate) branch: Option<String>,
    /// What differs from the commit, as a patch; empty if nothing does.
    pub(crate) diff: String,
}

impl Provenance {
    /// Asks `git` about a directory. Without git or outside a repository nothing is known.
    pub(crate) fn of(dir: &Path) -> Self {
        let Some(commit) = git(dir, &["rev-parse", "HEAD"]) else {
            return Self::default();
        };
        Self {
            commit: Some(commit.trim().to_owned()),
            branch: git(dir, &["rev-parse", "--abbrev-ref", "HEAD"])
                .map(|text| text.trim().to_owned()),
            diff: git(
                dir,
                &["diff", "HEAD", "--no-color", "--no-ext-diff", "--", "."],
            )
            .unwrap_or_default(),
        }
    }

    /// The tags that MLflow's page understands, and ours.
    pub(crate) fn tags(&self) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::from([("mlflow.source.type".to_owned(), "PROJECT".to_owned())]);
        if let Some(commit) = &self.commit {
            tags.insert("mlflow.source.git.commit".to_owned(), commit.clone());
            tags.insert(
                "everloop.git.dirty".to_owned(),
                (!self.diff.is_empty()).to_string(),
            );
        }
        if let Some(branch) = &self.branch {
            tags.insert("mlflow.source.git.branch".to_owned(), branch.clone());
        }
        tags
    }
}

/// The machine and program, as tags.
pub(crate) fn environment(n_threads: usize) -> BTreeMap<String, String> {
    BTreeMap::from([
        (
            "everloop.version".to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
        ),
        ("everloop.os".to_owned(), std::env::consts::OS.to_owned()),
        (
            "everloop.arch".to_owned(),
            std::env::consts::ARCH.to_owned(),
        ),
        ("everloop.threads".to_owned(), n_threads.to_string()),
    ])
}

fn git(dir: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(dir)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(dir: &Path, line: &str) {
        assert!(
            Command::new("sh")
                .args(["-c", line])
                .current_dir(dir)
                .stdout(Stdio::null())
                .status()
                .unwrap()
                .success()
        );
    }

    #[test]
    fn outside_a_repository_nothing_is_known() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Provenance::of(dir.path()), Provenance::default());
    }

    #[test]
    fn commit_and_changes_are_found() {
        let dir = tempfile::tempdir().unwrap();
        shell(
            dir.path(),
            "git init -q -b main && echo 1 > a && git add a && git -c user.name=t -c user.email=t@t commit -qm one",
        );
        let clean = Provenance::of(dir.path());
        assert_eq!(clean.commit.as_ref().map(String::len), Some(40));
        assert_eq!(clean.tags()["everloop.git.dirty"], "false");
        shell(dir.path(), "echo 2 > a");
        let dirty = Provenance::of(dir.path());
        assert!(dirty.diff.contains("+2"), "{}", dirty.diff);
        assert_eq!(dirty.tags()["everloop.git.dirty"], "true");
    }
}
