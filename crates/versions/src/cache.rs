//! Objects by digest in a directory: the cache, and remotes that are directories.
//!
//! ```text
//! files/md5/ab/cdef…        bytes of a file, mode 0444
//! files/md5/ab/cdef….dir    the listing of a directory
//! ab/cdef…                  the same of DVC 2
//! files/md5/everloop-*.tmp  what is being written
//! ```
//!
//! The mode is part of the format: DVC believes an object of mode 0444 and checks any other. So an object gets its mode
//! before its name, and its name only when all of it is there.

mod inventory;
mod taking;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Error;
use crate::links::{Links, set_mode};
use crate::listing::Listing;
use crate::md5::{Hashing, Md5, ObjectId};
use crate::progress::Progress;

pub(crate) use taking::Fill;

pub(crate) const MODE: u32 = 0o444;

/// Objects in a directory.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    /// Where DVC 2 kept its objects.
    legacy_dir: PathBuf,
    pub(crate) links: Links,
    /// Where those count who fill it.
    pub(crate) progress: Arc<Progress>,
    /// Whether others of the same group write, too: `cache.shared = group`.
    is_shared: bool,
}

impl Cache {
    /// The objects below a place.
    pub(crate) fn new(place: &Path, links: Links) -> Self {
        Self {
            dir: place.join("files/md5"),
            legacy_dir: place.to_owned(),
            links,
            is_shared: false,
            progress: Arc::default(),
        }
    }

    /// The same place, into which others of the group write, too.
    pub(crate) fn shared(self) -> Self {
        Self {
            is_shared: true,
            ..self
        }
    }

    /// The same objects, where what is kept is copied and never shared.
    pub(crate) fn with_copies(&self) -> Self {
        Self {
            dir: self.dir.clone(),
            legacy_dir: self.legacy_dir.clone(),
            links: Links::copies(),
            is_shared: self.is_shared,
            progress: self.progress.clone(),
        }
    }

    /// The same cache, which counts there.
    pub(crate) fn counting(self, progress: &Arc<Progress>) -> Self {
        Self {
            progress: progress.clone(),
            ..self
        }
    }

    /// Where its objects and what is being written are.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file of an object.
    #[must_use]
    pub fn path(&self, object: ObjectId) -> PathBuf {
        let name = object.to_string();
        let dir = match object.hashing {
            Hashing::Plain => &self.dir,
            Hashing::Dos2Unix => &self.legacy_dir,
        };
        dir.join(&name[..2]).join(&name[2..])
    }

    /// Where DVC keeps what the stages of pipelines have made of what.
    #[must_use]
    pub fn runs_dir(&self) -> PathBuf {
        self.legacy_dir.join("runs")
    }

    /// How the workspace gets its files.
    pub(crate) fn links(&self) -> &Links {
        &self.links
    }

    /// Whether an object is there and whole. One that is not of mode 0444 is read; a damaged one is removed, as DVC does it.
    ///
    /// # Errors
    ///
    /// Fails if it is there and cannot be read.
    pub fn has(&self, object: ObjectId) -> Result<bool, Error> {
        Ok(self.find(object)?.is_some())
    }

    /// The inode of an object that is there and whole.
    pub(crate) fn find(&self, object: ObjectId) -> Result<Option<u64>, Error> {
        let path = self.path(object);
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("read", &path, error)),
        };
        let is_final = metadata.is_file() && metadata.permissions().mode() & 0o777 == MODE;
        // A power cut may leave a file without its bytes; one that has none is looked at.
        if is_final && metadata.len() > 0 {
            return Ok(Some(metadata.ino()));
        }
        let read = |error| Error::file("read", &path, error);
        if metadata.is_file() && object.hashing.of_file(&path).map_err(read)?.0 == object.md5 {
            // Where others own the object, it is read again next time.
            let _ = set_mode(&path, MODE);
            return Ok(Some(metadata.ino()));
        }
        if metadata.is_dir() {
            return Err(damaged(object, &path, "it is a directory"));
        }
        fs::remove_file(&path).map_err(|error| Error::file("remove", &path, error))?;
        Ok(None)
    }

    /// The files of a directory, from its object.
    ///
    /// # Errors
    ///
    /// Fails if the object is absent, damaged or hostile.
    pub fn listing(&self, object: ObjectId) -> Result<Listing, Error> {
        let path = self.path(object);
        let bytes = fs::read(&path).map_err(|error| Error::file("read", &path, error))?;
        Listing::of_object(object, &bytes, &path.display().to_string())
    }

    /// Keeps the listing of a directory.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    pub fn keep_listing(&self, listing: &Listing) -> Result<ObjectId, Error> {
        let (object, bytes) = listing.object();
        if !self.has(object)? {
            self.write(object, &bytes)?;
        }
        Ok(object)
    }

    pub(crate) fn make_dir(&self) -> Result<(), std::io::Error> {
        if self.dir.is_dir() {
            return Ok(());
        }
        self.make_dirs(&self.dir)
    }

    /// Makes a directory with those above it; new ones have the mode that DVC gives them.
    pub(crate) fn make_dirs(&self, dir: &Path) -> Result<(), std::io::Error> {
        let new: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.exists()).collect();
        fs::create_dir_all(dir)?;
        for dir in new.iter().filter(|_| self.is_shared) {
            fs::set_permissions(dir, Permissions::from_mode(0o2775))?;
        }
        Ok(())
    }
}

/// The id of a file's object.
pub(crate) fn file_id(md5: Md5) -> ObjectId {
    object_of(md5, Hashing::Plain)
}

/// The id of a file's object, of either kind.
pub(crate) fn object_of(md5: Md5, hashing: Hashing) -> ObjectId {
    ObjectId {
        md5,
        is_dir: false,
        hashing,
    }
}

fn damaged(object: ObjectId, path: &Path, problem: &str) -> Error {
    Error::Damaged {
        object: object.to_string(),
        place: path.display().to_string(),
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::inventory::Inventory;
    use super::*;
    use crate::keep::Seen;
    use crate::known::Stamp;

    fn cache(dir: &Path, kinds: &str) -> Cache {
        Cache::new(dir, Links::parse(Some(kinds)).unwrap())
    }

    fn keep(cache: &Cache, dir: &Path, bytes: &[u8]) -> ObjectId {
        let path = dir.join("file");
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        let seen = Seen {
            stamp: Stamp::of(&metadata),
            mode: metadata.mode(),
            is_link: false,
        };
        file_id(cache.keep(&path, &seen).unwrap().md5)
    }

    #[test]
    fn objects_are_read_only_and_whole() {
        for kinds in ["reflink,copy", "hardlink", "copy"] {
            let dir = tempfile::tempdir().unwrap();
            let cache = cache(&dir.path().join("cache"), kinds);
            let object = keep(&cache, dir.path(), b"hello\n");
            let path = cache.path(object);
            assert!(path.ends_with("files/md5/b1/946ac92492d2347c6235b4d2611184"));
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o444);
            assert_eq!(keep(&cache, dir.path(), b"hello\n"), object);
            let expected = Inventory {
                objects: vec![(object, 6)],
                left: vec![],
            };
            assert_eq!(cache.all().unwrap(), expected, "{kinds}");
        }
    }

    #[test]
    fn damage_is_found_where_the_mode_tells_and_on_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let remote = cache(&dir.path().join("remote"), "copy");
        let local = cache(&dir.path().join("local"), "copy");
        let object = keep(&remote, dir.path(), b"good");
        let path = remote.path(object);
        set_mode(&path, 0o644).unwrap();
        assert!(remote.has(object).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o444);
        set_mode(&path, 0o644).unwrap();
        fs::write(&path, "evil").unwrap();
        let error = local.take(object, &remote).unwrap_err().to_string();
        assert!(
            error.contains("damaged") && error.contains(path.to_str().unwrap()),
            "{error}"
        );
        assert!(!local.has(object).unwrap());
        assert_eq!(local.all().unwrap(), Inventory::default());
        assert!(!remote.has(object).unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn what_a_power_cut_left_empty_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache(&dir.path().join("cache"), "copy");
        let (full, empty) = (
            keep(&cache, dir.path(), b"x"),
            keep(&cache, dir.path(), b""),
        );
        set_mode(&cache.path(full), 0o644).unwrap();
        fs::write(cache.path(full), "").unwrap();
        set_mode(&cache.path(full), 0o444).unwrap();
        assert!(!cache.has(full).unwrap());
        assert!(cache.has(empty).unwrap());
        assert_eq!(keep(&cache, dir.path(), b"x"), full);
        assert!(cache.has(full).unwrap());
    }

    #[test]
    fn a_listing_that_was_changed_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache(dir.path(), "copy");
        let object = cache.keep_listing(&Listing::default()).unwrap();
        assert_eq!(cache.listing(object).unwrap(), Listing::default());
        let path = cache.path(object);
        set_mode(&path, 0o644).unwrap();
        fs::write(&path, "[ ]").unwrap();
        set_mode(&path, 0o444).unwrap();
        let error = cache.listing(object).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
    }
}
