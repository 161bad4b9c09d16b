//! Digests of files, remembered while size, time and inode stay the same.
//!
//! A file that was changed within two seconds before it was hashed is not remembered and is hashed again next time: a
//! second change within the clock's grain would not show. The present is that of the file system, because the clocks of
//! a file server and of this machine differ; so a file of the future is never remembered. What is not seen is a change
//! that keeps the size and puts the time back on purpose.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use everloop_domain::Digest;
use serde::{Deserialize, Serialize};

use crate::files::{digest_file, temporary_file};
use crate::{Error, write_atomically};

const VERSION: u32 = 1;
const GRAIN_NS: i128 = 2_000_000_000;

/// Remembered digests.
#[derive(Debug)]
pub struct FileDigests {
    file: PathBuf,
    known: BTreeMap<PathBuf, Known>,
    is_changed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    size: u64,
    modified_ns: i128,
    inode: u64,
    digest: Digest,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    files: BTreeMap<PathBuf, Known>,
}

impl FileDigests {
    /// Reads what was remembered; a file that is absent, damaged or of another version is forgotten.
    ///
    /// # Errors
    ///
    /// Fails if the file is there and cannot be read.
    pub fn load(file: &Path) -> Result<Self, Error> {
        let text = match fs::read(file) {
            Ok(text) => text,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(Error::file("read", file, source)),
        };
        let known = serde_json::from_slice::<Stored>(&text)
            .ok()
            .filter(|stored| stored.version == VERSION)
            .map(|stored| stored.files)
            .unwrap_or_default();
        Ok(Self {
            file: file.to_owned(),
            known,
            is_changed: false,
        })
    }

    /// The digest of a file.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub fn digest(&mut self, path: &Path) -> Result<Digest, Error> {
        let digests = self.digest_all(&[path], 1)?;
        // One path, one digest.
        digests
            .first()
            .copied()
            .ok_or_else(|| Error::file("read", path, std::io::ErrorKind::NotFound.into()))
    }

    /// The digests of files, in their order. Those that must be read are read on `n_threads` threads.
    ///
    /// # Errors
    ///
    /// Fails if one cannot be read: with the error of the first in order.
    pub fn digest_all<P: AsRef<Path>>(
        &mut self,
        paths: &[P],
        n_threads: usize,
    ) -> Result<Vec<Digest>, Error> {
        let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
        let mut digests = vec![None; paths.len()];
        let mut unknown = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            let metadata =
                fs::metadata(path).map_err(|source| Error::file("read", path, source))?;
            digests[index] = self.known.get(*path).and_then(|known| known.of(&metadata));
            if digests[index].is_none() {
                unknown.push((index, *path, metadata));
            }
        }
        if !unknown.is_empty() {
            self.is_changed = true;
            let now_ns = newest_ns(&self.file);
            for (index, known, is_settled) in hash_all(&unknown, now_ns, n_threads)? {
                digests[index] = Some(known.digest);
                if is_settled {
                    self.known.insert(paths[index].to_owned(), known);
                } else {
                    self.known.remove(paths[index]);
                }
            }
        }
        Ok(digests.into_iter().flatten().collect())
    }

    /// Writes what is remembered of files that still exist, if it has changed.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub fn save(&mut self) -> Result<(), Error> {
        if !self.is_changed {
            return Ok(());
        }
        // Paths that are no Unicode have no place in JSON, and files that are gone none in memory.
        self.known
            .retain(|path, _| path.to_str().is_some() && path.exists());
        let stored = Stored {
            version: VERSION,
            files: self.known.clone(),
        };
        let text = serde_json::to_vec(&stored).unwrap_or_default();
        write_atomically(&self.file, &text)?;
        self.is_changed = false;
        Ok(())
    }
}

impl Known {
    fn new(metadata: &Metadata, digest: Digest) -> Self {
        Self {
            size: metadata.len(),
            modified_ns: modified_ns(metadata),
            inode: metadata.ino(),
            digest,
        }
    }

    /// The digest, if it is still that of the file.
    fn of(&self, metadata: &Metadata) -> Option<Digest> {
        let is_same = (self.size, self.modified_ns, self.inode)
            == (metadata.len(), modified_ns(metadata), metadata.ino());
        is_same.then_some(self.digest)
    }
}

/// Hashes files on several threads. Gives each index with what is to be remembered, and whether it may be: not if the
/// file changed while it was read, or so shortly before `now_ns` that a second change would not show.
fn hash_all(
    files: &[(usize, &Path, Metadata)],
    now_ns: Option<i128>,
    n_threads: usize,
) -> Result<Vec<(usize, Known, bool)>, Error> {
    let n_threads = n_threads.clamp(1, files.len().max(1));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut hashed = Vec::new();
        while let Some((index, path, before)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            hashed.push((*index, hash(path, before, now_ns)));
        }
        hashed
    };
    let mut hashed: Vec<_> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..n_threads).map(|_| scope.spawn(work)).collect();
        let mut hashed = work();
        hashed.extend(
            others
                .into_iter()
                .filter_map(|thread| thread.join().ok())
                .flatten(),
        );
        hashed
    });
    hashed.sort_by_key(|(index, _)| *index);
    hashed
        .into_iter()
        .map(|(index, result)| result.map(|(known, is_settled)| (index, known, is_settled)))
        .collect()
}

fn hash(path: &Path, before: &Metadata, now_ns: Option<i128>) -> Result<(Known, bool), Error> {
    let hashed = digest_file(path).and_then(|digest| Ok((digest, fs::metadata(path)?)));
    let (digest, after) = hashed.map_err(|source| Error::file("read", path, source))?;
    let known = Known::new(&after, digest);
    let is_settled = now_ns.is_some_and(|now_ns| now_ns - known.modified_ns > GRAIN_NS);
    let is_untouched = known.of(before).is_some();
    Ok((known, is_settled && is_untouched))
}

fn modified_ns(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

/// The file system's idea of now: the time of a file that was just made beside the store. Without it nothing is
/// remembered.
fn newest_ns(beside: &Path) -> Option<i128> {
    let (file, probe) = temporary_file(beside).ok()?;
    let metadata = file.metadata();
    // It has told what it was made for; a leftover is in nobody's way.
    let _ = fs::remove_file(probe);
    metadata.ok().map(|metadata| modified_ns(&metadata))
}

#[cfg(test)]
mod tests;
