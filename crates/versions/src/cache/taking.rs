//! Taking objects over from elsewhere: what is kept was checked on its way.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::{Cache, MODE, damaged};
use crate::Error;
use crate::links::{set_mode, temporary};
use crate::md5::{Hashing, Md5, ObjectId};
use crate::stream::{self, SMALL};

/// Gives the bytes of an object to what it is called with.
pub(crate) type Fill<'f> =
    &'f mut dyn FnMut(&mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> Result<(), Error>;

impl Cache {
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
        let (temporary, md5, size) = self.write_pieces(object.hashing, fill)?;
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

    /// Writes the bytes that `fill` gives to a file without a name yet; tells which, their digest and their number. Nothing is
    /// left of bytes that cannot be had or kept.
    pub(crate) fn write_pieces(
        &self,
        hashing: Hashing,
        fill: Fill<'_>,
    ) -> Result<(PathBuf, Md5, u64), Error> {
        self.make_dir()
            .map_err(|error| Error::file("create", &self.dir, error))?;
        let temporary = temporary(&self.dir);
        let write = |error| Error::file("write", &temporary, error);
        let mut opened = File::options();
        let opened = opened.read(true).write(true).create_new(true);
        let received = opened.open(&temporary).map_err(write).and_then(|file| {
            let mut running = hashing.running(file);
            let filled = fill(&mut |piece| {
                self.progress.pass(piece.len() as u64);
                running.write_all(piece)
            });
            // Where the disk is full, the other side is not to blame.
            running
                .take_error()
                .map_or(filled, |error| Err(write(error)))?;
            running.finish().map_err(write)
        });
        let (md5, size) = received.inspect_err(|_| {
            // The error is the one to tell.
            let _ = fs::remove_file(&temporary);
        })?;
        Ok((temporary, md5, size))
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
}
