//! Several small files that are written together.
//!
//! First all of it is written down in `.dvc/tmp/everloop/journal`, then file after file, each in one step. Who is stopped
//! half-way leaves the journal, and whoever takes the lock next writes the rest. What was changed by others meanwhile stays.
//!
//! The journal is JSON: `{"version": 1, "files": [{"path": "a.dvc", "before": null, "after": "outs:\n…"}]}`. Texts stand for
//! bytes, a character for each, because not all files are UTF-8; `null` stands for no file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::whole::{read_whole, write_whole};
use crate::{Error, RepoPath};

const VERSION: u32 = 1;

/// What becomes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// What it says; none if it is not there.
    pub(crate) before: Option<Vec<u8>>,
    /// What it will say; none if it is to be removed.
    pub(crate) after: Option<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Journal {
    version: u32,
    files: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    path: String,
    before: Option<String>,
    after: Option<String>,
}

/// Writes all files, or none.
///
/// # Errors
///
/// Fails if one cannot be written; those before it then are as they were.
pub(crate) fn write(
    tmp: &Path,
    root: &Path,
    edits: &BTreeMap<RepoPath, Edit>,
) -> Result<(), Error> {
    let edits: Vec<(&RepoPath, &Edit)> = edits
        .iter()
        .filter(|(_, edit)| edit.before != edit.after)
        .collect();
    if let [(path, edit)] = edits.as_slice() {
        return put(&path.under(root), edit.after.as_deref());
    }
    if edits.is_empty() {
        return Ok(());
    }
    let entries = edits.iter().map(|(path, edit)| Entry {
        path: path.to_string(),
        before: edit.before.as_deref().map(text),
        after: edit.after.as_deref().map(text),
    });
    let journal = Journal {
        version: VERSION,
        files: entries.collect(),
    };
    let file = place(tmp);
    let bytes = serde_json::to_vec(&journal);
    let bytes = bytes.map_err(|error| Error::form(file.display(), error.to_string()))?;
    write_whole(&file, &bytes)?;
    for (index, (path, edit)) in edits.iter().enumerate() {
        let Err(error) = put(&path.under(root), edit.after.as_deref()) else {
            continue;
        };
        let mut is_undone = true;
        for (path, edit) in &edits[..index] {
            is_undone &= put(&path.under(root), edit.before.as_deref()).is_ok();
        }
        if is_undone {
            // The first error is the one to tell.
            let _ = fs::remove_file(&file);
        }
        return Err(error);
    }
    fs::remove_file(&file).map_err(|error| Error::file("remove", &file, error))
}

/// Finishes what somebody who held the lock did not.
///
/// # Errors
///
/// Fails if the journal cannot be understood, or its files not be written.
pub(crate) fn replay(tmp: &Path, root: &Path) -> Result<(), Error> {
    let file = place(tmp);
    let Some(bytes) = read(&file)? else {
        return Ok(());
    };
    let refused = |problem: String| {
        let way_out = "delete it, and look with `git status` at the files of DVC";
        Error::form(file.display(), format!("{problem}; {way_out}"))
    };
    let journal: Journal = serde_json::from_slice(&bytes)
        .map_err(|error| refused(format!("it is no journal: {error}")))?;
    if journal.version != VERSION {
        return Err(refused(format!("its version is {}", journal.version)));
    }
    for entry in journal.files {
        let path = RepoPath::default().join(&entry.path)?.under(root);
        let of = |text: Option<&String>| text.map(|text| bytes_of(text)).transpose();
        let before = of(entry.before.as_ref()).map_err(&refused)?;
        let after = of(entry.after.as_ref()).map_err(&refused)?;
        // What is neither was changed by somebody who knows better.
        if read(&path)? == before {
            put(&path, after.as_deref())?;
        }
    }
    fs::remove_file(&file).map_err(|error| Error::file("remove", &file, error))
}

fn place(tmp: &Path) -> PathBuf {
    tmp.join("journal")
}

/// The bytes of a file; none if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match read_whole(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if crate::scan::is_absent(&error) => Ok(None),
        Err(error) => Err(Error::file("read", path, error)),
    }
}

fn put(path: &Path, bytes: Option<&[u8]>) -> Result<(), Error> {
    match bytes {
        Some(bytes) => write_whole(path, bytes),
        None => match fs::remove_file(path) {
            Err(error) if !crate::scan::is_absent(&error) => {
                Err(Error::file("remove", path, error))
            }
            _ => Ok(()),
        },
    }
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn bytes_of(text: &str) -> Result<Vec<u8>, String> {
    let bytes = text.chars().map(u8::try_from);
    bytes
        .collect::<Result<_, _>>()
        .map_err(|_| "a character of it is no byte".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'a> = (&'a str, Option<&'a [u8]>, Option<&'a [u8]>);

    fn edits(all: &[Row<'_>]) -> BTreeMap<RepoPath, Edit> {
        let all = all.iter().map(|(path, before, after)| {
            let edit = Edit {
                before: before.map(<[u8]>::to_vec),
                after: after.map(<[u8]>::to_vec),
            };
            (RepoPath::default().join(path).unwrap(), edit)
        });
        all.collect()
    }

    #[test]
    fn all_files_are_written_or_none() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::write(root.join("b"), b"\xff\n").unwrap();
        fs::write(root.join("c"), b"c").unwrap();
        let first = edits(&[
            ("a", None, Some(b"1")),
            ("b", Some(b"\xff\n"), Some(b"\xfe")),
            ("c", Some(b"c"), None),
        ]);
        write(&root.join("tmp"), root, &first).unwrap();
        assert_eq!(
            read(&root.join("a")).unwrap().as_deref(),
            Some(b"1".as_slice())
        );
        assert_eq!(
            read(&root.join("b")).unwrap().as_deref(),
            Some(b"\xfe".as_slice())
        );
        assert_eq!(read(&root.join("c")).unwrap(), None);
        // A directory stands where a file should.
        fs::create_dir_all(root.join("d/x")).unwrap();
        let second = edits(&[("a", Some(b"1"), Some(b"2")), ("d", None, Some(b"3"))]);
        assert!(write(&root.join("tmp"), root, &second).is_err());
        assert_eq!(
            read(&root.join("a")).unwrap().as_deref(),
            Some(b"1".as_slice())
        );
        assert!(!root.join("tmp/journal").exists());
    }

    #[test]
    fn what_was_begun_is_finished_and_what_others_changed_stays() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let file = |path: &str, before: Option<&str>, after: &str| Entry {
            path: path.to_owned(),
            before: before.map(str::to_owned),
            after: Some(after.to_owned()),
        };
        let journal = Journal {
            version: VERSION,
            files: vec![
                file("done", None, "new"),
                file("half", Some("old"), "\u{e9}"),
                file("other", Some("old"), "new"),
            ],
        };
        fs::create_dir(root.join("tmp")).unwrap();
        fs::write(
            root.join("tmp/journal"),
            serde_json::to_vec(&journal).unwrap(),
        )
        .unwrap();
        for (name, text) in [("done", "new"), ("half", "old"), ("other", "mine")] {
            fs::write(root.join(name), text).unwrap();
        }
        replay(&root.join("tmp"), root).unwrap();
        assert_eq!(fs::read(root.join("half")).unwrap(), b"\xe9");
        assert_eq!(fs::read(root.join("other")).unwrap(), b"mine");
        replay(&root.join("tmp"), root).unwrap();
        for text in [
            "{",
            r#"{"version": 2, "files": []}"#,
            r#"{"version": 1, "files": [{"path": "../x", "before": null, "after": "x"}]}"#,
        ] {
            fs::write(root.join("tmp/journal"), text).unwrap();
            assert!(replay(&root.join("tmp"), root).is_err(), "{text}");
        }
    }
}
