//! Imports that were not downloaded when they were made (`--no-download`): their `.dvc` files name no content.
//!
//! They are fetched from their sources, as the sources were recorded. What came is noted in `.dvc/tmp/everloop/imports`, under the
//! digest of the import, so that a checkout finds it; the `.dvc` files stay as they are. The notes may be deleted at any time.

use std::fs;
use std::path::PathBuf;

use crate::dvc_file::Recorded;
use crate::imports::Import;
use crate::md5::Md5;
use crate::repository::Repository;
use crate::tracked::{Tracked, is_dvc_file};
use crate::whole::write_whole;
use crate::{Error, md5::ObjectId};

impl Repository {
    /// The import that tracks something, if it is one.
    pub(crate) fn import_of(&self, one: &Tracked) -> Result<Option<Import>, Error> {
        if !is_dvc_file(one.file.name()) || !one.is_import() {
            return Ok(None);
        }
        let place = one.file.under(self.root());
        let text = fs::read_to_string(&place);
        let text = text.map_err(|error| Error::file("read", &place, error))?;
        Ok(Import::parse(&text))
    }

    /// What should be there: what is recorded, or what was fetched of an import whose `.dvc` file names no content.
    pub(crate) fn recorded_or_fetched(&self, one: &Tracked) -> Result<Option<Recorded>, Error> {
        if let Some(recorded) = one.out().recorded {
            return Ok(Some(recorded));
        }
        let Some(import) = self.import_of(one)? else {
            return Ok(None);
        };
        let note = self.note(import.md5(&one.out().path, None));
        // A damaged note is none.
        Ok(fs::read_to_string(note).ok().and_then(|text| read(&text)))
    }

    /// Notes what was fetched of an import.
    pub(crate) fn note_fetched(&self, import: Md5, recorded: &Recorded) -> Result<(), Error> {
        let number = |number: Option<u64>| number.map_or("-".to_owned(), |n| n.to_string());
        let (size, n_files) = (number(recorded.size), number(recorded.n_files));
        let text = format!("{} {size} {n_files}\n", recorded.object);
        let note = self.note(import);
        if let Some(dir) = note.parent() {
            fs::create_dir_all(dir).map_err(|error| Error::file("create", dir, error))?;
        }
        write_whole(&note, text.as_bytes())
    }

    fn note(&self, import: Md5) -> PathBuf {
        self.tmp().join("imports").join(import.to_string())
    }
}

fn read(text: &str) -> Option<Recorded> {
    let [object, size, n_files] = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .try_into()
        .ok()?;
    Some(Recorded {
        object: object.parse::<ObjectId>().ok()?,
        size: size.parse().ok(),
        n_files: n_files.parse().ok(),
        is_executable: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_or_are_none() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        let found = read(&format!("{md5}.dir 7 2\n")).unwrap();
        assert_eq!((found.size, found.n_files), (Some(7), Some(2)));
        assert!(found.object.is_dir);
        assert_eq!(read(&format!("{md5} 7 -")).unwrap().n_files, None);
        for text in ["", "x 1 1", md5] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
