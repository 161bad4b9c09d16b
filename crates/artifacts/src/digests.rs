//! Digests of files, remembered while size, time and inode stay the same.
//!
//! A file that was changed within two seconds before it was hashed is hashed again next time: a second change within
//! the clock's grain would not show.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use everloop_domain::{Digest, DigestBuilder};
use serde::{Deserialize, Serialize};

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
        let read = |source| Error::file("read", path, source);
        let before = fs::metadata(path).map_err(read)?;
        if let Some(known) = self.known.get(path)
            && known.describes(&before)
        {
            return Ok(known.digest);
        }
        let digest = hash(path).map_err(read)?;
        let after = fs::metadata(path).map_err(read)?;
        let known = Known::new(&after, digest);
        let hashed_ns = newest_ns(&self.file);
        // A file that changed while it was read, or just before, is not remembered.
        let is_settled = known.describes(&before)
            && hashed_ns.is_none_or(|now| now - known.modified_ns > GRAIN_NS);
        self.is_changed = true;
        if is_settled {
            self.known.insert(path.to_owned(), known);
        } else {
            self.known.remove(path);
        }
        Ok(digest)
    }

    /// Writes what is remembered, if it has changed.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub fn save(&mut self) -> Result<(), Error> {
        if !self.is_changed {
            return Ok(());
        }
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

    fn describes(&self, metadata: &Metadata) -> bool {
        (self.size, self.modified_ns, self.inode)
            == (metadata.len(), modified_ns(metadata), metadata.ino())
    }
}

fn modified_ns(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

/// The file system's idea of now: the time of a file that was just made beside the store.
fn newest_ns(beside: &Path) -> Option<i128> {
    let probe = crate::files::temporary(beside);
    let metadata = File::create(&probe).and_then(|file| file.metadata()).ok();
    // The probe may never have been made.
    let _ = fs::remove_file(&probe);
    metadata.map(|metadata| modified_ns(&metadata))
}

fn hash(path: &Path) -> Result<Digest, std::io::Error> {
    let mut file = File::open(path)?;
    let mut digest = DigestBuilder::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n_read = file.read(&mut buffer)?;
        if n_read == 0 {
            return Ok(digest.finish());
        }
        digest.update(&buffer[..n_read]);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    /// A file whose last change lies an hour back.
    fn old_file(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        let metadata = fs::metadata(path).unwrap();
        let hour_ago = metadata.modified().unwrap() - Duration::from_hours(1);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(hour_ago)
            .unwrap();
    }

    #[test]
    fn an_unchanged_file_is_not_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        old_file(&path, "one");
        let mut digests = FileDigests::load(&dir.path().join("digests.json")).unwrap();
        assert_eq!(digests.digest(&path).unwrap(), Digest::of("one"));
        digests.save().unwrap();
        let loaded = FileDigests::load(&dir.path().join("digests.json")).unwrap();
        assert_eq!(loaded.known, digests.known);
        assert_eq!(loaded.known.len(), 1);
    }

    #[test]
    fn a_changed_file_is_hashed_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        old_file(&path, "one");
        let mut digests = FileDigests::load(&dir.path().join("digests.json")).unwrap();
        digests.digest(&path).unwrap();
        fs::write(&path, "two").unwrap();
        assert_eq!(digests.digest(&path).unwrap(), Digest::of("two"));
    }

    #[test]
    fn a_file_that_just_changed_is_not_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "one").unwrap();
        let mut digests = FileDigests::load(&dir.path().join("digests.json")).unwrap();
        digests.digest(&path).unwrap();
        assert!(digests.known.is_empty());
        // A change that leaves size and time as they were is seen all the same.
        let modified: SystemTime = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "two").unwrap();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(modified)
            .unwrap();
        assert_eq!(digests.digest(&path).unwrap(), Digest::of("two"));
    }

    #[test]
    fn a_damaged_memory_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("digests.json");
        fs::write(&file, "{half").unwrap();
        assert!(FileDigests::load(&file).unwrap().known.is_empty());
    }

    #[test]
    fn an_absent_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut digests = FileDigests::load(&dir.path().join("digests.json")).unwrap();
        let error = digests.digest(&dir.path().join("none")).unwrap_err();
        assert!(error.to_string().contains("none"), "{error}");
    }
}
