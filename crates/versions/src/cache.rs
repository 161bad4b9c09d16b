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

use std::fs::{self, File, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Error;
use crate::links::{Links, set_mode, temporary};
use crate::listing::Listing;
use crate::md5::{Hashing, Md5, ObjectId};
use crate::progress::Progress;
use crate::stream::{self, SMALL};

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

/// Gives the bytes of an object to what it is called with.
pub(crate) type Fill<'f> =
    &'f mut dyn FnMut(&mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> Result<(), Error>;

/// What is in a cache.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Inventory {
    /// Objects with their sizes.
    pub(crate) objects: Vec<(ObjectId, u64)>,
    /// Temporary files of ours that somebody left.
    pub(crate) left: Vec<PathBuf>,
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

    /// Takes an object over from another place, and checks it on the way.
    ///
    /// # Errors
    ///
    /// Fails if it is absent there, damaged, or cannot be kept.
    pub(crate) fn take(&self, object: ObjectId, from: &Self) -> Result<u64, Error> {
        self.take_file(object, &from.path(object))
    }

    /// Takes the content of an object from a file, and checks it on the way.
    ///
    /// # Errors
    ///
    /// As [`Self::take`].
    pub(crate) fn take_file(&self, object: ObjectId, source: &Path) -> Result<u64, Error> {
        let read = |error| Error::file("read", source, error);
        let mut file = File::open(source).map_err(read)?;
        let check = |md5: Md5, size: u64| {
            if md5 == object.md5 {
                return Ok(size);
            }
            let problem = format!("its {size} bytes have the MD5 {md5}");
            Err(damaged(object, source, &problem))
        };
        let size = file.metadata().map_err(read)?.len();
        let is_plain = object.hashing == Hashing::Plain;
        if is_plain && size <= SMALL {
            let bytes = stream::read_small(&file, size).map_err(read)?;
            let size = check(Md5::of(&bytes), bytes.len() as u64)?;
            self.progress.pass(size);
            self.write(object, &bytes)?;
            return Ok(size);
        }
        let temporary = temporary(&self.dir);
        let copied = self.create(&temporary).and_then(|mut to| {
            if is_plain {
                return stream::copy(&file, &to, &self.progress);
            }
            object.hashing.copy(&mut file, &mut to)
        });
        let checked = match copied {
            Ok((md5, size)) => check(md5, size),
            Err(error) => Err(Error::file("write", &temporary, error)),
        };
        if checked.is_err() {
            // Nothing damaged is kept; the error is the one to tell.
            let _ = fs::remove_file(&temporary);
        }
        let size = checked?;
        self.finish(&temporary, Ok(object))?;
        Ok(size)
    }

    /// Reads an object that is here, and gives its size.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read or is damaged.
    pub(crate) fn check(&self, object: ObjectId) -> Result<u64, Error> {
        let path = self.path(object);
        let read = |error| Error::file("read", &path, error);
        let (md5, size) = object.hashing.of_file(&path).map_err(read)?;
        if md5 != object.md5 {
            let problem = format!("its {size} bytes have the MD5 {md5}");
            return Err(damaged(object, &path, &problem));
        }
        Ok(size)
    }

    /// Keeps an object whose bytes `fill` gives piece by piece, if they are those of its name. `place` is where they are from.
    ///
    /// # Errors
    ///
    /// Fails if they are others, cannot be had, or cannot be kept.
    pub(crate) fn receive(
        &self,
        object: ObjectId,
        place: &str,
        fill: Fill<'_>,
    ) -> Result<u64, Error> {
        self.make_dir()
            .map_err(|error| Error::file("create", &self.dir, error))?;
        let temporary = temporary(&self.dir);
        let write = |error| Error::file("write", &temporary, error);
        let received = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&temporary);
        let received = received.map_err(write).and_then(|file| {
            let mut running = object.hashing.running(file);
            let filled = fill(&mut |piece| {
                self.progress.pass(piece.len() as u64);
                running.write_all(piece)
            });
            // Where the disk is full, the remote is not to blame.
            running
                .take_error()
                .map_or(filled, |error| Err(write(error)))?;
            running.finish().map_err(write)
        });
        let (md5, size) = received.inspect_err(|_| {
            // Nothing half-written is kept; the error is the one to tell.
            let _ = fs::remove_file(&temporary);
        })?;
        if md5 != object.md5 {
            let _ = fs::remove_file(&temporary);
            return Err(Error::Damaged {
                object: object.to_string(),
                place: place.to_owned(),
                problem: format!("its {size} bytes have the MD5 {md5}"),
            });
        }
        self.finish(&temporary, Ok(object))?;
        Ok(size)
    }

    /// Gives what was written its mode and its name, or removes it.
    pub(crate) fn finish(
        &self,
        temporary: &Path,
        written: Result<ObjectId, std::io::Error>,
    ) -> Result<ObjectId, Error> {
        let written = written.map_err(|error| Error::file("write", temporary, error));
        let finished = written.and_then(|object| {
            // An object that is there stays: links may lead to it.
            if self.has(object)? {
                return Ok((object, true));
            }
            set_mode(temporary, MODE)?;
            self.name(temporary, object)?;
            Ok((object, false))
        });
        if !matches!(finished, Ok((_, false))) {
            // After a failure that is the error to tell.
            let _ = fs::remove_file(temporary);
        }
        finished.map(|(object, _)| object)
    }

    pub(crate) fn name(&self, temporary: &Path, object: ObjectId) -> Result<(), Error> {
        let path = self.path(object);
        let dir = path.parent().unwrap_or(&self.dir);
        let renamed = fs::rename(temporary, &path).or_else(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                self.make_dirs(dir)?;
                return fs::rename(temporary, &path);
            }
            Err(error)
        });
        renamed.map_err(|error| Error::file("write", &path, error))
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

#[cfg(test)]
mod tests {
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
