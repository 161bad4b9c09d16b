//! Files and directories that appear whole.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use everloop_domain::{Digest, DigestBuilder};

use crate::Error;

/// Makes temporary names differ within this process.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A name beside `path` that nobody else uses.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    path.with_file_name(format!(".{name}.{}-{number}.tmp", std::process::id()))
}

/// Writes a file so that it is there whole or not at all, also after a crash.
///
/// # Errors
///
/// Fails if the directory cannot be made or the file cannot be written.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(|source| Error::file("create", dir, source))?;
    let temporary = temporary(path);
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|source| {
        // What could not be finished is not left behind; the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        Error::file("write", path, source)
    })?;
    sync_dir(dir);
    Ok(())
}

/// Makes renames in a directory survive a power cut, where the system can.
pub(crate) fn sync_dir(dir: &Path) {
    if let Ok(dir) = File::open(dir) {
        // Some file systems cannot sync directories; the rename is atomic all the same.
        let _ = dir.sync_all();
    }
}

/// Copies a directory so that it is there whole or not at all; an existing one stays.
///
/// # Errors
///
/// Fails if a file cannot be read or written.
pub fn copy_dir(from: &Path, to: &Path) -> Result<(), Error> {
    if to.exists() {
        return Ok(());
    }
    let dir = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(|source| Error::file("create", dir, source))?;
    let temporary = temporary(to);
    copy_into(from, &temporary)?;
    if let Err(source) = fs::rename(&temporary, to) {
        // What could not be put in place is not left behind.
        let _ = fs::remove_dir_all(&temporary);
        // Somebody else was first with the same directory.
        if !to.exists() {
            return Err(Error::file("rename", to, source));
        }
    }
    sync_dir(dir);
    Ok(())
}

fn copy_into(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(|source| Error::file("create", to, source))?;
    for entry in fs::read_dir(from).map_err(|source| Error::file("read", from, source))? {
        let entry = entry.map_err(|source| Error::file("read", from, source))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_into(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(|error| Error::file("copy", &source, error))?;
            File::open(&target)
                .and_then(|file| file.sync_all())
                .map_err(|error| Error::file("sync", &target, error))?;
        }
    }
    Ok(())
}

/// The digest of a directory: of the relative paths and bytes of its files, in order of path.
///
/// # Errors
///
/// Fails if a file cannot be read.
pub fn digest_dir(dir: &Path) -> Result<Digest, Error> {
    let mut files = Vec::new();
    collect(dir, "", &mut files)?;
    files.sort();
    let mut digest = DigestBuilder::new();
    for (name, path) in files {
        digest.field(name);
        digest.field(fs::read(&path).map_err(|source| Error::file("read", &path, source))?);
    }
    Ok(digest.finish())
}

fn collect(dir: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(|source| Error::file("read", dir, source))? {
        let entry = entry.map_err(|source| Error::file("read", dir, source))?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push((name, entry.path()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b.txt");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path().join("a")).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let error = write_atomically(&dir.path().join("file/below"), b"x").unwrap_err();
        assert!(error.to_string().contains("file"), "{error}");
    }

    #[test]
    fn the_digest_of_a_directory_follows_names_and_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        write_atomically(&one.join("x/a"), b"1").unwrap();
        write_atomically(&one.join("b"), b"2").unwrap();
        copy_dir(&one, &two).unwrap();
        assert_eq!(digest_dir(&one).unwrap(), digest_dir(&two).unwrap());
        write_atomically(&two.join("b"), b"3").unwrap();
        assert_ne!(digest_dir(&one).unwrap(), digest_dir(&two).unwrap());
    }

    #[test]
    fn copying_onto_an_existing_directory_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        write_atomically(&one.join("a"), b"1").unwrap();
        write_atomically(&two.join("b"), b"2").unwrap();
        copy_dir(&one, &two).unwrap();
        assert!(!two.join("a").exists());
    }
}
