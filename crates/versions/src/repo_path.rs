//! Paths below the root of a repository.
//!
//! What `.dvc` files and listings name was written by others: every path is made here, where one that leads out of the
//! repository, or into the inner files of git or DVC, is refused.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::Error;

/// A path below the root, with `/` between its names; the root itself is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RepoPath(String);

impl RepoPath {
    /// The path of `text`, as written in a file of the directory `self`.
    ///
    /// # Errors
    ///
    /// Fails if it leads out of the repository or into `.git` or `.dvc`.
    pub fn join(&self, text: &str) -> Result<Self, Error> {
        let refused = |problem: &str| Error::Path {
            path: text.to_owned(),
            problem: problem.to_owned(),
        };
        if text.starts_with('/') {
            return Err(refused("it must be relative"));
        }
        let mut names: Vec<&str> = self.names().collect();
        for name in text.split('/') {
            match name {
                "" | "." => {}
                ".." => {
                    names
                        .pop()
                        .ok_or_else(|| refused("it leads out of the repository"))?;
                }
                name => names.push(check_name(name).map_err(refused)?),
            }
        }
        Ok(Self(names.join("/")))
    }

    /// The path of a file below the root.
    ///
    /// # Errors
    ///
    /// Fails if `path` is not below `root`, or has a name that is no UTF-8.
    pub fn of(root: &Path, path: &Path) -> Result<Self, Error> {
        let refused = |problem: &str| Error::Path {
            path: path.display().to_string(),
            problem: problem.to_owned(),
        };
        let below = path
            .strip_prefix(root)
            .map_err(|_| refused("it is not in this repository"))?;
        let text = below
            .to_str()
            .ok_or_else(|| refused("its name is no UTF-8, which DVC's format cannot write"))?;
        Self::default().join(text)
    }

    /// The file of this path.
    #[must_use]
    pub fn under(&self, root: &Path) -> PathBuf {
        if self.0.is_empty() {
            root.to_owned()
        } else {
            root.join(&self.0)
        }
    }

    /// The directory that it lies in; of the root the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        let parent = self.0.rsplit_once('/').map_or("", |(parent, _)| parent);
        Self(parent.to_owned())
    }

    /// The last name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `other` or lies below it.
    #[must_use]
    pub fn is_in(&self, other: &Self) -> bool {
        other.0.is_empty()
            || self
                .0
                .strip_prefix(&other.0)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }
}

/// A name as it may stand in a path of data, or what is wrong with it.
pub(crate) fn check_name(name: &str) -> Result<&str, &'static str> {
    if name.contains('\0') {
        return Err("it has a zero byte");
    }
    // Most names need no closer look.
    let is_plain = name.is_ascii() && !name.starts_with(['.', 'g', 'G']);
    if !is_plain && matches!(folded(name).as_str(), ".git" | ".dvc" | "git~1") {
        return Err("it leads into the inner files of git or DVC");
    }
    Ok(name)
}

/// A name as the least strict disk sees it: without case, what Windows cuts off, and what macOS does not see. This is how git
/// itself guards `.git`.
fn folded(name: &str) -> String {
    let name = name.split(':').next().unwrap_or(name);
    let is_seen = |c: &char| !matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let name: String = name.chars().filter(is_seen).collect();
    name.trim_end_matches([' ', '.']).to_ascii_lowercase()
}

impl fmt::Display for RepoPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(dir: &str, text: &str, expected: Option<&str>) {
        let dir = RepoPath::default().join(dir).unwrap();
        let joined = dir.join(text).ok();
        assert_eq!(joined.as_ref().map(RepoPath::as_str), expected, "{text}");
    }

    #[test]
    fn paths_are_joined_within_the_repository() {
        check("", "a.txt", Some("a.txt"));
        check("d/e", "../a b", Some("d/a b"));
        check("d", "./x//y/.", Some("d/x/y"));
        check("d", "..", Some(""));
        check("", "..a/.gitignore", Some("..a/.gitignore"));
        check("", ".gitx/git~10/..dvc", Some(".gitx/git~10/..dvc"));
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        for text in [
            "..",
            "../x",
            "a/../../x",
            "/etc/passwd",
            ".git/hooks/x",
            "a/.GIT",
            ".dvc/config",
            "a\0b",
            "x/.Git. /hooks",
            "GIT~1/config",
            ".git::$INDEX_ALLOCATION/x",
            ".g\u{200c}it/x",
        ] {
            check("", text, None);
        }
    }

    #[test]
    fn below_is_by_names_and_not_by_letters() {
        let path = |text| RepoPath::default().join(text).unwrap();
        assert!(path("d/e").is_in(&path("d")));
        assert!(path("d").is_in(&path("d")));
        assert!(!path("de").is_in(&path("d")));
        assert!(path("d").is_in(&path("")));
    }
}
