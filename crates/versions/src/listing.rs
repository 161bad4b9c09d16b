//! The objects that list directories (`.dir`), byte by byte as Python's `json.dumps(.., sort_keys=True)`.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::Deserialize;
use serde::de::{Deserializer as _, IgnoredAny, SeqAccess, Visitor};

use crate::Error;
use crate::md5::{Hashing, Md5, ObjectId};
use crate::repo_path::check_name;

/// The files of a directory: relative paths in the order of their code points, with digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    files: Vec<(String, Md5)>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    md5: Cow<'a, str>,
    #[serde(borrow)]
    relpath: Cow<'a, str>,
}

impl Listing {
    /// A listing of files in any order; a path that comes twice is kept once.
    #[must_use]
    pub fn new(mut files: Vec<(String, Md5)>) -> Self {
        // The order of UTF-8 bytes is that of code points.
        files.sort();
        files.dedup_by(|next, kept| next.0 == kept.0);
        Self { files }
    }

    /// The files.
    #[must_use]
    pub fn files(&self) -> &[(String, Md5)] {
        &self.files
    }

    /// Those files that `is_meant` is true of.
    pub(crate) fn only(mut self, is_meant: impl Fn(&str) -> bool) -> Self {
        self.files.retain(|(path, _)| is_meant(path));
        self
    }

    /// The files themselves.
    pub(crate) fn into_files(self) -> Vec<(String, Md5)> {
        self.files
    }

    /// The digest of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Md5> {
        let found = self
            .files
            .binary_search_by(|(name, _)| name.as_str().cmp(path));
        found.ok().map(|index| self.files[index].1)
    }

    /// The bytes of the object and its name.
    #[must_use]
    pub fn object(&self) -> (ObjectId, Vec<u8>) {
        let n_bytes: usize = self.files.iter().map(|(path, _)| path.len() + 64).sum();
        let mut text = String::with_capacity(n_bytes + 2);
        text.push('[');
        for (index, (path, md5)) in self.files.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let _ = write!(text, "{comma}{{\"md5\": \"{md5}\", \"relpath\": ");
            json_string(path, &mut text);
            text.push('}');
        }
        text.push(']');
        let id = ObjectId {
            md5: Md5::of(text.as_bytes()),
            is_dir: true,
            hashing: Hashing::Plain,
        };
        (id, text.into_bytes())
    }

    /// Reads the bytes of an object that must be what its name says. `place` is named in errors.
    pub(crate) fn of_object(object: ObjectId, bytes: &[u8], place: &str) -> Result<Self, Error> {
        let found = Md5::of(bytes);
        if found != object.md5 {
            return Err(Error::Damaged {
                object: object.to_string(),
                place: place.to_owned(),
                problem: format!("its bytes have the MD5 {found}"),
            });
        }
        Self::parse(bytes, place)
    }

    /// Reads an object. `place` is named in errors.
    ///
    /// # Errors
    ///
    /// Fails if it is no listing, or names a path that leads out of its directory.
    pub fn parse(bytes: &[u8], place: &str) -> Result<Self, Error> {
        let refused = |error| Error::form(place, format!("it lists no directory: {error}"));
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let files = json.deserialize_seq(Entries { place }).map_err(refused)?;
        json.end().map_err(refused)?;
        let files = files?;
        let n_files = files.len();
        let listing = Self::new(files);
        if listing.files.len() != n_files {
            return Err(Error::form(place, "it lists a path twice"));
        }
        listing.check_nesting(place)?;
        Ok(listing)
    }

    /// No file may be a directory of another.
    fn check_nesting(&self, place: &str) -> Result<(), Error> {
        let mut last = "";
        for (path, _) in &self.files {
            let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
            // Files of one directory come one after the other.
            if dir == last {
                continue;
            }
            last = dir;
            let above = path.match_indices('/').map(|(index, _)| &path[..index]);
            if let Some(file) = above.into_iter().find(|dir| self.get(dir).is_some()) {
                return Err(Error::form(
                    place,
                    format!("`{file}` is a file and a directory in it"),
                ));
            }
        }
        Ok(())
    }
}

/// Reads entries one by one: there may be millions.
struct Entries<'a> {
    place: &'a str,
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = Result<Vec<(String, Md5)>, Error>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of files")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut files = Vec::new();
        while let Some(entry) = list.next_element::<Entry<'_>>()? {
            match self.file(&entry) {
                Ok(file) => files.push(file),
                Err(error) => {
                    while list.next_element::<IgnoredAny>()?.is_some() {}
                    return Ok(Err(error));
                }
            }
        }
        Ok(Ok(files))
    }
}

impl Entries<'_> {
    fn file(&self, entry: &Entry<'_>) -> Result<(String, Md5), Error> {
        let place = self.place;
        let path = &entry.relpath;
        check_path(path).map_err(|problem| Error::Path {
            path: path.to_string(),
            problem: format!("{problem} (`{place}` names it)"),
        })?;
        let md5 = entry.md5.parse();
        let md5 = md5.map_err(|problem: String| Error::form(place, problem))?;
        Ok((path.to_string(), md5))
    }
}

/// Refuses paths that lead out of their directory or into the inner files of git or DVC.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    for name in path.split('/') {
        match name {
            "" => return Err("it has an empty name"),
            "." | ".." => return Err("it leads out of its directory"),
            name => check_name(name)?,
        };
    }
    Ok(())
}

/// Python's escapes: ASCII only, surrogate pairs, DEL too.
pub(crate) fn json_string(text: &str, out: &mut String) {
    out.push('"');
    if text
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
    {
        out.push_str(text);
        out.push('"');
        return;
    }
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_those_of_dvc() {
        let files = vec![
            ("b".to_owned(), Md5::of(b"b\n")),
            ("a\u{e9}\u{1F600}\u{7f}\"\\\n".to_owned(), Md5::of(b"a\n")),
        ];
        let (_, bytes) = Listing::new(files).object();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            concat!(
                r#"[{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "a\u00e9\ud83d\ude00\u007f\"\\\n"}, "#,
                r#"{"md5": "3b5d5c3712955042212316173ccf37be", "relpath": "b"}]"#
            )
        );
    }

    #[test]
    fn the_order_is_that_of_whole_paths() {
        let names = ["a0", "a/b", "a.txt", "a-b"];
        let files = names.map(|name| (name.to_owned(), Md5::of(b""))).into();
        let listing = Listing::new(files);
        let sorted: Vec<_> = listing.files().iter().map(|(name, _)| name).collect();
        assert_eq!(sorted, ["a-b", "a.txt", "a/b", "a0"]);
        let (id, bytes) = listing.object();
        assert!(id.is_dir);
        assert_eq!(Listing::parse(&bytes, "x").unwrap(), listing);
    }

    #[track_caller]
    fn refused(paths: &[&str], words: &str) {
        let md5 = Md5::of(b"");
        let entries: Vec<_> = paths
            .iter()
            .map(|path| serde_json::json!({"md5": md5.to_string(), "relpath": path}))
            .collect();
        let bytes = serde_json::to_vec(&entries).unwrap();
        let error = Listing::parse(&bytes, "place").unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("place"), "{error}");
    }

    #[test]
    fn hostile_listings_are_refused() {
        refused(&["../x"], "leads out");
        refused(&["/etc/passwd"], "empty name");
        refused(&["a/./b"], "leads out");
        refused(&["a/.git/config"], "inner files");
        refused(&["a", "a"], "twice");
        refused(&["a", "a/b"], "a file and a directory");
        for text in [
            "",
            "{}",
            "[1]",
            r#"[{"md5": "x", "relpath": "a"}]"#,
            "[{\"md5\"",
        ] {
            assert!(Listing::parse(text.as_bytes(), "place").is_err(), "{text}");
        }
    }
}
