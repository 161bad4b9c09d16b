//! What is in a cache, and what goes from it.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use super::Cache;
use crate::Error;
use crate::md5::ObjectId;

/// What is in a cache.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Inventory {
    /// Objects with their sizes.
    pub(crate) objects: Vec<(ObjectId, u64)>,
    /// Temporary files of ours that somebody left.
    pub(crate) left: Vec<PathBuf>,
}

impl Cache {
    /// All objects, and what was left. Other files are nobody's business.
    ///
    /// # Errors
    ///
    /// Fails if a directory cannot be read.
    pub(crate) fn all(&self) -> Result<Inventory, Error> {
        let mut found = Inventory::default();
        for (name, path, metadata) in entries(&self.dir)? {
            if metadata.is_file() && name.starts_with("everloop-") {
                found.left.push(path);
            } else if metadata.is_dir() && name.len() == 2 {
                for (rest, _, metadata) in entries(&path)? {
                    if let Ok(object) = format!("{name}{rest}").parse() {
                        found.objects.push((object, metadata.len()));
                    }
                }
            }
        }
        found.objects.sort_unstable();
        Ok(found)
    }

    /// Moves a damaged object out of the way, without losing it.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be moved.
    pub(crate) fn put_aside(&self, object: ObjectId) -> Result<(), Error> {
        let dir = self.legacy_dir.join("everloop-damaged");
        fs::create_dir_all(&dir).map_err(|error| Error::file("create", &dir, error))?;
        let (path, aside) = (self.path(object), dir.join(object.to_string()));
        fs::rename(&path, &aside).map_err(|error| Error::file("move", &path, error))
    }

    /// Removes an object.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be removed.
    pub(crate) fn remove(&self, object: ObjectId) -> Result<(), Error> {
        let path = self.path(object);
        fs::remove_file(&path).map_err(|error| Error::file("remove", &path, error))
    }
}

fn entries(dir: &Path) -> Result<Vec<(String, PathBuf, Metadata)>, Error> {
    let read = |error| Error::file("read", dir, error);
    let found = match fs::read_dir(dir) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(read(error)),
    };
    let mut entries = Vec::new();
    for entry in found {
        let entry = entry.map_err(read)?;
        let metadata = entry.metadata().map_err(read)?;
        // Names that are no UTF-8 are no names of objects.
        let name = entry.file_name().to_string_lossy().into_owned();
        entries.push((name, entry.path(), metadata));
    }
    Ok(entries)
}
