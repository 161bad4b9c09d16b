//! One cycle at a time: an advisory lock on a file that names its holder.
//!
//! The lock belongs to the open file, so the system releases it when the process dies, however it
//! dies. The text in the file is for people only.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::Error;

/// The right to run a cycle; released when dropped.
#[derive(Debug)]
pub struct CycleLock {
    _file: File,
}

impl CycleLock {
    /// Takes the lock, or says who holds it.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another process holds it; [`Error::File`] if the file cannot be opened.
    pub fn take(path: &Path) -> Result<Self, Error> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(|source| Error::file("create", dir, source))?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(|source| Error::file("open", path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let is_known =
                    file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                let holder = if is_known {
                    holder.trim().to_owned()
                } else {
                    "of unknown process".to_owned()
                };
                return Err(Error::Locked { holder });
            }
            Err(TryLockError::Error(source)) => return Err(Error::file("lock", path, source)),
        }
        let holder = format!("process {}", std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(holder.as_bytes()))
            .map_err(|source| Error::file("write", path, source))?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_learns_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/cycle.lock");
        let held = CycleLock::take(&path).unwrap();
        let error = CycleLock::take(&path).unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        drop(held);
        CycleLock::take(&path).unwrap();
    }
}
