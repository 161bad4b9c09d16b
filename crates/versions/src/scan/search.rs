//! Which files a directory has.

use std::fs;
use std::path::Path;

use super::{Digest, Found, Place, is_absent, odd, seen};
use crate::ignore::{self, Ignore};
use crate::keep::Seen;
use crate::progress::Progress;
use crate::repo_path::check_name;
use crate::{Error, RepoPath, parallel};

/// The files of a directory, in the order of their paths.
pub(super) fn find(
    root: &Path,
    place: &Place<'_>,
    is_complete: bool,
    progress: &Progress,
) -> Result<Vec<Found>, Error> {
    let above = Ignore::of(root, &place.path.parent())?;
    let mut search = Search {
        root,
        n_above: place.path.as_str().len() + 1,
        is_complete,
        progress,
        files: Vec::new(),
    };
    search.find(place.path, &above)?;
    let mut files = search.files;
    files.sort_unstable_by(|left, right| left.name.cmp(&right.name));
    parallel::change(&mut files, parallel::on_disk(), |file| {
        let path = place.file(&file.name);
        let metadata = fs::metadata(&path).map_err(|error| Error::file("read", &path, error))?;
        if !metadata.is_file() {
            return Err(odd(path.display(), "it is neither a file nor a directory"));
        }
        file.seen = seen(&metadata, file.seen.is_link);
        Ok(())
    })?;
    Ok(files)
}

/// A walk through a directory; what its files are is looked at later, by many.
struct Search<'a> {
    root: &'a Path,
    /// How many bytes of paths lead to what is looked at.
    n_above: usize,
    /// Whether all must be readable; otherwise links to objects that are gone are absent files.
    is_complete: bool,
    progress: &'a Progress,
    files: Vec<Found>,
}

impl Search<'_> {
    fn find(&mut self, dir: &RepoPath, above: &Ignore) -> Result<(), Error> {
        let place = dir.under(self.root);
        let read = |error| Error::file("read", &place, error);
        let ignore = above.within(self.root, dir)?;
        let n_before = self.files.len();
        let mut dirs = Vec::new();
        for entry in fs::read_dir(&place).map_err(read)? {
            let entry = entry.map_err(read)?;
            let Ok(name) = entry.file_name().into_string() else {
                return Err(odd(
                    entry.path().display(),
                    "its name is no UTF-8, which DVC's format cannot write; rename it or leave it out with `.dvcignore`",
                ));
            };
            let kind = entry.file_type().map_err(read)?;
            let is_link = kind.is_symlink();
            let is_dir = if is_link {
                match self.leads_to_dir(&entry.path())? {
                    Some(is_dir) => is_dir,
                    None => continue,
                }
            } else {
                kind.is_dir()
            };
            // Not even a path of data; a file named `.dvc` is refused below.
            if name == ".git" || (name == ".dvc" && is_dir) {
                continue;
            }
            let path = format!("{dir}/{name}");
            if ignore.leaves_out(&path, is_dir) {
                continue;
            }
            if name == ignore::FILE {
                return Err(odd(
                    path,
                    "DVC refuses its own file inside data; move it above",
                ));
            }
            check_name(&name).map_err(|problem| odd(&path, problem))?;
            match (is_dir, is_link) {
                (true, true) => {
                    return Err(odd(
                        path,
                        "it is a link to a directory, which may lead anywhere",
                    ));
                }
                (true, false) => dirs.push(dir.join(&name)?),
                (false, _) => self.files.push(Found {
                    name: path[self.n_above..].to_owned(),
                    seen: Seen {
                        is_link,
                        ..Seen::default()
                    },
                    digest: Digest::Unknown,
                }),
            }
        }
        self.progress.find(self.files.len() - n_before);
        dirs.iter().try_for_each(|dir| self.find(dir, &ignore))
    }

    /// What is behind a link; `None` if nothing is, and nothing need be.
    fn leads_to_dir(&self, path: &Path) -> Result<Option<bool>, Error> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(metadata.is_dir())),
            Err(error) if is_absent(&error) && !self.is_complete => Ok(None),
            Err(error) => Err(Error::file("read", path, error)),
        }
    }
}
