//! The words of a command in a file that cannot fill the disk.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// So much of the beginning is kept, in bytes, and is in the file as soon as it is said.
const MAX_HEAD: u64 = 32 << 20;
/// So much of the end is kept if there was more, in bytes.
const MAX_TAIL: usize = 1 << 20;

/// A log file: the beginning of an output, and its end if it is too long.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    max_head: u64,
    max_tail: usize,
    n_head: u64,
    tail: VecDeque<u8>,
    n_left_out: u64,
}

impl Log {
    /// Makes the file anew.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::create(path)?,
            max_head: MAX_HEAD,
            max_tail: MAX_TAIL,
            n_head: 0,
            tail: VecDeque::new(),
            n_left_out: 0,
        })
    }

    /// Takes up an output until its end.
    pub(super) async fn follow(&mut self, mut output: impl AsyncRead + Unpin) {
        let mut bytes = vec![0; 1 << 16];
        loop {
            // An output that cannot be read has ended; a log that cannot be written must not end the command.
            match output.read(&mut bytes).await {
                Ok(n_read) if n_read > 0 => drop(self.push(&bytes[..n_read])),
                _ => return,
            }
        }
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = usize::try_from(self.max_head - self.n_head).unwrap_or(usize::MAX);
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.n_head += head.len() as u64;
        self.tail.extend(rest);
        let n_over = self.tail.len().saturating_sub(self.max_tail);
        self.tail.drain(..n_over);
        self.n_left_out += n_over as u64;
        self.file.write_all(head)
    }

    /// Writes the end.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.n_left_out > 0 {
            let note = format!("\n… {} bytes are left out here …\n", self.n_left_out);
            self.file.write_all(note.as_bytes())?;
        }
        let (first, second) = self.tail.as_slices();
        self.file.write_all(first)?;
        self.file.write_all(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginning_and_end_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let check = |words: &[&str], expected: &str| {
            let mut log = Log {
                max_head: 4,
                max_tail: 3,
                ..Log::create(&path).unwrap()
            };
            for word in words {
                log.push(word.as_bytes()).unwrap();
            }
            log.finish().unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        };
        check(&["ab"], "ab");
        check(&["abcd", "efg"], "abcdefg");
        check(
            &["abc", "defgh", "ijk"],
            "abcd\n… 4 bytes are left out here …\nijk",
        );
    }
}
