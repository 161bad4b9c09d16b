//! Parts of a tracked directory: files and directories in it.

use std::path::Path;

use crate::known::Known;
use crate::listing::Listing;
use crate::scan::{Loose, Purpose, scan};
use crate::{Error, RepoPath};

/// Which paths of a directory are meant; by default all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts(Option<Vec<String>>);

impl Parts {
    /// A single part.
    pub(crate) fn of(path: &str) -> Self {
        Self(Some(vec![path.to_owned()]))
    }

    /// Adds a part.
    pub(crate) fn add(&mut self, path: &str) {
        if let Some(parts) = &mut self.0 {
            parts.push(path.to_owned());
        }
    }

    /// Adds what others mean of the same directory.
    pub(crate) fn join(&mut self, others: Self) {
        self.0 = match (self.0.take(), others.0) {
            (Some(mut parts), Some(more)) => {
                parts.extend(more);
                Some(parts)
            }
            _ => None,
        };
    }

    /// Whether all of it is meant.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a file of the directory is meant.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.0.as_ref().is_none_or(|parts| {
            parts.iter().any(|part| {
                file.strip_prefix(part.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        })
    }

    /// Those of the files that are meant.
    pub(crate) fn pick(&self, files: Listing) -> Listing {
        if self.is_whole() {
            return files;
        }
        files.only(|file| self.has(file))
    }

    /// The paths in the repository, where `data` is the directory; that itself, if all of it is meant.
    pub(crate) fn paths<'a>(&'a self, data: &RepoPath) -> impl Iterator<Item = String> + 'a {
        let data = data.to_string();
        let whole = self.is_whole().then(|| data.clone());
        let parts = self.0.iter().flatten();
        whole
            .into_iter()
            .chain(parts.map(move |part| format!("{data}/{part}")))
    }

    /// The parts, as they are in the directory; none if all of it is meant.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten().map(String::as_str)
    }

    /// Neither recorded nor in the workspace.
    pub(crate) fn absent_in(&self, data: &RepoPath) -> Error {
        let paths: Vec<String> = self.paths(data).collect();
        Error::NotFound {
            what: format!(
                "`{}` is not in what is recorded of `{data}`; `everloop data list {data}` tells what that is",
                paths.join("`, `")
            ),
        }
    }
}

/// What is meant of a path, as it is in the workspace.
#[derive(Debug, Default)]
pub(crate) struct Now {
    /// The files of a directory; a file has the empty path.
    pub(crate) files: Listing,
    /// Those that were kept, and are to become names of their objects.
    pub(crate) loose: Vec<Loose>,
}

/// Looks at the files of a path: of a directory at those that are meant.
pub(crate) fn files_now(
    root: &Path,
    (path, parts): (&RepoPath, &Parts),
    known: &mut Known,
    purpose: Purpose<'_>,
) -> Result<Now, Error> {
    let mut now = Now::default();
    if parts.is_whole() {
        if let Some(content) = scan(root, path, known, purpose)? {
            (now.files, now.loose) = content.into_parts();
        }
        return Ok(now);
    }
    let mut files = Vec::new();
    for part in parts.iter() {
        let Some(content) = scan(root, &path.join(part)?, known, purpose)? else {
            continue;
        };
        let name = |below: &str| match below {
            "" => part.to_owned(),
            below => format!("{part}/{below}"),
        };
        let (found, loose) = content.into_parts();
        let found = found.into_files().into_iter();
        files.extend(found.map(|(below, md5)| (name(&below), md5)));
        now.loose.extend(loose.into_iter().map(|one| Loose {
            path: name(&one.path),
            ..one
        }));
    }
    now.files = Listing::new(files);
    Ok(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_names_and_not_letters() {
        let mut parts = Parts::of("sub");
        parts.add("x/y");
        for (file, expected) in [
            ("sub", true),
            ("sub/a", true),
            ("subs", false),
            ("x/y", true),
            ("x/z", false),
        ] {
            assert_eq!(parts.has(file), expected, "{file}");
            assert!(Parts::default().has(file));
        }
        let data = RepoPath::default().join("d").unwrap();
        let paths: Vec<String> = parts.paths(&data).collect();
        assert_eq!(paths, ["d/sub", "d/x/y"]);
        assert_eq!(Parts::default().paths(&data).collect::<Vec<_>>(), ["d"]);
    }
}
