//! The directory that becomes a file store: written beside its place, and there with one rename.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// A directory on its way; gone when dropped without [`Target::commit`].
#[derive(Debug)]
pub(super) struct Target {
    dir: PathBuf,
    staging: PathBuf,
    is_there: bool,
}

impl Target {
    /// Begins a directory that must not exist or be empty.
    pub(super) fn begin(dir: &Path) -> Result<Self, Error> {
        let refused = |problem| Error::Target {
            path: dir.display().to_string(),
            problem,
        };
        let dir = std::path::absolute(dir).map_err(|_| refused("it is no path"))?;
        let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
            return Err(refused("it is the root of all directories"));
        };
        let shown = dir.to_str().ok_or_else(|| refused("it is no UTF-8"))?;
        if shown.contains(['%', '?', '#', '\\']) {
            let problem = "MLflow's locations of artifacts cannot have `%`, `?`, `#` and `\\`; name another directory";
            return Err(refused(problem));
        }
        match fs::read_dir(&dir).map(|mut entries| entries.next().is_some()) {
            Ok(true) => return Err(refused("it is not empty; name a new directory")),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(refused("it is no directory; name a new one"));
            }
            _ => {}
        }
        fs::create_dir_all(parent).map_err(|source| Error::write(parent, source))?;
        let name = name.to_string_lossy();
        let mut number = 0;
        let staging = loop {
            let staging = parent.join(format!(".{name}.{}-{number}.tmp", std::process::id()));
            match fs::create_dir(&staging) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                made => {
                    break made
                        .map(|()| staging.clone())
                        .map_err(|source| Error::write(&staging, source))?;
                }
            }
        };
        let is_there = false;
        Ok(Self {
            dir,
            staging,
            is_there,
        })
    }

    /// The location of something in the store, as it will be.
    pub(super) fn uri(&self, path: &str) -> String {
        format!("file://{}/{path}", self.dir.display())
    }

    /// Where something in the store is written.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.staging.join(path)
    }

    /// Writes a file of the store.
    pub(super) fn write(&self, path: &str, text: &str) -> Result<(), Error> {
        let path = self.path(path);
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text));
        written.map_err(|source| Error::write(&path, source))
    }

    /// Makes a directory of the store.
    pub(super) fn make_dir(&self, path: &str) -> Result<(), Error> {
        let path = self.path(path);
        fs::create_dir_all(&path).map_err(|source| Error::write(&path, source))
    }

    /// Puts the store in its place.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        // An empty directory gives way; one that has been filled meanwhile does not.
        fs::rename(&self.staging, &self.dir).map_err(|source| Error::write(&self.dir, source))?;
        self.is_there = true;
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.is_there {
            // The reason why it did not come to an end is the one to tell.
            let _ = fs::remove_dir_all(&self.staging);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("deep/mlruns");
        let target = Target::begin(&place).unwrap();
        target.write("0/tags/a/b", "x").unwrap();
        assert!(!place.exists());
        drop(target);
        assert_eq!(fs::read_dir(dir.path().join("deep")).unwrap().count(), 0);
        fs::create_dir(&place).unwrap();
        let mut target = Target::begin(&place).unwrap();
        target.write("0/tags/a/b", "x").unwrap();
        target.commit().unwrap();
        drop(target);
        assert_eq!(fs::read_to_string(place.join("0/tags/a/b")).unwrap(), "x");
        assert_eq!(fs::read_dir(dir.path().join("deep")).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_is_taken_is_refused_also_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("mlruns");
        let mut target = Target::begin(&place).unwrap();
        fs::create_dir(&place).unwrap();
        fs::write(place.join("mine"), "x").unwrap();
        assert!(target.commit().is_err());
        let check = |place: &Path, expected: &str| {
            let words = Target::begin(place).unwrap_err().to_string();
            assert!(words.contains(expected), "{words}");
        };
        check(&place, "it is not empty");
        check(&place.join("mine"), "it is no directory");
        check(&dir.path().join("100%"), "name another directory");
        assert_eq!(fs::read_to_string(place.join("mine")).unwrap(), "x");
    }
}
