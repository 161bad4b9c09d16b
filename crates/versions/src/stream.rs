//! Digests of files, and copies made on the way.
//!
//! MD5 of one stream cannot be divided: a large file takes as long as its digest does. It is copied by another thread meanwhile.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use fast_md5::Md5 as Hasher;

use crate::md5::Md5;
use crate::progress::Progress;

/// Files up to this size are read at once.
pub(crate) const SMALL: u64 = 1 << 18;

/// Small enough to stay in the nearest cache between the reading and the hashing.
const BUFFER: usize = 1 << 16;
const PIECE: usize = 1 << 18;
/// So many pieces may be copied and not hashed yet.
const N_AHEAD: usize = 16;

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
    let mut running = Running::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read_at(&mut buffer, running.size) {
            Ok(0) => return Ok(running.finish()),
            Ok(n_read) => running.add(&buffer[..n_read], progress),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Copies all of `from` to `to`, and gives the digest of what was written, and its size.
///
/// Each piece is read once, then written and hashed: whoever writes to `from` meanwhile, what is kept is what was hashed.
pub(crate) fn copy(from: &File, to: &File, progress: &Progress) -> Result<(Md5, u64), Error> {
    let (written, to_hash) = sync_channel(N_AHEAD);
    let (hashed, to_fill) = channel();
    std::thread::scope(|scope| {
        let work = scope.spawn(move || transport((from, to), &to_fill, &written));
        let mut running = Running::new();
        for (buffer, n_bytes) in to_hash {
            running.add(&buffer[..n_bytes], progress);
            // After an error nobody wants it back.
            let _ = hashed.send(buffer);
        }
        match work.join() {
            Ok(done) => done?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok(running.finish())
    })
}

/// Copies piece by piece, and passes on what was written. Buffers that come back are filled again.
fn transport(
    (mut from, mut to): (&File, &File),
    hashed: &Receiver<Vec<u8>>,
    written: &SyncSender<(Vec<u8>, usize)>,
) -> Result<(), Error> {
    loop {
        let mut buffer = hashed.try_recv().unwrap_or_else(|_| vec![0; PIECE]);
        let n_bytes = match from.read(&mut buffer) {
            Ok(n_bytes) => n_bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(&buffer[..n_bytes])?;
        if n_bytes == 0 || written.send((buffer, n_bytes)).is_err() {
            return Ok(());
        }
    }
}

/// The digest of what has come so far.
struct Running {
    hasher: Hasher,
    size: u64,
}

impl Running {
    fn new() -> Self {
        Self {
            hasher: Hasher::new(),
            size: 0,
        }
    }

    fn add(&mut self, bytes: &[u8], progress: &Progress) {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        progress.pass(bytes.len() as u64);
    }

    fn finish(self) -> (Md5, u64) {
        (self.hasher.finalize().into(), self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_have_their_digest() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        for n_bytes in [0, 1, PIECE as u64, PIECE as u64 * 3 + 17] {
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
