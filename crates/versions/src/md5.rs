//! MD5, which names objects in DVC's format and is used for nothing else.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek as _, Write};
use std::path::Path;
use std::str::FromStr;

use fast_md5::Md5 as Hasher;

/// The MD5 of bytes, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Md5([u8; 16]);

/// How the bytes of a file become its MD5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hashing {
    /// As they are.
    #[default]
    Plain,
    /// As DVC 2 did it: in text, `\r\n` counts as `\n`. Objects of this kind are read, and never made.
    Dos2Unix,
}

/// DVC 2 decided for each chunk of this size anew whether it is text, by its first bytes.
const CHUNK: usize = 1 << 20;
const N_PROBED: usize = 512;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Names an object: the bytes of a file, or the listing of a directory (`.dir`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// The digest of the object's bytes.
    pub md5: Md5,
    /// Whether the bytes list a directory.
    pub is_dir: bool,
    /// What the digest is of.
    pub hashing: Hashing,
}

impl ObjectId {
    /// The object of the same digest that DVC 2 made.
    #[must_use]
    pub fn of_dvc_2(self) -> Self {
        Self {
            hashing: Hashing::Dos2Unix,
            ..self
        }
    }

    /// Whether DVC 2 made it.
    #[must_use]
    pub fn is_of_dvc_2(self) -> bool {
        self.hashing == Hashing::Dos2Unix
    }
}

impl Hashing {
    /// Reads all of `from` into `to` and gives the digest and the number of bytes.
    pub(crate) fn copy(
        self,
        from: &mut impl Read,
        to: &mut impl Write,
    ) -> Result<(Md5, u64), std::io::Error> {
        if self == Self::Plain {
            return Md5::copy(from, to);
        }
        let mut hasher = Hasher::new();
        let mut size = 0;
        let mut chunk = Vec::with_capacity(CHUNK);
        loop {
            chunk.clear();
            if from.take(CHUNK as u64).read_to_end(&mut chunk)? == 0 {
                return Ok((Md5(hasher.finalize()), size));
            }
            to.write_all(&chunk)?;
            size += chunk.len() as u64;
            if is_text(&chunk[..chunk.len().min(N_PROBED)]) {
                let is_kept = |(index, byte): &(usize, &u8)| {
                    **byte != b'\r' || chunk.get(index + 1) != Some(&b'\n')
                };
                let kept = chunk.iter().enumerate().filter(is_kept);
                let unix: Vec<u8> = kept.map(|(_, byte)| *byte).collect();
                hasher.update(&unix);
            } else {
                hasher.update(&chunk);
            }
        }
    }

    /// Counts in what is written to a new file.
    pub(crate) fn running(self, file: File) -> Running {
        Running {
            hashing: self,
            file,
            hasher: Hasher::new(),
            size: 0,
            error: None,
        }
    }

    /// As [`Hashing::running`], of a file that has bytes already: what is written comes after them. Tells how many there are.
    pub(crate) fn running_on(self, file: File) -> Result<(Running, u64), std::io::Error> {
        let mut running = self.running(file);
        let mut buffer = vec![0; 1 << 17];
        running.file.rewind()?;
        loop {
            match running.file.read(&mut buffer) {
                Ok(0) => break,
                Ok(n_read) => {
                    running.hasher.update(&buffer[..n_read]);
                    running.size += n_read as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let size = running.size;
        Ok((running, size))
    }

    /// The digest of a file and its size.
    pub(crate) fn of_file(self, path: &Path) -> Result<(Md5, u64), std::io::Error> {
        self.copy(&mut File::open(path)?, &mut std::io::sink())
    }
}

/// A file that is being written, with its digest so far.
pub(crate) struct Running {
    hashing: Hashing,
    file: File,
    hasher: Hasher,
    size: u64,
    error: Option<std::io::Error>,
}

impl Running {
    pub(crate) fn write_all(&mut self, piece: &[u8]) -> Result<(), std::io::Error> {
        self.hasher.update(piece);
        self.size += piece.len() as u64;
        self.file.write_all(piece).map_err(|error| {
            let told = std::io::Error::from(error.kind());
            self.error = Some(error);
            told
        })
    }

    /// Why the file could not be written, if so.
    pub(crate) fn take_error(&mut self) -> Option<std::io::Error> {
        self.error.take()
    }

    pub(crate) fn finish(mut self) -> Result<(Md5, u64), std::io::Error> {
        if self.hashing == Hashing::Plain {
            return Ok((Md5(self.hasher.finalize()), self.size));
        }
        // The old kind of digest depends on chunks of the whole file.
        self.file.rewind()?;
        self.hashing.copy(&mut self.file, &mut std::io::sink())
    }
}

/// What DVC 2 took for text: no zero byte, and at most 30 % of odd ones.
fn is_text(bytes: &[u8]) -> bool {
    let is_odd = |byte: &&u8| !matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t' | 0x0c | 0x08);
    !bytes.contains(&0) && bytes.iter().filter(is_odd).count() * 10 <= bytes.len() * 3
}

impl Md5 {
    /// The digest of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(fast_md5::digest(bytes))
    }

    /// The digest itself.
    pub(crate) fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads all of `from` into `to` and gives the digest and the number of bytes.
    ///
    /// # Errors
    ///
    /// Fails if reading or writing does.
    pub(crate) fn copy(
        from: &mut impl Read,
        to: &mut impl Write,
    ) -> Result<(Self, u64), std::io::Error> {
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; 1 << 17];
        let mut size = 0;
        loop {
            let n_read = match from.read(&mut buffer) {
                Ok(0) => return Ok((Self(hasher.finalize()), size)),
                Ok(n_read) => n_read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hasher.update(&buffer[..n_read]);
            to.write_all(&buffer[..n_read])?;
            size += n_read as u64;
        }
    }
}

impl From<[u8; 16]> for Md5 {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Md5 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        out.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Md5 {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("`{text}` is no MD5: 32 hexadecimal digits in lower case are");
        let digit = |c: u8| match c {
            b'0'..=b'9' => Some(c - b'0'),
            b'a'..=b'f' => Some(c - b'a' + 10),
            _ => None,
        };
        if text.len() != 32 {
            return Err(refused());
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let (high, low) = digit(pair[0]).zip(digit(pair[1])).ok_or_else(refused)?;
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.md5, if self.is_dir { ".dir" } else { "" })
    }
}

impl FromStr for ObjectId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_suffix(".dir");
        Ok(Self {
            md5: digits.unwrap_or(text).parse()?,
            is_dir: digits.is_some(),
            hashing: Hashing::Plain,
        })
    }
}

#[cfg(test)]
mod tests {
    use md5::Digest as _;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digests_are_read_as_they_are_written() {
        let text = "b1946ac92492d2347c6235b4d2611184";
        assert_eq!(Md5::of(b"hello\n").to_string(), text);
        let object: ObjectId = format!("{text}.dir").parse().unwrap();
        assert!(object.is_dir);
        assert_eq!(object.to_string(), format!("{text}.dir"));
    }

    #[track_caller]
    fn check_dos2unix(bytes: &[u8], same_as: &[u8]) {
        let (md5, size) = Hashing::Dos2Unix
            .copy(&mut &bytes[..], &mut std::io::sink())
            .unwrap();
        assert_eq!((md5, size), (Md5::of(same_as), bytes.len() as u64));
    }

    #[test]
    fn dvc_2_took_line_ends_of_text_for_one() {
        check_dos2unix(b"", b"");
        check_dos2unix(b"a\r\nb\r\r\n\r", b"a\nb\r\n\r");
        check_dos2unix(b"a\0\r\n", b"a\0\r\n");
        check_dos2unix(b"abcdef\xff\xff\xff\r\n", b"abcdef\xff\xff\xff\n");
        check_dos2unix(b"abcd\xff\xff\xff\r\n", b"abcd\xff\xff\xff\r\n");
        // A pair that two chunks share is seen by neither.
        let mut long = vec![b'a'; CHUNK - 1];
        long.extend_from_slice(b"\r\n");
        check_dos2unix(&long, &long);
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in [
            "",
            "b1946ac92492d2347c6235b4d261118",
            "B1946AC92492D2347C6235B4D2611184",
            "../46ac92492d2347c6235b4d2611184a",
            "b1946ac92492d2347c6235b4d2611184.dir.dir",
            "éééééééééééééééé",
        ] {
            assert!(text.parse::<ObjectId>().is_err(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn digests_are_those_of_another_implementation(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6),
        ) {
            let (mut own, mut other) = (Hasher::new(), md5::Md5::new());
            for piece in &pieces {
                own.update(piece);
                other.update(piece);
            }
            let expected = <[u8; 16]>::from(other.finalize());
            prop_assert_eq!(own.finalize(), expected);
            prop_assert_eq!(Md5::of(&pieces.concat()).0, expected);
        }
    }
}
