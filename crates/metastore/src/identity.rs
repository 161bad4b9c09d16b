//! Whether the file is still the one that was opened.
//!
//! SQLite goes on writing to a file that was deleted or moved away, and what it acknowledges then is lost. So each
//! transaction first looks whether the path still leads to the file. Another file in its place is not opened: the journal
//! beside it belongs to the old one.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::DatabaseError;
use crate::place::Place;

/// A file that was opened; nothing for databases that are no files.
#[derive(Clone, Debug)]
pub(crate) struct OpenFile(Option<(PathBuf, Identity)>);

/// Device and number of a file on it.
type Identity = (u64, u64);

impl OpenFile {
    /// The file that stands at a place now.
    pub(crate) fn at(place: &Place) -> Self {
        Self(match place {
            Place::File(path) => identity(path).map(|identity| (path.clone(), identity)),
            Place::Memory(_) | Place::Postgres(_) => None,
        })
    }

    /// Fails if the file is gone, or another one stands in its place.
    pub(crate) fn check(&self) -> Result<(), DatabaseError> {
        let Some((path, opened)) = &self.0 else {
            return Ok(());
        };
        let problem = match identity(path) {
            Some(found) if found == *opened => return Ok(()),
            Some(_) => {
                "another file stands in its place; put it back, or start again to use the other"
            }
            None => "it is gone; put it back",
        };
        let path = path.display().to_string();
        Err(DatabaseError::Moved { path, problem })
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}
