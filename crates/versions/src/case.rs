//! Names that differ by case alone: two files here, one file on a disk that does not tell them apart.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::md5::Md5;
use crate::{Error, RepoPath};

/// Refuses files that would overwrite each other on the disk of the repository.
///
/// # Errors
///
/// Fails with the first two such names, if the disk takes them for one.
pub(crate) fn check(root: &Path, data: &RepoPath, files: &[(String, Md5)]) -> Result<(), Error> {
    // Every repository has `.dvc`, and none of ours `.DVC`.
    if fs::symlink_metadata(root.join(".DVC")).is_err() {
        return Ok(());
    }
    match collision(files) {
        None => Ok(()),
        Some((one, other)) => Err(Error::Conflict {
            what: format!(
                "`{data}` has `{one}` and `{other}`, which are one file on this disk; rename one of them where both can be"
            ),
        }),
    }
}

/// The first two paths that differ by case alone, in whole or in a directory.
fn collision(files: &[(String, Md5)]) -> Option<(&str, &str)> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for (file, _) in files {
        let ends = file.match_indices('/').map(|(end, _)| end);
        for end in ends.chain([file.len()]) {
            let path = &file[..end];
            let other = *seen.entry(path.to_lowercase()).or_insert(path);
            if other != path {
                return Some((other, path));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: Option<(&str, &str)>) {
        let files: Vec<(String, Md5)> = names
            .iter()
            .map(|name| ((*name).to_owned(), Md5::of(b"")))
            .collect();
        assert_eq!(collision(&files), expected);
    }

    #[test]
    fn names_collide_without_their_case() {
        check(&["a", "b/a", "b/c"], None);
        check(&["README", "a", "readme"], Some(("README", "readme")));
        check(&["É/x", "é/y"], Some(("É", "é")));
    }
}
