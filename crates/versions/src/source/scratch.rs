//! A place for what is needed for a while only.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// A directory for what is needed for a while only. It goes with its value.
#[derive(Debug)]
pub struct Scratch {
    dir: PathBuf,
}

impl Scratch {
    /// A directory of our own in another one, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be made.
    pub fn new(above: &Path) -> Result<Self, Error> {
        let dir = above.join(format!(".everloop-{}", std::process::id()));
        // One that is left of a process of the same number is nobody's.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).map_err(|error| Error::file("create", &dir, error))?;
        Ok(Self { dir })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is named as ours, and the next process of the number removes it.
        let _ = fs::remove_dir_all(&self.dir);
    }
}
