//! The objects that list directories (`.dir`), byte by byte as Python's `json.dumps(.., sort_keys=True)`.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::Error;
use crate::md5::{Hashing, Md5, ObjectId};
use crate::repo_path::check_name;

/// The files of a directory: relative paths in the order of their code points, with digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    files: Vec<(String, Md5)>,
}

#[derive(Deserialize)]
struct Entry {
    md5: String,
    relpath: String,
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
        let mut text = String::with_capacity(self.files.len() * 80 + 2);
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

    /// Reads an object. `place` is named in errors.
    ///
    /// # Errors
    ///
    /// Fails if it is no listing, or names a path that leads out of its directory.
    pub fn parse(bytes: &[u8], place: &str) -> Result<Self, Error> {
        let entries: Vec<Entry> = serde_json::from_slice(bytes)
            .map_err(|error| Error::form(place, format!("it lists no directory: {error}")))?;
        let mut files = Vec::with_capacity(entries.len());
        for Entry { md5, relpath } in entries {
            check_path(&relpath).map_err(|problem| Error::Path {
                path: relpath.clone(),
                problem: format!("{problem} (`{place}` names it)"),
            })?;
            let md5 = md5.parse().map_err(|problem| Error::form(place, problem))?;
            files.push((relpath, md5));
        }
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
        for (path, _) in &self.files {
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
fn json_string(text: &str, out: &mut String) {
    out.push('"');
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
