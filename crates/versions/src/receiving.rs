//! Content from elsewhere: objects that are taken up where a command was killed, and content whose digest is not known before
//! it has come.
//!
//! ```text
//! files/md5/everloop-<digest>.part   the beginning of an object; `gc` removes what nobody takes up
//! ```

use std::fs::{self, File};
use std::path::Path;

use everloop_domain::ErrorKind;
use rustix::fs::{FlockOperation, flock};

use crate::Error;
use crate::cache::{Cache, Fill, file_id};
use crate::md5::{Hashing, Md5, ObjectId};

/// A beginning of fewer bytes is not worth a file.
const MIN_BYTES: u64 = 1 << 20;

/// Gives the bytes of an object from a place on to what it is called with.
type FillFrom<'f> =
    &'f mut dyn FnMut(u64, &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> Result<(), Error>;

/// How an object is had from elsewhere.
pub(crate) struct From<'f> {
    /// Where it is from, in words.
    pub(crate) place: &'f str,
    /// How many bytes it has there, if that is known.
    pub(crate) size: &'f dyn Fn() -> Result<Option<u64>, Error>,
    /// Gives its bytes.
    pub(crate) fill: FillFrom<'f>,
}

impl Cache {
    /// Keeps an object, if its bytes are those of its name. Where another command was ended while it received the same object, its
    /// bytes are used, as far as they go.
    ///
    /// # Errors
    ///
    /// Fails if the bytes are others, cannot be had, or cannot be kept.
    pub(crate) fn receive_on(&self, object: ObjectId, from: &mut From<'_>) -> Result<u64, Error> {
        self.make_dir()
            .map_err(|error| Error::file("create", self.dir(), error))?;
        let part = self.dir().join(format!("everloop-{object}.part"));
        let write = |error| Error::file("write", &part, error);
        let mut opened = File::options();
        let opened = opened.read(true).write(true).create(true).truncate(false);
        let file = opened.open(&part).map_err(write)?;
        // Whoever cannot be alone with the file has one of their own.
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return self.receive(object, from.place, &mut |sink| (from.fill)(0, sink));
        }
        let n_known = file.metadata().map_err(write)?.len();
        let size = if n_known > 0 { (from.size)()? } else { None };
        let is_of_use = size.is_some_and(|size| size >= n_known);
        if is_of_use {
            match self.fill_part(object, from, (&part, &file), size == Some(n_known)) {
                // The beginning may have been another's: all of it once more.
                Err(Error::Damaged { .. }) => {}
                done => return done,
            }
        }
        file.set_len(0).map_err(write)?;
        self.fill_part(object, from, (&part, &file), false)
    }

    /// Fills a file up, unless it is whole, and makes it the object.
    fn fill_part(
        &self,
        object: ObjectId,
        from: &mut From<'_>,
        (part, file): (&Path, &File),
        is_whole: bool,
    ) -> Result<u64, Error> {
        let write = |error| Error::file("write", part, error);
        let shared = file.try_clone().map_err(write)?;
        let (mut running, n_known) = object.hashing.running_on(shared).map_err(write)?;
        let mut n_got = n_known;
        let mut sink = |piece: &[u8]| {
            self.progress.pass(piece.len() as u64);
            n_got += piece.len() as u64;
            running.write_all(piece)
        };
        let filled = if is_whole {
            Ok(())
        } else {
            (from.fill)(n_known, &mut sink)
        };
        // Where the disk is full, the other side is not to blame, and what came is in the way.
        let full = running.take_error();
        let is_in_the_way = full.is_some() || n_got < MIN_BYTES;
        if let Err(error) = full.map_or(filled, |error| Err(write(error))) {
            if is_in_the_way || error.kind() == ErrorKind::NotFound {
                let _ = fs::remove_file(part);
            }
            return Err(error);
        }
        let (md5, size) = running.finish().map_err(write)?;
        if md5 == object.md5 {
            self.finish(part, Ok(object))?;
            return Ok(size);
        }
        if n_known == 0 {
            let _ = fs::remove_file(part);
        }
        Err(Error::Damaged {
            object: object.to_string(),
            place: from.place.to_owned(),
            problem: format!("its {size} bytes have the MD5 {md5}"),
        })
    }

    /// Keeps the bytes that `fill` gives piece by piece, and tells their digest and their number.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be had, or cannot be kept.
    pub(crate) fn receive_new(&self, fill: Fill<'_>) -> Result<(Md5, u64), Error> {
        let (temporary, md5, size) = self.write_pieces(Hashing::Plain, fill)?;
        self.finish(&temporary, Ok(file_id(md5)))?;
        Ok((md5, size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::Links;

    /// Receives bytes that may break off; tells from where they were asked for.
    fn receive(
        cache: &Cache,
        bytes: &[u8],
        breaks_at: Option<usize>,
    ) -> (Result<u64, Error>, Vec<u64>) {
        let object = file_id(Md5::of(bytes));
        let mut asked = Vec::new();
        let received = cache.receive_on(
            object,
            &mut From {
                place: "there",
                size: &|| Ok(Some(bytes.len() as u64)),
                fill: &mut |start, sink| {
                    asked.push(start);
                    let end = breaks_at.unwrap_or(bytes.len());
                    let kept = sink(&bytes[start as usize..end]);
                    kept.map_err(|error| Error::file("write", cache.dir(), error))?;
                    match breaks_at {
                        Some(_) => Err(Error::form("line", "it is broken")),
                        None => Ok(()),
                    }
                },
            },
        );
        (received, asked)
    }

    #[test]
    fn what_broke_off_is_taken_up_if_it_is_what_it_should_be() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path(), Links::copies());
        let bytes: Vec<u8> = (0..3 << 20).map(|n: u32| (n % 251) as u8).collect();
        let object = file_id(Md5::of(&bytes));
        let (half, part) = (2 << 20, cache.dir().join(format!("everloop-{object}.part")));
        let size = bytes.len() as u64;
        let (broken, _) = receive(&cache, &bytes, Some(half));
        assert!(broken.is_err() && part.exists());
        let (received, asked) = receive(&cache, &bytes, None);
        assert_eq!((received.unwrap(), asked), (size, vec![half as u64]));
        assert!(cache.has(object).unwrap() && !part.exists());

        cache.remove(object).unwrap();
        fs::write(&part, vec![7; half]).unwrap();
        let (received, asked) = receive(&cache, &bytes, None);
        assert_eq!((received.unwrap(), asked), (size, vec![half as u64, 0]));

        for left in [bytes.clone(), [&bytes[..], b"more"].concat()] {
            cache.remove(object).unwrap();
            fs::write(&part, &left).unwrap();
            let (received, asked) = receive(&cache, &bytes, None);
            let expected = if left.len() == bytes.len() {
                vec![]
            } else {
                vec![0]
            };
            assert_eq!((received.unwrap(), asked), (size, expected));
        }
        let (broken, _) = receive(&cache, b"few bytes", Some(3));
        assert!(broken.is_err());
        assert!(cache.all().unwrap().left.is_empty());
    }
}
