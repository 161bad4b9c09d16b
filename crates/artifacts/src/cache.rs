//! Results of stages by fingerprint.
//!
//! ```text
//! <root>/<stage>/<64 hex digits>/        a result, with `manifest.json` beside its files
//! <root>/.staging/<stage>-<digits>-…     work in progress
//! ```
//!
//! A result becomes visible by one rename after all its files are on disk. Two processes that make the same result
//! race harmlessly: the second adopts what the first made.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use everloop_domain::Digest;

use crate::Error;
use crate::files::{sync_dir, temporary};

const MANIFEST: &str = "manifest.json";

/// The cache. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StageCache {
    root: PathBuf,
}

/// A directory in which a stage works; gone when dropped without [`Staging::commit`].
#[derive(Debug)]
pub struct Staging {
    dir: PathBuf,
    target: PathBuf,
}

impl StageCache {
    /// The cache in a directory, which is made if it does not exist.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be made.
    pub fn open(root: &Path) -> Result<Self, Error> {
        fs::create_dir_all(root.join(".staging"))
            .map_err(|source| Error::file("create", root, source))?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// The result of a stage, if it is there.
    #[must_use]
    pub fn find(&self, stage: &str, fingerprint: &Digest) -> Option<PathBuf> {
        let dir = self.place(stage, fingerprint);
        dir.join(MANIFEST).is_file().then_some(dir)
    }

    /// Forgets a result.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be removed.
    pub fn remove(&self, stage: &str, fingerprint: &Digest) -> Result<(), Error> {
        let dir = self.place(stage, fingerprint);
        match fs::remove_dir_all(&dir) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::file("remove", &dir, source))
            }
            _ => Ok(()),
        }
    }

    /// A fresh directory to work in.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be made.
    pub fn begin(&self, stage: &str, fingerprint: &Digest) -> Result<Staging, Error> {
        let target = self.place(stage, fingerprint);
        let dir = temporary(
            &self
                .root
                .join(".staging")
                .join(format!("{stage}-{}", fingerprint.hex())),
        );
        fs::create_dir_all(&dir).map_err(|source| Error::file("create", &dir, source))?;
        Ok(Staging { dir, target })
    }

    /// Removes what killed processes left in staging. Only the holder of the project's lock may call it.
    ///
    /// # Errors
    ///
    /// Fails if staging cannot be read.
    pub fn sweep(&self) -> Result<(), Error> {
        let staging = self.root.join(".staging");
        for entry in fs::read_dir(&staging)
            .map_err(|source| Error::file("read", &staging, source))?
            .flatten()
        {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(|source| Error::file("remove", &path, source))?;
        }
        Ok(())
    }

    fn place(&self, stage: &str, fingerprint: &Digest) -> PathBuf {
        self.root.join(stage).join(fingerprint.hex())
    }
}

impl Staging {
    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the result visible and gives its place.
    ///
    /// # Errors
    ///
    /// Fails if the files cannot be synced or put in place.
    pub fn commit(self, manifest: &str) -> Result<PathBuf, Error> {
        let file = self.dir.join(MANIFEST);
        fs::write(&file, manifest).map_err(|source| Error::file("write", &file, source))?;
        sync_files(&self.dir)?;
        let parent = self.target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|source| Error::file("create", parent, source))?;
        if let Err(source) = fs::rename(&self.dir, &self.target)
            && !self.target.join(MANIFEST).is_file()
        {
            return Err(Error::file("rename", &self.target, source));
        }
        sync_dir(parent);
        Ok(self.target.clone())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After a commit it is not there any more; otherwise the next sweep removes what this cannot.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn sync_files(dir: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(|source| Error::file("read", dir, source))? {
        let path = entry
            .map_err(|source| Error::file("read", dir, source))?
            .path();
        if path.is_dir() {
            sync_files(&path)?;
        } else {
            File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(|source| Error::file("sync", &path, source))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, StageCache, Digest) {
        let dir = tempfile::tempdir().unwrap();
        let cache = StageCache::open(&dir.path().join("cache")).unwrap();
        (dir, cache, Digest::of("x"))
    }

    #[test]
    fn a_result_is_found_after_its_commit_only() {
        let (_dir, cache, digest) = cache();
        let staging = cache.begin("train", &digest).unwrap();
        fs::write(staging.dir().join("a"), "1").unwrap();
        assert_eq!(cache.find("train", &digest), None);
        let place = staging.commit("{}").unwrap();
        assert_eq!(cache.find("train", &digest), Some(place.clone()));
        assert_eq!(fs::read_to_string(place.join("a")).unwrap(), "1");
        assert_eq!(cache.find("collect", &digest), None);
    }

    #[test]
    fn the_loser_of_a_race_adopts_the_winners_result() {
        let (_dir, cache, digest) = cache();
        let (one, two) = (
            cache.begin("train", &digest).unwrap(),
            cache.begin("train", &digest).unwrap(),
        );
        fs::write(one.dir().join("a"), "one").unwrap();
        fs::write(two.dir().join("a"), "two").unwrap();
        let place = one.commit("{}").unwrap();
        assert_eq!(two.commit("{}").unwrap(), place);
        assert_eq!(fs::read_to_string(place.join("a")).unwrap(), "one");
    }

    #[test]
    fn abandoned_work_leaves_nothing() {
        let (dir, cache, digest) = cache();
        drop(cache.begin("train", &digest).unwrap());
        // A killed process drops nothing.
        std::mem::forget(cache.begin("train", &digest).unwrap());
        let staging = dir.path().join("cache/.staging");
        assert_eq!(fs::read_dir(&staging).unwrap().count(), 1);
        cache.sweep().unwrap();
        assert_eq!(fs::read_dir(&staging).unwrap().count(), 0);
    }

    #[test]
    fn a_removed_result_is_gone() {
        let (_dir, cache, digest) = cache();
        cache.begin("train", &digest).unwrap().commit("{}").unwrap();
        cache.remove("train", &digest).unwrap();
        cache.remove("train", &digest).unwrap();
        assert_eq!(cache.find("train", &digest), None);
    }
}
