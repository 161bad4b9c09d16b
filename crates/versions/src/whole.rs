//! Files of the workspace that are there whole or not at all.
//!
//! What is being written lies in `.dvc/tmp`, which git ignores and the next command clears: a process that is killed leaves
//! nothing among the files of people.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use crate::Error;
use crate::links::temporary;

/// Where a repository keeps what is being written.
pub(crate) const TMP: &str = ".dvc/tmp/everloop";

/// More than any file of settings, patterns or stages has: a link to an endless device ends here, too.
const MAX_BYTES: u64 = 1 << 30;

/// Writes a file of a repository so that it is there whole or not at all, even after a power cut.
///
/// # Errors
///
/// Fails if it cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let Some(root) = path
        .ancestors()
        .skip(1)
        .find(|dir| dir.join(".dvc").is_dir())
    else {
        return Ok(everloop_artifacts::write_atomically(path, bytes)?);
    };
    let tmp = root.join(TMP);
    let failed = |error| Error::file("write", path, error);
    fs::create_dir_all(&tmp).map_err(|error| Error::file("create", &tmp, error))?;
    let temporary = temporary(&tmp);
    let written = File::create_new(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // What could not be finished is not left behind; the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        if error.kind() == std::io::ErrorKind::CrossesDevices {
            return Ok(everloop_artifacts::write_atomically(path, bytes)?);
        }
        return Err(failed(error));
    }
    if let Some(Ok(dir)) = path.parent().map(File::open) {
        // Some file systems cannot sync directories; the rename is atomic all the same.
        let _ = dir.sync_all();
    }
    Ok(())
}

/// Reads a file that people or other tools wrote. Devices and pipes, to which a link of a stranger's repository may lead, are
/// no files: reading them could wait for ever or fill the memory.
///
/// # Errors
///
/// Fails if it is absent, no file, too long, or cannot be read.
pub fn read_whole(path: &Path) -> Result<Vec<u8>, std::io::Error> {
    let metadata = fs::metadata(path)?;
    let refused = |problem| {
        Err(std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            problem,
        ))
    };
    if !metadata.is_file() {
        return refused("it is no file");
    }
    if metadata.len() > MAX_BYTES {
        return refused("it has more than 1 GiB, which no such file has");
    }
    fs::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_beside_a_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join(".dvc")).unwrap();
        let path = dir.path().join("a.dvc");
        write_whole(&path, b"1").unwrap();
        write_whole(&path, b"2").unwrap();
        assert_eq!(read_whole(&path).unwrap(), b"2");
        assert_eq!(fs::read_dir(dir.path().join(TMP)).unwrap().count(), 0);
        fs::create_dir(dir.path().join("b.dvc")).unwrap();
        let error = write_whole(&dir.path().join("b.dvc"), b"3").unwrap_err();
        assert!(error.to_string().contains("b.dvc"), "{error}");
        assert_eq!(fs::read_dir(dir.path().join(TMP)).unwrap().count(), 0);
    }

    #[test]
    fn devices_and_pipes_are_no_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("endless");
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let error = read_whole(&path).unwrap_err().to_string();
        assert!(error.contains("no file"), "{error}");
        assert!(read_whole(dir.path()).is_err());
    }
}
