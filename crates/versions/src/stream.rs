//! Digests of files, and copies made on the way.
//!
//! MD5 of one stream cannot be divided: a large file takes as long as its digest does. It is copied by another thread meanwhile.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _};
use std::os::unix::fs::FileExt as _;
use std::sync::mpsc::{SyncSender, sync_channel};

use md5::{Digest as _, Md5 as Hasher};

use crate::md5::Md5;
use crate::progress::Progress;

/// Files up to this size are read at once.
pub(crate) const SMALL: u64 = 1 << 18;

const BUFFER: usize = 1 << 16;
const PIECE: u64 = 1 << 21;
/// So many pieces may be copied and not hashed yet.
const N_AHEAD: usize = 8;

/// All bytes of a small file that is said to have `size` of them; one more, if it has more.
pub(crate) fn read_small(mut file: &File, size: u64) -> Result<Vec<u8>, Error> {
    let size = usize::try_from(size).unwrap_or(0);
    let mut bytes = vec![0; size + 1];
    let mut n_read = 0;
    // Asked for a byte beyond the end, one call gives all of a file and tells that it has no more.
    while n_read < size || n_read == 0 {
        match file.read(&mut bytes[n_read..]) {
            Ok(0) => break,
            Ok(n_more) => n_read += n_more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(n_read);
    Ok(bytes)
}

/// The digest and the size of a file.
pub(crate) fn hash(file: &File, size: u64, progress: &Progress) -> Result<(Md5, u64), Error> {
    if size <= SMALL {
        let bytes = read_small(file, size)?;
        // Otherwise it has grown since; whether that matters, the caller decides.
        if bytes.len() as u64 <= size {
            progress.pass(bytes.len() as u64);
            return Ok((Md5::of(&bytes), bytes.len() as u64));
        }
    }
    let mut hashed = Running::default();
    hashed.read(file, u64::MAX, progress)?;
    Ok(hashed.finish())
}

/// Copies all of `from` to `to`, which can be read, too, and gives the digest of what was written, and its size.
///
/// The digest is taken of the copy, as it grows: whoever writes to `from` meanwhile, what is kept is what was hashed.
pub(crate) fn copy(from: &File, to: &File, progress: &Progress) -> Result<(Md5, u64), Error> {
    let (written, to_hash) = sync_channel(N_AHEAD);
    std::thread::scope(|scope| {
        let work = scope.spawn(move || transport(from, to, &written));
        let mut hashed = Running::default();
        for n_bytes in to_hash {
            hashed.read(to, n_bytes, progress)?;
        }
        match work.join() {
            Ok(done) => done?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok(hashed.finish())
    })
}

/// Copies piece by piece, within the kernel where it can, and tells the size of each piece.
fn transport(from: &File, mut to: &File, written: &SyncSender<u64>) -> Result<(), Error> {
    loop {
        let n_bytes = std::io::copy(&mut from.take(PIECE), &mut to)?;
        if n_bytes == 0 || written.send(n_bytes).is_err() {
            return Ok(());
        }
    }
}

/// The digest of the beginning of a file.
#[derive(Default)]
struct Running {
    hasher: Hasher,
    size: u64,
    buffer: Vec<u8>,
}

impl Running {
    /// Goes on by so many bytes, or to the end of the file.
    fn read(&mut self, file: &File, n_bytes: u64, progress: &Progress) -> Result<(), Error> {
        // Small enough to stay in the nearest cache between the reading and the hashing.
        self.buffer.resize(BUFFER, 0);
        let mut n_left = n_bytes;
        while n_left > 0 {
            let n_wanted = usize::try_from(n_left).unwrap_or(BUFFER).min(BUFFER);
            let n_read = match file.read_at(&mut self.buffer[..n_wanted], self.size) {
                Ok(0) => return Ok(()),
                Ok(n_read) => n_read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.hasher.update(&self.buffer[..n_read]);
            progress.pass(n_read as u64);
            self.size += n_read as u64;
            n_left -= n_read as u64;
        }
        Ok(())
    }

    fn finish(self) -> (Md5, u64) {
        let digest = <[u8; 16]>::from(self.hasher.finalize());
        (digest.into(), self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_have_their_digest() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        for n_bytes in [0, 1, PIECE, PIECE * 3 + 17] {
            let bytes: Vec<u8> = (0..n_bytes).map(|index| (index % 251) as u8).collect();
            std::fs::write(&from, &bytes).unwrap();
            let mut options = File::options();
            let options = options.read(true).write(true).create(true).truncate(true);
            let progress = Progress::default();
            let opened = options.open(&to).unwrap();
            let done = copy(&File::open(&from).unwrap(), &opened, &progress).unwrap();
            assert_eq!(done, (Md5::of(&bytes), n_bytes));
            assert!(std::fs::read(&to).unwrap() == bytes);
            assert_eq!(progress.counts().n_bytes, n_bytes);
        }
    }

    #[test]
    fn files_are_hashed_whatever_size_they_were_said_to_have() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let bytes = vec![7; 3000];
        std::fs::write(&path, &bytes).unwrap();
        for said in [0, 2999, 3000, 5000, SMALL + 1] {
            let file = File::open(&path).unwrap();
            let hashed = hash(&file, said, &Progress::default()).unwrap();
            assert_eq!(hashed, (Md5::of(&bytes), 3000), "{said}");
        }
    }

    #[test]
    fn a_full_disk_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, vec![0; 100_000]).unwrap();
        let full = File::options().read(true).write(true).open("/dev/full");
        let done = copy(
            &File::open(&path).unwrap(),
            &full.unwrap(),
            &Progress::default(),
        );
        assert_eq!(done.unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
