//! Digests of files, and copies made on the way.
//!
//! MD5 of one stream cannot be divided: a large file takes as long as its digest does. All else, reading and writing, is done by
//! another thread meanwhile.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use md5::{Digest as _, Md5 as Hasher};

use crate::md5::Md5;
use crate::progress::Progress;

/// Files up to this size are read at once.
pub(crate) const SMALL: u64 = 1 << 18;

const CHUNK: usize = 1 << 19;
const N_CHUNKS: usize = 4;

/// All bytes of a small file that is said to have `size` of them; one more, if it has more.
pub(crate) fn read_small(file: &File, size: u64) -> Result<Vec<u8>, Error> {
    // Space beyond the end, so that the end is seen without growing.
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 64);
    let mut file = file.take(size + 1);
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The digest and the size of a file.
pub(crate) fn hash(file: &File, size: u64, progress: &Progress) -> Result<(Md5, u64), Error> {
    if size > SMALL {
        return copy(file, std::io::sink(), progress);
    }
    let bytes = read_small(file, size)?;
    progress.pass(bytes.len() as u64);
    if bytes.len() as u64 > size {
        // It has grown since; whether that matters, the caller decides.
        let (mut hasher, mut rest) = (Hasher::new(), file);
        hasher.update(&bytes);
        let n_more = std::io::copy(&mut rest, &mut Sum(&mut hasher))?;
        let size = bytes.len() as u64 + n_more;
        return Ok((<[u8; 16]>::from(hasher.finalize()).into(), size));
    }
    Ok((Md5::of(&bytes), bytes.len() as u64))
}

/// Copies all of `from` to `to` and gives the digest of what was written, and its size.
pub(crate) fn copy(
    from: impl Read + Send,
    to: impl Write + Send,
    progress: &Progress,
) -> Result<(Md5, u64), Error> {
    let (filled, to_hash) = sync_channel(N_CHUNKS);
    let (hashed, to_fill) = sync_channel(N_CHUNKS);
    std::thread::scope(|scope| {
        let work = scope.spawn(move || transport(from, to, &to_fill, &filled));
        let mut hasher = Hasher::new();
        let mut size = 0;
        for _ in 0..N_CHUNKS {
            // Nobody waits for these: there is space for all.
            let _ = hashed.send(vec![0; CHUNK]);
        }
        for (chunk, n_read) in to_hash {
            let bytes: &[u8] = &chunk;
            hasher.update(&bytes[..n_read]);
            size += n_read as u64;
            progress.pass(n_read as u64);
            // After an error nobody takes it.
            let _ = hashed.send(chunk);
        }
        match work.join() {
            Ok(done) => done?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok((<[u8; 16]>::from(hasher.finalize()).into(), size))
    })
}

/// Reads chunks, writes them and passes them on.
fn transport(
    mut from: impl Read,
    mut to: impl Write,
    empty: &Receiver<Vec<u8>>,
    full: &SyncSender<(Vec<u8>, usize)>,
) -> Result<(), Error> {
    for mut chunk in empty {
        let n_read = match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(n_read) => n_read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(&chunk[..n_read])?;
        if full.send((chunk, n_read)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// What is written goes into a digest.
struct Sum<'a>(&'a mut Hasher);

impl Write for Sum<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_have_their_digest() {
        for n_bytes in [0, 1, CHUNK, CHUNK * 9 + 17] {
            let bytes: Vec<u8> = (0..n_bytes).map(|index| (index % 251) as u8).collect();
            let mut written = Vec::new();
            let progress = Progress::default();
            let done = copy(&bytes[..], &mut written, &progress).unwrap();
            assert_eq!(done, (Md5::of(&bytes), n_bytes as u64));
            assert!(written == bytes);
            assert_eq!(progress.counts().n_bytes, n_bytes as u64);
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
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> Result<usize, Error> {
                Err(ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> Result<(), Error> {
                Ok(())
            }
        }
        let bytes = vec![0; CHUNK * 9];
        let error = copy(&bytes[..], Full, &Progress::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }
}
