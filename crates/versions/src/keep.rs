//! Taking files of the workspace into the cache.
//!
//! What is kept under a digest has that digest also when others write to the file meanwhile: a copy is hashed as it is made, and a
//! link is made to the very file that was open while it was hashed, whatever has its name by then. A file whose size, time or inode
//! is not what was seen before is refused.

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, linkat};

use crate::Error;
use crate::cache::{Cache, MODE, file_id};
use crate::known::Stamp;
use crate::links::{Link, is_unsupported, temporary};
use crate::md5::{Md5, ObjectId};
use crate::stream::{self, SMALL};

/// A file of the workspace as it was seen before it is read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) stamp: Stamp,
    pub(crate) mode: u32,
    /// Whether the name is a symbolic link to it.
    pub(crate) is_link: bool,
}

/// A file that the cache has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) md5: Md5,
    /// Whether the file of the workspace is the object itself.
    pub(crate) is_object: bool,
}

impl Cache {
    /// Keeps a file of the workspace, as cheaply as the configured links allow, and gives its digest.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read, changes while it is read, or cannot be kept.
    pub(crate) fn keep(&self, source: &Path, seen: &Seen) -> Result<Kept, Error> {
        let file = File::open(source).map_err(|error| Error::file("read", source, error))?;
        let copied = |md5| Kept {
            md5,
            is_object: false,
        };
        if seen.is_link {
            // Most likely to the very object.
            let md5 = self.hash((source, &file), seen)?;
            if let Some(inode) = self.find(file_id(md5))? {
                let is_object = inode == seen.stamp.inode;
                return Ok(Kept { md5, is_object });
            }
            return self.copy(source, seen).map(copied);
        }
        match self.links.current() {
            Some(Link::Reflink) => match self.keep_clone((source, &file), seen)? {
                Some(md5) => Ok(copied(md5)),
                None => self.keep(source, seen),
            },
            // An object is no program: a link would take the file's right to run.
            Some(Link::Hardlink) if seen.mode & 0o111 == 0 => {
                match self.keep_linked((source, &file), seen)? {
                    Some(kept) => Ok(kept),
                    None => self.copy(source, seen).map(copied),
                }
            }
            _ => self.copy_open((source, &file), seen).map(copied),
        }
    }

    /// The digest of an open file that stays as it was seen.
    pub(crate) fn hash(&self, (path, file): (&Path, &File), seen: &Seen) -> Result<Md5, Error> {
        let hashed = stream::hash(file, seen.stamp.size, &self.progress);
        let (md5, _) = hashed.map_err(|error| Error::file("read", path, error))?;
        check_same((path, file), &seen.stamp)?;
        Ok(md5)
    }

    /// `None`: files cannot share their blocks here.
    fn keep_clone(
        &self,
        (source, file): (&Path, &File),
        seen: &Seen,
    ) -> Result<Option<Md5>, Error> {
        let temporary = temporary(self.dir());
        let made = self
            .make_dir()
            .and_then(|()| Link::Reflink.make(source, &temporary));
        if made.is_err() {
            self.links.give_up(Link::Reflink);
            return Ok(None);
        }
        let hashed = File::open(&temporary)
            .and_then(|clone| stream::hash(&clone, seen.stamp.size, &self.progress));
        if let Err(error) = check_same((source, file), &seen.stamp) {
            // It may hold half of what was being written.
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        let hashed = hashed.map(|(md5, _)| file_id(md5));
        Ok(Some(self.finish(&temporary, hashed)?.md5))
    }

    /// `None`: a hard link is not possible.
    fn keep_linked(
        &self,
        (source, file): (&Path, &File),
        seen: &Seen,
    ) -> Result<Option<Kept>, Error> {
        let md5 = self.hash((source, file), seen)?;
        let object = file_id(md5);
        if file.set_permissions(Permissions::from_mode(MODE)).is_err() {
            return Ok(None);
        }
        let mut kept = Kept {
            md5,
            is_object: true,
        };
        match self.link(file, object) {
            Ok(()) => return Ok(Some(kept)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                if let Some(inode) = self.find(object)? {
                    kept.is_object = inode == seen.stamp.inode;
                    return Ok(Some(kept));
                }
            }
            Err(error) if is_unsupported(&error) => self.links.give_up(Link::Hardlink),
            // The copy tells what is wrong, if it fails, too.
            Err(_) => {}
        }
        // As it was before the attempt; if that fails, the file is read-only and whole.
        let _ = file.set_permissions(Permissions::from_mode(seen.mode & 0o7777));
        Ok(None)
    }

    /// Gives an open file the name of an object.
    fn link(&self, file: &File, object: ObjectId) -> Result<(), std::io::Error> {
        let from = format!("/proc/self/fd/{}", file.as_raw_fd());
        let path = self.path(object);
        let link = || linkat(CWD, &from, CWD, &path, AtFlags::SYMLINK_FOLLOW);
        match link() {
            Err(error) if error == rustix::io::Errno::NOENT => {
                self.make_dirs(path.parent().unwrap_or(self.dir()))?;
                Ok(link()?)
            }
            done => Ok(done?),
        }
    }

    fn copy(&self, source: &Path, seen: &Seen) -> Result<Md5, Error> {
        let file = File::open(source).map_err(|error| Error::file("read", source, error))?;
        self.copy_open((source, &file), seen)
    }

    fn copy_open(&self, (source, file): (&Path, &File), seen: &Seen) -> Result<Md5, Error> {
        let temporary = temporary(self.dir());
        if seen.stamp.size > SMALL {
            let copied = self
                .create(&temporary)
                .and_then(|to| stream::copy(file, &to, &self.progress));
            if let Err(error) = check_same((source, file), &seen.stamp) {
                // What was copied is of no file that ever was.
                let _ = fs::remove_file(&temporary);
                return Err(error);
            }
            let object = copied.map(|(md5, _)| file_id(md5));
            return Ok(self.finish(&temporary, object)?.md5);
        }
        let bytes = stream::read_small(file, seen.stamp.size)
            .map_err(|error| Error::file("read", source, error))?;
        self.progress.pass(bytes.len() as u64);
        check_same((source, file), &seen.stamp)?;
        let object = file_id(Md5::of(&bytes));
        if !self.has(object)? {
            self.write(object, &bytes)?;
        }
        Ok(object.md5)
    }

    /// Writes the bytes of an object that is not there.
    pub(crate) fn write(&self, object: ObjectId, bytes: &[u8]) -> Result<(), Error> {
        let temporary = temporary(self.dir());
        let written = self.create(&temporary).and_then(|mut to| {
            to.write_all(bytes)?;
            // What a file is created with depends on the user's mask.
            if to.metadata()?.mode() & 0o7777 == MODE {
                return Ok(());
            }
            to.set_permissions(Permissions::from_mode(MODE))
        });
        let named = written
            .map_err(|error| Error::file("write", &temporary, error))
            .and_then(|()| self.name(&temporary, object));
        named.inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
    }

    /// A temporary file, and the directory for it if need be.
    pub(crate) fn create(&self, temporary: &Path) -> Result<File, std::io::Error> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true).mode(MODE);
        match options.open(temporary) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.make_dir()?;
                options.open(temporary)
            }
            opened => opened,
        }
    }
}

/// A file that changes while it is read has no digest.
pub(crate) fn check_same((path, file): (&Path, &File), before: &Stamp) -> Result<(), Error> {
    let after = file
        .metadata()
        .map_err(|error| Error::file("read", path, error))?;
    if *before == Stamp::of(&after) {
        return Ok(());
    }
    Err(Error::Conflict {
        what: format!(
            "`{}` changes while it is read; try again when it is written",
            path.display()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::Links;

    fn seen(path: &Path) -> Seen {
        let metadata = fs::metadata(path).unwrap();
        Seen {
            stamp: Stamp::of(&metadata),
            mode: metadata.mode(),
            is_link: path.is_symlink(),
        }
    }

    fn in_each(check: impl Fn(&Cache, &Path)) {
        for kinds in ["reflink,copy", "hardlink", "copy", "symlink"] {
            let dir = tempfile::tempdir().unwrap();
            let links = Links::parse(Some(kinds)).unwrap();
            let cache = Cache::new(&dir.path().join("cache"), links);
            check(&cache, &dir.path().join("file"));
        }
    }

    #[test]
    fn a_file_that_has_changed_is_refused_and_nothing_is_kept() {
        for n_bytes in [3_usize, 1 << 20] {
            in_each(|cache, path| {
                fs::write(path, vec![1; n_bytes]).unwrap();
                let before = seen(path);
                fs::write(path, vec![2; n_bytes + 1]).unwrap();
                let error = cache.keep(path, &before).unwrap_err().to_string();
                assert!(error.contains("changes while it is read"), "{error}");
                // Another file of the same size has taken the name.
                let before = seen(path);
                fs::write(path.with_extension("new"), vec![3; n_bytes + 1]).unwrap();
                fs::rename(path.with_extension("new"), path).unwrap();
                cache.keep(path, &before).unwrap_err();
                assert_eq!(cache.all().unwrap().objects, [], "{n_bytes}");
                assert_eq!(cache.all().unwrap().left, Vec::<std::path::PathBuf>::new());
                let mode = fs::metadata(path).unwrap().mode();
                assert_eq!(mode & 0o222, 0o200 & mode, "{mode:o}");
            });
        }
    }

    #[test]
    fn the_same_content_is_kept_once() {
        in_each(|cache, path| {
            fs::write(path, "x").unwrap();
            let first = cache.keep(path, &seen(path)).unwrap();
            let is_linked = cache.links().current() == Some(Link::Hardlink);
            assert_eq!(first.is_object, is_linked);
            let again = cache.keep(path, &seen(path)).unwrap();
            assert_eq!(again, first);
            let other = path.with_extension("other");
            fs::write(&other, "x").unwrap();
            let third = cache.keep(&other, &seen(&other)).unwrap();
            assert_eq!((third.md5, third.is_object), (first.md5, false));
            let link = path.with_extension("link");
            std::os::unix::fs::symlink(cache.path(file_id(first.md5)), &link).unwrap();
            let linked = cache.keep(&link, &seen(&link)).unwrap();
            assert_eq!((linked.md5, linked.is_object), (first.md5, true));
            assert_eq!(cache.all().unwrap().objects, [(file_id(first.md5), 1)]);
            let object = fs::metadata(cache.path(file_id(first.md5))).unwrap();
            assert_eq!(object.mode() & 0o777, MODE);
        });
    }

    #[test]
    fn programs_stay_programs() {
        in_each(|cache, path| {
            fs::write(path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
            assert!(!cache.keep(path, &seen(path)).unwrap().is_object);
            assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o755);
        });
    }
}
