//! `.dvcignore`: which files DVC, and so Everloop, does not see.

use std::path::{Path, PathBuf};

use crate::pattern::Patterns;
use crate::{Error, RepoPath};

/// The name of the files.
pub(crate) const FILE: &str = ".dvcignore";

/// The patterns that hold in a directory: those of the directories above, and its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ignore {
    layers: Vec<(RepoPath, std::sync::Arc<Patterns>)>,
}

impl Ignore {
    /// What holds in a directory of a repository.
    pub(crate) fn of(root: &Path, dir: &RepoPath) -> Result<Self, Error> {
        let mut ignore = Self::default().within(root, &RepoPath::default())?;
        let mut below = RepoPath::default();
        for name in dir.as_str().split('/').filter(|name| !name.is_empty()) {
            below = below.join(name)?;
            ignore = ignore.within(root, &below)?;
        }
        Ok(ignore)
    }

    /// What holds in a directory below one.
    pub(crate) fn within(&self, root: &Path, dir: &RepoPath) -> Result<Self, Error> {
        let path: PathBuf = dir.under(root).join(FILE);
        let mut inner = self.clone();
        match crate::whole::read_whole(&path) {
            Ok(text) => inner.add(dir, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::file("read", &path, error)),
        }
        Ok(inner)
    }

    /// Puts a file of a directory over those that hold already.
    pub(crate) fn add(&mut self, dir: &RepoPath, text: &[u8]) {
        let patterns = Patterns::parse(&String::from_utf8_lossy(text));
        if !patterns.is_empty() {
            self.layers.push((dir.clone(), patterns.into()));
        }
    }

    /// Whether a name in a directory is left out. The directories above it are not.
    pub(crate) fn leaves_out(&self, path: &str, is_dir: bool) -> bool {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        if name == ".git" || (is_dir && (name == ".hg" || name == ".dvc")) {
            return true;
        }
        let said = self.layers.iter().rev().find_map(|(dir, patterns)| {
            let below = match dir.as_str() {
                "" => path,
                dir => path.strip_prefix(dir)?.strip_prefix('/')?,
            };
            patterns.of(below, is_dir)
        });
        said.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn nested_files_add_to_those_above() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::write(dir.path().join(FILE), "# x\n*.tmp\n").unwrap();
        fs::write(dir.path().join("a").join(FILE), "!keep.tmp\n/b/secret\n").unwrap();
        let below = RepoPath::default().join("a/b").unwrap();
        let ignore = Ignore::of(dir.path(), &below).unwrap();
        for (path, is_dir, expected) in [
            ("a/b/x.tmp", false, true),
            ("a/b/keep.tmp", false, false),
            ("a/b/secret", false, true),
            ("a/b/x", false, false),
            ("a/.git", true, true),
            ("a/.dvc", true, true),
            ("a/.dvc", false, false),
        ] {
            assert_eq!(ignore.leaves_out(path, is_dir), expected, "{path}");
        }
    }
}
