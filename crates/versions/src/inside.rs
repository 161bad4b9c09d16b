//! Files of a listing stay inside their directory.
//!
//! A listing may come from a stranger. Its names are checked where it is read; here it is checked against what is on disk:
//! a link in place of a directory would lead elsewhere.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use crate::md5::Md5;
use crate::{Error, RepoPath};

/// Refuses files whose directories, below `place`, are links. What `.dvcignore` leaves out is looked at as well.
///
/// # Errors
///
/// Fails with the first link.
pub(crate) fn check_links(
    data: &RepoPath,
    place: &Path,
    files: &[(String, Md5)],
) -> Result<(), Error> {
    let mut seen = HashSet::new();
    for (path, _) in files {
        for (end, _) in path.match_indices('/') {
            let dir = &path[..end];
            if seen.insert(dir) && is_link(&place.join(dir)) {
                return Err(Error::Path {
                    path: format!("{data}/{path}"),
                    problem: format!(
                        "`{data}/{dir}` is a link, which may lead anywhere; remove it"
                    ),
                });
            }
        }
    }
    Ok(())
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Vec<(String, Md5)> {
        let paths = paths.iter();
        paths
            .map(|path| ((*path).to_owned(), Md5::of(b"")))
            .collect()
    }

    #[test]
    fn links_in_place_of_directories_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("d/real")).unwrap();
        std::os::unix::fs::symlink("/tmp", dir.path().join("d/real/out")).unwrap();
        let data = RepoPath::default().join("d").unwrap();
        let check = |paths| check_links(&data, &dir.path().join("d"), &files(paths));
        check(&["a", "real/x", "new/y/z", "real/out"]).unwrap();
        let error = check(&["a", "real/out/x/y"]).unwrap_err().to_string();
        assert!(error.contains("`d/real/out` is a link"), "{error}");
    }
}
