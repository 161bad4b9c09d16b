//! The files that a path of a version stands for: a file, a directory, or a part of one.

use crate::cache::object_of;
use crate::md5::ObjectId;
use crate::repository::Repository;
use crate::snapshot::Versioned;
use crate::{Error, RepoPath};

/// A file of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its path in the repository.
    pub path: RepoPath,
    /// Its content.
    pub object: ObjectId,
    /// Whether it may be executed.
    pub is_executable: bool,
}

impl Repository {
    /// The files at and below a path of a version, in the order of their paths; none if no data is there. Data that was
    /// never recorded has no files.
    ///
    /// # Errors
    ///
    /// Fails if the listing of a directory is not in the cache, or damaged.
    pub fn parts(&self, data: &[Versioned], path: &RepoPath) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        for one in data {
            let is_meant = path.is_in(&one.path) || one.path.is_in(path);
            let Some(recorded) = one.recorded.filter(|_| is_meant) else {
                continue;
            };
            if !recorded.object.is_dir {
                if one.path.is_in(path) {
                    parts.push(Part {
                        path: one.path.clone(),
                        object: recorded.object,
                        is_executable: recorded.is_executable,
                    });
                }
                continue;
            }
            if !self.cache().has(recorded.object)? {
                return Err(absent(&one.path, recorded.object));
            }
            for (file, md5) in self.cache().listing(recorded.object)?.files() {
                let file = one.path.join(file)?;
                if file.is_in(path) {
                    parts.push(Part {
                        path: file,
                        object: object_of(*md5, recorded.object.hashing),
                        is_executable: false,
                    });
                }
            }
        }
        parts.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(parts)
    }

    /// The file of a part in the cache.
    ///
    /// # Errors
    ///
    /// Fails if it is not there.
    pub fn object_file(&self, part: &Part) -> Result<std::path::PathBuf, Error> {
        if self.cache().has(part.object)? {
            Ok(self.cache().path(part.object))
        } else {
            Err(absent(&part.path, part.object))
        }
    }
}

fn absent(path: &RepoPath, object: ObjectId) -> Error {
    Error::NotFound {
        what: format!(
            "the object `{object}` of `{path}` is not in the cache; `everloop data fetch` gets it from the remote, while its version is checked out"
        ),
    }
}
