//! Digests of files that have not changed since they were read.
//!
//! Kept in `.dvc/tmp/everloop/known`, which may be deleted at any time. After a first line with the version come records in the order
//! of their paths; numbers are little-endian:
//!
//! ```text
//! MD5 (16 bytes)  size (8)  mtime_ns (8)  inode (8)  length of the path (4)  path
//! ```

use std::cmp::Ordering;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::links::temporary;
use crate::md5::Md5;
use crate::progress::Progress;
use crate::whole::write_whole;

const VERSION: &[u8] = b"everloop known digests 2\n";

/// A second change within the clock's grain would not show: what is younger is not remembered. Systems with fine clocks show a
/// fraction of a second, and those take a tick of the kernel for now.
const COARSE_GRAIN_NS: i64 = 2_000_000_000;
const FINE_GRAIN_NS: i64 = 50_000_000;
const FINEST_COARSE_NS: i64 = 10_000_000;

/// So many bytes take longer to read than the finer grain lasts.
const WORTH_WAITING: u64 = 64 << 20;

/// Remembered digests.
#[derive(Debug)]
pub(crate) struct Known {
    file: PathBuf,
    /// Records by age; each block has at least twice as many bytes as the next, so that there are few.
    blocks: Vec<Block>,
    is_changed: bool,
    /// Where those count who look at files.
    pub(crate) progress: Arc<Progress>,
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) size: u64,
    modified_ns: i64,
    pub(crate) inode: u64,
}

/// The file system's idea of a time at which files had not been read yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before(i64);

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let seconds = metadata.mtime().wrapping_mul(1_000_000_000);
        Self {
            size: metadata.len(),
            modified_ns: seconds.wrapping_add(metadata.mtime_nsec()),
            inode: metadata.ino(),
        }
    }

    /// Whether a change after that time would show.
    fn is_settled(&self, before: Before) -> bool {
        self.settles_in(before) < 0
    }

    /// After how many nanoseconds from that time on a change would show.
    fn settles_in(&self, Before(now_ns): Before) -> i64 {
        let is_coarse = self.modified_ns % FINEST_COARSE_NS == 0;
        let grain = if is_coarse {
            COARSE_GRAIN_NS
        } else {
            FINE_GRAIN_NS
        };
        grain.saturating_sub(now_ns.saturating_sub(self.modified_ns))
    }
}

impl Known {
    /// Reads what was remembered; what is absent or damaged is forgotten.
    pub(crate) fn load(dir: &Path) -> Self {
        let file = dir.join("known");
        let text = fs::read(&file).unwrap_or_default();
        Self {
            blocks: Block::parse(text).into_iter().collect(),
            file,
            is_changed: false,
            progress: Arc::default(),
        }
    }

    /// The same, which counts there.
    pub(crate) fn counting(self, progress: &Arc<Progress>) -> Self {
        Self {
            progress: progress.clone(),
            ..self
        }
    }

    /// The digest of a file that has not changed. Paths are relative to the root; asking in their order is fastest.
    pub(crate) fn get(&mut self, path: &str, stamp: &Stamp) -> Option<Md5> {
        let mut blocks = self.blocks.iter_mut().rev();
        let (known, md5) = blocks.find_map(|block| block.get(path.as_bytes()))?;
        (known == *stamp).then_some(md5)
    }

    /// To be asked before files are read whose digests are to be remembered; without it nothing is.
    pub(crate) fn before(&self) -> Option<Before> {
        let dir = self.file.parent()?;
        fs::create_dir_all(dir).ok()?;
        let probe = temporary(dir);
        let metadata = fs::File::create_new(&probe).and_then(|file| file.metadata());
        let _ = fs::remove_file(&probe);
        Some(Before(Stamp::of(&metadata.ok()?).modified_ns))
    }

    /// As [`Self::before`], for files that are about to be read. Where those are large and were written just now, a moment
    /// passes first: their digests could not be remembered otherwise, and all of it would be read again the next time.
    pub(crate) fn before_reading(&self, stamps: impl Iterator<Item = Stamp>) -> Option<Before> {
        let before = self.before()?;
        let (mut n_bytes, mut wait_ns) = (0, 0);
        for stamp in stamps {
            let left = stamp.settles_in(before);
            // A longer one is of a coarse clock, or of one that is ahead.
            if (0..=FINE_GRAIN_NS).contains(&left) {
                n_bytes += stamp.size;
                wait_ns = wait_ns.max(left);
            }
        }
        if n_bytes < WORTH_WAITING {
            return Some(before);
        }
        let tick_ns = FINEST_COARSE_NS;
        let wait_ns = u64::try_from(wait_ns + tick_ns).unwrap_or(0);
        std::thread::sleep(Duration::from_nanos(wait_ns));
        self.before()
    }

    /// Remembers digests of files as they were when they were read, in the order of their paths. `give` passes on what is to be
    /// remembered of an item: its path, stamp and digest.
    pub(crate) fn add<T>(
        &mut self,
        before: Option<Before>,
        items: impl Iterator<Item = T>,
        mut give: impl FnMut(T, &mut dyn FnMut(&str, Stamp, Md5)),
    ) {
        let Some(before) = before else { return };
        let mut block = Block::default();
        let mut add = |path: &str, stamp: Stamp, md5| {
            if stamp.is_settled(before) {
                block.push(path.as_bytes(), stamp, md5);
            }
        };
        for item in items {
            give(item, &mut add);
        }
        if block.starts.is_empty() {
            return;
        }
        self.is_changed = true;
        self.blocks.push(block);
        while let [.., older, newer] = self.blocks.as_slice()
            && older.bytes.len() < newer.bytes.len() * 2
        {
            self.merge_last();
        }
    }

    /// Writes what is remembered, if it changed. That it cannot be written costs time, and nothing else.
    pub(crate) fn save(&mut self) {
        if !self.is_changed {
            return;
        }
        while self.blocks.len() > 1 {
            self.merge_last();
        }
        let bytes = self.blocks.first().map_or(VERSION, |block| &block.bytes);
        if write_whole(&self.file, bytes).is_ok() {
            self.is_changed = false;
        }
    }

    fn merge_last(&mut self) {
        if let (Some(newer), Some(older)) = (self.blocks.pop(), self.blocks.pop()) {
            self.blocks.push(older.merge(&newer));
        }
    }
}

/// Records in the order of their paths, as they are written.
#[derive(Debug)]
struct Block {
    bytes: Vec<u8>,
    /// Where each record starts.
    starts: Vec<usize>,
    /// The record after the one that was found last.
    next: usize,
}

/// Bytes of a record before its path.
const HEAD: usize = 16 + 8 + 8 + 8 + 4;

impl Default for Block {
    fn default() -> Self {
        Self {
            bytes: VERSION.to_vec(),
            starts: Vec::new(),
            next: 0,
        }
    }
}

impl Block {
    fn parse(bytes: Vec<u8>) -> Option<Self> {
        let mut block = Self {
            bytes,
            ..Self::default()
        };
        let mut start = VERSION.len();
        if !block.bytes.starts_with(VERSION) {
            return None;
        }
        while start < block.bytes.len() {
            let length = block.bytes.get(start + HEAD - 4..start + HEAD)?;
            let length = u32::from_le_bytes(length.try_into().ok()?);
            let end = start + HEAD + usize::try_from(length).ok()?;
            let path = block.bytes.get(start + HEAD..end)?;
            let last = block.starts.last();
            if last.is_some_and(|last| block.path_at(*last) >= path) {
                return None;
            }
            block.starts.push(start);
            start = end;
        }
        Some(block)
    }

    fn push(&mut self, path: &[u8], stamp: Stamp, md5: Md5) {
        // Such a path no system has; it is not remembered.
        let Ok(length) = u32::try_from(path.len()) else {
            return;
        };
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(md5.as_bytes());
        self.bytes.extend_from_slice(&stamp.size.to_le_bytes());
        self.bytes
            .extend_from_slice(&stamp.modified_ns.to_le_bytes());
        self.bytes.extend_from_slice(&stamp.inode.to_le_bytes());
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(path);
    }

    /// The path of a record that is known to be there.
    fn path_at(&self, start: usize) -> &[u8] {
        let length = &self.bytes[start + HEAD - 4..start + HEAD];
        let length = length
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        &self.bytes[start + HEAD..start + HEAD + length]
    }

    fn path(&self, index: usize) -> Option<&[u8]> {
        self.starts.get(index).map(|start| self.path_at(*start))
    }

    fn get(&mut self, path: &[u8]) -> Option<(Stamp, Md5)> {
        let index = if self.path(self.next) == Some(path) {
            self.next
        } else {
            let found = self
                .starts
                .binary_search_by(|start| self.path_at(*start).cmp(path));
            // What comes after it in order may well be asked for next.
            self.next = found.unwrap_or_else(|place| place);
            found.ok()?
        };
        self.next = index + 1;
        let start = self.starts[index];
        let number = |offset: usize| -> Option<[u8; 8]> {
            let bytes = self.bytes.get(start + offset..start + offset + 8)?;
            bytes.try_into().ok()
        };
        let stamp = Stamp {
            size: u64::from_le_bytes(number(16)?),
            modified_ns: i64::from_le_bytes(number(24)?),
            inode: u64::from_le_bytes(number(32)?),
        };
        let md5: [u8; 16] = self.bytes.get(start..start + 16)?.try_into().ok()?;
        Some((stamp, md5.into()))
    }

    /// The records of both; of a path that both have the newer one.
    fn merge(self, newer: &Self) -> Self {
        if newer.path(0) > self.starts.last().map(|last| self.path_at(*last)) {
            return self.followed_by(newer);
        }
        let mut merged = Self::default();
        merged.bytes.reserve(self.bytes.len() + newer.bytes.len());
        merged
            .starts
            .reserve(self.starts.len() + newer.starts.len());
        let (mut left, mut right) = (0, 0);
        loop {
            let order = match (self.path(left), newer.path(right)) {
                (None, None) => return merged,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(left), Some(right)) => left.cmp(right),
            };
            if order.is_lt() {
                merged.copy(&self, left);
            } else {
                merged.copy(newer, right);
            }
            left += usize::from(order.is_le());
            right += usize::from(order.is_ge());
        }
    }

    /// All paths of the other come after those here.
    fn followed_by(mut self, newer: &Self) -> Self {
        let shift = self.bytes.len() - VERSION.len();
        self.bytes.extend_from_slice(&newer.bytes[VERSION.len()..]);
        self.starts
            .extend(newer.starts.iter().map(|start| start + shift));
        self
    }

    fn copy(&mut self, from: &Self, index: usize) {
        let start = from.starts[index];
        let end = from.starts.get(index + 1);
        let end = end.copied().unwrap_or(from.bytes.len());
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(&from.bytes[start..end]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(size: u64) -> Stamp {
        Stamp {
            size,
            modified_ns: 1,
            inode: 2,
        }
    }

    fn remember(known: &mut Known, names: &[&str], size: u64) {
        let before = Some(Before(i64::MAX));
        let md5 = Md5::of(&size.to_le_bytes());
        known.add(before, names.iter(), |name, add| {
            add(name, stamp(size), md5);
        });
    }

    #[test]
    fn settled_files_are_remembered_until_they_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a\nb c");
        fs::write(&path, "x").unwrap();
        let file = fs::File::options().append(true).open(&path).unwrap();
        let age = std::time::Duration::from_secs(1000);
        file.set_modified(std::time::UNIX_EPOCH + age).unwrap();
        let seen = || Stamp::of(&fs::metadata(&path).unwrap());
        let (md5, name) = (Md5::of(b"x"), "d/a\nb c");
        let mut known = Known::load(dir.path());
        known.add(known.before(), std::iter::once(name), |name, add| {
            add(name, seen(), md5);
        });
        known.save();
        let mut known = Known::load(dir.path());
        assert_eq!(known.get(name, &seen()), Some(md5));
        file.set_modified(std::time::UNIX_EPOCH + age * 2).unwrap();
        assert_eq!(known.get(name, &seen()), None);
    }

    #[test]
    fn young_files_and_damaged_memories_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let mut known = Known::load(dir.path());
        let before = known.before();
        fs::write(&path, "x").unwrap();
        let seen = Stamp::of(&fs::metadata(&path).unwrap());
        known.add(before, std::iter::once("a"), |name, add| {
            add(name, seen, Md5::of(b"x"));
        });
        assert_eq!(known.get("a", &seen), None);
        remember(&mut known, &["a", "b"], 1);
        known.save();
        let whole = fs::read(dir.path().join("known")).unwrap();
        for length in 0..whole.len() {
            fs::write(dir.path().join("known"), &whole[..length]).unwrap();
            let known = Known::load(dir.path());
            let n_records = known.blocks.first().map_or(0, |block| block.starts.len());
            assert!(n_records < 2, "{length}");
        }
        for damage in [&b"everloop known digests 1\n"[..], b"", b"x"] {
            fs::write(dir.path().join("known"), damage).unwrap();
            assert!(Known::load(dir.path()).blocks.is_empty());
        }
        // Out of order, nothing would be found.
        let record = &whole[VERSION.len()..];
        fs::write(dir.path().join("known"), [VERSION, record, record].concat()).unwrap();
        assert!(Known::load(dir.path()).blocks.is_empty());
    }

    #[test]
    fn large_files_are_read_when_they_have_settled() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let known = Known::load(dir.path());
        for (size, waits) in [(1, false), (WORTH_WAITING, true)] {
            let file = fs::File::create(&path).unwrap();
            file.set_len(size).unwrap();
            let seen = Stamp::of(&file.metadata().unwrap());
            let before = known.before_reading(std::iter::once(seen)).unwrap();
            let is_coarse = seen.modified_ns % FINEST_COARSE_NS == 0;
            assert!(seen.is_settled(before) || !waits || is_coarse);
        }
    }

    #[test]
    fn the_newest_of_many_memories_counts() {
        let dir = tempfile::tempdir().unwrap();
        let mut known = Known::load(dir.path());
        remember(&mut known, &["a", "b", "c", "d", "e"], 1);
        remember(&mut known, &["b", "d0"], 2);
        remember(&mut known, &["b"], 3);
        remember(&mut known, &["f"], 3);
        let expected = [
            ("a", 1),
            ("b", 3),
            ("c", 1),
            ("d", 1),
            ("d0", 2),
            ("e", 1),
            ("f", 3),
        ];
        for _ in 0..2 {
            for (name, size) in expected.iter().chain(expected.iter().rev()) {
                let md5 = Md5::of(&u64::to_le_bytes(*size));
                assert_eq!(known.get(name, &stamp(*size)), Some(md5), "{name}");
            }
            assert_eq!(known.get("b", &stamp(2)), None);
            assert_eq!(known.get("b0", &stamp(2)), None);
            known.save();
            known = Known::load(dir.path());
        }
        assert_eq!(known.blocks[0].starts.len(), expected.len());
    }
}
