//! Digests of files that have not changed since they were read.
//!
//! Kept in `.dvc/tmp/everloop/known`, which may be deleted at any time. After a first line with the version, each record is
//! `MD5 size mtime_ns inode path`, ended by a zero byte, because a path may hold anything else.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use everloop_artifacts::write_atomically;

use crate::links::temporary;
use crate::md5::Md5;

const VERSION: &str = "everloop known digests 1";

/// A second change within the clock's grain would not show: what is younger is not remembered.
const GRAIN_NS: i128 = 2_000_000_000;

/// Remembered digests.
#[derive(Debug)]
pub(crate) struct Known {
    file: PathBuf,
    files: HashMap<String, (Stamp, Md5)>,
    is_changed: bool,
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified_ns: i128,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let seconds = i128::from(metadata.mtime());
        Self {
            size: metadata.len(),
            modified_ns: seconds * 1_000_000_000 + i128::from(metadata.mtime_nsec()),
            inode: metadata.ino(),
        }
    }
}

impl Known {
    /// Reads what was remembered; what is absent or damaged is forgotten.
    pub(crate) fn load(dir: &Path) -> Self {
        let file = dir.join("known");
        let text = fs::read_to_string(&file).unwrap_or_default();
        Self {
            files: parse(&text),
            file,
            is_changed: false,
        }
    }

    /// The digest of a file that has not changed. Paths are relative to the root.
    pub(crate) fn get(&self, path: &str, metadata: &Metadata) -> Option<Md5> {
        let (stamp, md5) = self.files.get(path)?;
        (*stamp == Stamp::of(metadata)).then_some(*md5)
    }

    /// Remembers digests of files as they were when they were read.
    pub(crate) fn add<'a>(&mut self, files: impl Iterator<Item = (&'a str, &'a Metadata, Md5)>) {
        let Some(now_ns) = self.now_ns() else {
            return;
        };
        for (path, metadata, md5) in files {
            let stamp = Stamp::of(metadata);
            if now_ns - stamp.modified_ns > GRAIN_NS {
                self.files.insert(path.to_owned(), (stamp, md5));
                self.is_changed = true;
            }
        }
    }

    /// Writes what is remembered, if it changed. That it cannot be written costs time, and nothing else.
    pub(crate) fn save(&mut self) {
        if !self.is_changed {
            return;
        }
        let mut text = format!("{VERSION}\n");
        for (path, (stamp, md5)) in &self.files {
            let Stamp {
                size,
                modified_ns,
                inode,
            } = stamp;
            let _ = write!(text, "{md5} {size} {modified_ns} {inode} {path}\0");
        }
        if write_atomically(&self.file, text.as_bytes()).is_ok() {
            self.is_changed = false;
        }
    }

    /// The file system's idea of now; without it nothing is remembered.
    fn now_ns(&self) -> Option<i128> {
        let dir = self.file.parent()?;
        fs::create_dir_all(dir).ok()?;
        let probe = temporary(dir);
        let metadata = fs::File::create_new(&probe).and_then(|file| file.metadata());
        let _ = fs::remove_file(&probe);
        Some(Stamp::of(&metadata.ok()?).modified_ns)
    }
}

fn parse(text: &str) -> HashMap<String, (Stamp, Md5)> {
    let Some((VERSION, records)) = text.split_once('\n') else {
        return HashMap::new();
    };
    records.split_terminator('\0').filter_map(record).collect()
}

fn record(text: &str) -> Option<(String, (Stamp, Md5))> {
    let mut words = text.splitn(5, ' ');
    let md5 = words.next()?.parse().ok()?;
    let stamp = Stamp {
        size: words.next()?.parse().ok()?,
        modified_ns: words.next()?.parse().ok()?,
        inode: words.next()?.parse().ok()?,
    };
    Some((words.next()?.to_owned(), (stamp, md5)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settled_files_are_remembered_until_they_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a\nb c");
        fs::write(&path, "x").unwrap();
        let file = fs::File::options().append(true).open(&path).unwrap();
        let age = std::time::Duration::from_secs(1000);
        file.set_modified(std::time::UNIX_EPOCH + age).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        let (md5, name) = (Md5::of(b"x"), "d/a\nb c");
        let mut known = Known::load(dir.path());
        known.add([(name, &metadata, md5)].into_iter());
        known.save();
        let known = Known::load(dir.path());
        assert_eq!(known.get(name, &metadata), Some(md5));
        file.set_modified(std::time::UNIX_EPOCH + age * 2).unwrap();
        assert_eq!(known.get(name, &fs::metadata(&path).unwrap()), None);
    }

    #[test]
    fn young_files_and_damaged_memories_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "x").unwrap();
        let metadata = fs::metadata(&path).unwrap();
        let mut known = Known::load(dir.path());
        known.add([("a", &metadata, Md5::of(b"x"))].into_iter());
        assert_eq!(known.get("a", &metadata), None);
        for text in ["", "x", "everloop known digests 1\nz 1 2 3\0\0 1"] {
            fs::write(dir.path().join("known"), text).unwrap();
            assert!(Known::load(dir.path()).files.is_empty(), "{text}");
        }
    }
}
