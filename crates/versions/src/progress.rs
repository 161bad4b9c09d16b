//! How far work has come.
//!
//! Whoever works counts here; whoever shows it looks at any time, from another thread. Nothing is printed here, and no clock is read.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of files and bytes, of the work that is being done.
#[derive(Debug, Default)]
pub struct Progress {
    found: AtomicU64,
    expected: AtomicU64,
    done: AtomicU64,
    bytes: AtomicU64,
    bytes_expected: AtomicU64,
}

/// The counts at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files that were found so far, while a directory is searched.
    pub n_found: u64,
    /// Files that are to be worked on, as far as it is known; it may still grow.
    pub n_expected: u64,
    /// Those of them that are done.
    pub n_done: u64,
    /// Bytes of those files that are to be worked on, where it is known.
    pub n_bytes_expected: u64,
    /// Bytes that were read or written so far.
    pub n_bytes: u64,
}

impl Progress {
    /// The counts now. Each is right, but they may be of slightly different times.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            n_found: now(&self.found),
            n_expected: now(&self.expected),
            n_done: now(&self.done),
            n_bytes_expected: now(&self.bytes_expected),
            n_bytes: now(&self.bytes),
        }
    }

    /// So many files were found.
    pub(crate) fn find(&self, n_files: usize) {
        self.found.fetch_add(n_files as u64, Ordering::Relaxed);
    }

    /// So much is to be done, too.
    pub(crate) fn expect(&self, n_files: usize, n_bytes: u64) {
        self.expected.fetch_add(n_files as u64, Ordering::Relaxed);
        self.bytes_expected.fetch_add(n_bytes, Ordering::Relaxed);
    }

    /// A file is done.
    pub(crate) fn finish(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes were read or written.
    pub(crate) fn pass(&self, n_bytes: u64) {
        self.bytes.fetch_add(n_bytes, Ordering::Relaxed);
    }
}
