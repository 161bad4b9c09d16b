//! The files that a path of a version stands for: a file, a directory, or a part of one.

use crate::cache::object_of;
use crate::listing::Listing;
use crate::md5::ObjectId;
use crate::repository::Repository;
use crate::snapshot::Versioned;
use crate::{Error, RepoPath};

/// A file of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionFile {
    /// Its path in the repository.
    pub path: RepoPath,
    /// Its content.
    pub object: ObjectId,
}

impl Repository {
    /// The files at and below a path of a version, in the order of their paths; none if no data is there. Data that was
    /// never recorded has no files.
    ///
    /// # Errors
    ///
    /// Fails if the listing of a directory is not in the cache, or damaged.
    pub fn files_of(&self, data: &[Versioned], path: &RepoPath) -> Result<Vec<VersionFile>, Error> {
        files_of(data, path, &|one, object| {
            if self.cache().has(object)? {
                self.cache().listing(object)
            } else {
                Err(absent(&one.path, object))
            }
        })
    }

    /// The object of a file in the cache.
    ///
    /// # Errors
    ///
    /// Fails if it is not there.
    pub fn object_file(&self, file: &VersionFile) -> Result<std::path::PathBuf, Error> {
        if self.cache().has(file.object)? {
            Ok(self.cache().path(file.object))
        } else {
            Err(absent(&file.path, file.object))
        }
    }
}

/// The files at and below a path; `listing` finds those of a directory.
pub(crate) fn files_of(
    data: &[Versioned],
    path: &RepoPath,
    listing: &dyn Fn(&Versioned, ObjectId) -> Result<Listing, Error>,
) -> Result<Vec<VersionFile>, Error> {
    let mut files = Vec::new();
    for one in data {
        let is_meant = path.is_in(&one.path) || one.path.is_in(path);
        let Some(recorded) = one.recorded.filter(|_| is_meant) else {
            continue;
        };
        if !recorded.object.is_dir {
            if one.path.is_in(path) {
                files.push(VersionFile {
                    path: one.path.clone(),
                    object: recorded.object,
                });
            }
            continue;
        }
        for (file, md5) in listing(one, recorded.object)?.files() {
            let file = one.path.join(file)?;
            if file.is_in(path) {
                files.push(VersionFile {
                    path: file,
                    object: object_of(*md5, recorded.object.hashing),
                });
            }
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

fn absent(path: &RepoPath, object: ObjectId) -> Error {
    Error::NotFound {
        what: format!(
            "the object `{object}` of `{path}` is not in the cache; `everloop data fetch` gets it from the remote, while its version is checked out"
        ),
    }
}
