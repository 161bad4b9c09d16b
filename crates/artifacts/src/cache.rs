//! Results of stages by fingerprint.
//!
//! ```text
//! <root>/<stage>/<64 hex digits>/        a result, with `manifest.json` beside its files
//! <root>/.staging/.<stage>-<digits>.…    work in progress
//! ```
//!
//! A result becomes visible by one rename after all its files are on disk. Two processes that make the same result
//! race harmlessly: the second adopts what the first made.

use std::fs;
use std::path::{Path, PathBuf};

use everloop_domain::Digest;

use crate::Error;
use crate::files::{sync_all_below, sync_dir, temporary_dir};

const MANIFEST: &str = "manifest.json";
const STAGING: &str = ".staging";

/// The cache. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StageCache {
    root: PathBuf,
}

/// A directory in which a stage works; gone when dropped without [`Staging::commit`].
#[derive(Debug)]
pub struct Staging {
    root: PathBuf,
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
        fs::create_dir_all(root.join(STAGING))
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
        set_aside(&self.root, &self.place(stage, fingerprint))
    }

    /// Forgets the results that nobody wants to keep; gives how many there were. Whoever works with a result at the
    /// same time loses its files, so only the holder of the project's lock may call it.
    ///
    /// # Errors
    ///
    /// Fails if the cache cannot be read or a result not removed.
    pub fn gc(&self, is_kept: impl Fn(&str, &Digest) -> bool) -> Result<usize, Error> {
        let mut n_removed = 0;
        for stage in entries(&self.root)? {
            let stage_name = stage.file_name().to_string_lossy().into_owned();
            if stage_name.starts_with('.') || !stage.path().is_dir() {
                continue;
            }
            for result in entries(&stage.path())? {
                let digits = result.file_name().to_string_lossy().into_owned();
                let fingerprint = format!("sha256:{digits}").parse::<Digest>();
                if fingerprint.is_ok_and(|digest| !is_kept(&stage_name, &digest)) {
                    set_aside(&self.root, &result.path())?;
                    n_removed += 1;
                }
            }
        }
        Ok(n_removed)
    }

    /// A fresh directory to work in.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be made.
    pub fn begin(&self, stage: &str, fingerprint: &Digest) -> Result<Staging, Error> {
        let target = self.place(stage, fingerprint);
        let name = format!("{stage}-{}", fingerprint.short());
        let wanted = self.root.join(STAGING).join(name);
        let dir =
            temporary_dir(&wanted).map_err(|source| Error::file("create", &wanted, source))?;
        Ok(Staging {
            root: self.root.clone(),
            dir,
            target,
        })
    }

    /// Removes what killed processes left in staging. Only the holder of the project's lock may call it.
    ///
    /// # Errors
    ///
    /// Fails if staging cannot be read.
    pub fn sweep(&self) -> Result<(), Error> {
        for entry in entries(&self.root.join(STAGING))? {
            remove_all(&entry.path())?;
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
        sync_all_below(&self.dir)?;
        let parent = self.target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|source| Error::file("create", parent, source))?;
        if self.target.exists() && !self.target.join(MANIFEST).is_file() {
            // Not a result of ours: somebody has taken files out of it.
            set_aside(&self.root, &self.target)?;
        }
        if let Err(source) = fs::rename(&self.dir, &self.target)
            && !self.target.join(MANIFEST).is_file()
        {
            return Err(Error::file("rename", &self.target, source));
        }
        sync_dir(parent);
        sync_dir(&self.root);
        Ok(self.target.clone())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After a commit it is not there any more; otherwise the next sweep removes what this cannot.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Makes a result invisible by one rename and then removes it, so that a half removed one is never found.
fn set_aside(root: &Path, result: &Path) -> Result<(), Error> {
    let aside = temporary_dir(&root.join(STAGING).join("removed"))
        .map_err(|source| Error::file("create", root, source))?;
    match fs::rename(result, aside.join("result")) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("remove", result, source))
        }
        _ => remove_all(&aside),
    }
}

fn remove_all(path: &Path) -> Result<(), Error> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("remove", path, source))
        }
        _ => Ok(()),
    }
}

fn entries(dir: &Path) -> Result<Vec<fs::DirEntry>, Error> {
    fs::read_dir(dir)
        .and_then(Iterator::collect)
        .map_err(|source| Error::file("read", dir, source))
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

    #[test]
    fn what_is_not_whole_is_made_again() {
        let (_dir, cache, digest) = cache();
        let place = cache.begin("train", &digest).unwrap().commit("{}").unwrap();
        fs::remove_file(place.join(MANIFEST)).unwrap();
        fs::write(place.join("torn"), "x").unwrap();
        assert_eq!(cache.find("train", &digest), None);
        let place = cache.begin("train", &digest).unwrap().commit("{}").unwrap();
        assert_eq!(cache.find("train", &digest), Some(place.clone()));
        assert!(!place.join("torn").exists());
    }

    #[test]
    fn garbage_goes_and_what_is_kept_stays() {
        let (dir, cache, digest) = cache();
        let other = Digest::of("y");
        for (stage, digest) in [("train", &digest), ("train", &other), ("collect", &digest)] {
            cache.begin(stage, digest).unwrap().commit("{}").unwrap();
        }
        fs::write(dir.path().join("cache/train/notes.txt"), "mine").unwrap();
        assert_eq!(
            cache
                .gc(|stage, one| stage == "train" && *one == other)
                .unwrap(),
            2
        );
        assert_eq!(cache.find("train", &digest), None);
        assert_eq!(cache.find("collect", &digest), None);
        assert!(cache.find("train", &other).is_some());
        assert!(dir.path().join("cache/train/notes.txt").is_file());
    }

    #[test]
    fn a_sweep_takes_files_too() {
        let (dir, cache, _) = cache();
        fs::write(dir.path().join("cache/.staging/stray"), "x").unwrap();
        cache.sweep().unwrap();
        cache.sweep().unwrap();
    }
}
