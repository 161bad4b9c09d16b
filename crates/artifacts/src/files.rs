//! Files and directories that appear whole.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use everloop_domain::{Digest, DigestBuilder};

use crate::Error;

/// Makes temporary names differ within this process.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A new file beside `path`. Process numbers come again, in containers at once: a name that is taken is passed over.
pub(crate) fn temporary_file(path: &Path) -> Result<(File, PathBuf), std::io::Error> {
    temporary(path, |name| File::create_new(name))
}

/// A new directory beside `path`.
pub(crate) fn temporary_dir(path: &Path) -> Result<PathBuf, std::io::Error> {
    temporary(path, |name| fs::create_dir(name)).map(|((), name)| name)
}

fn temporary<T>(
    path: &Path,
    create: impl Fn(&Path) -> Result<T, std::io::Error>,
) -> Result<(T, PathBuf), std::io::Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let taken = path.with_file_name(format!(".{name}.{}-{number}.tmp", std::process::id()));
        match create(&taken) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            result => return result.map(|made| (made, taken)),
        }
    }
}

/// Writes a file so that it is there whole or not at all, also after a crash.
///
/// # Errors
///
/// Fails if the directory cannot be made or the file cannot be written.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(|source| Error::file("create", dir, source))?;
    let failed = |source| Error::file("write", path, source);
    let (mut file, temporary) = temporary_file(path).map_err(failed)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    if let Err(source) = written {
        // What could not be finished is not left behind; the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        return Err(failed(source));
    }
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

/// Copies a directory so that it is there whole or not at all; an existing one stays. Links to files become files.
///
/// # Errors
///
/// Fails if a file cannot be read or written, or if a link leads to a directory.
pub fn copy_dir(from: &Path, to: &Path) -> Result<(), Error> {
    if to.exists() {
        return Ok(());
    }
    let dir = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(|source| Error::file("create", dir, source))?;
    let temporary = temporary_dir(to).map_err(|source| Error::file("create", to, source))?;
    let copied = copy_into(from, &temporary).and_then(|()| {
        fs::rename(&temporary, to).map_err(|source| Error::file("rename", to, source))
    });
    if let Err(error) = copied {
        // What could not be put in place is not left behind; the first error is the one to tell.
        let _ = fs::remove_dir_all(&temporary);
        // Somebody else may have been first with the same directory.
        return if to.exists() { Ok(()) } else { Err(error) };
    }
    sync_dir(dir);
    Ok(())
}

fn copy_into(from: &Path, to: &Path) -> Result<(), Error> {
    for (name, source) in files_below(from)? {
        let target = to.join(name);
        let dir = target.parent().unwrap_or(to);
        fs::create_dir_all(dir).map_err(|source| Error::file("create", dir, source))?;
        fs::copy(&source, &target).map_err(|error| Error::file("copy", &source, error))?;
    }
    sync_all_below(to)
}

/// Makes a directory and all below it survive a power cut.
pub(crate) fn sync_all_below(dir: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(|source| Error::file("read", dir, source))? {
        let path = entry
            .map_err(|source| Error::file("read", dir, source))?
            .path();
        if path.is_dir() {
            sync_all_below(&path)?;
        } else {
            File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(|source| Error::file("sync", &path, source))?;
        }
    }
    sync_dir(dir);
    Ok(())
}

/// The digest of a directory: of the relative paths and the digests of its files, in the order of the paths' bytes.
/// Empty directories do not count.
///
/// # Errors
///
/// Fails if a file cannot be read, or if a link leads to a directory.
pub fn digest_dir(dir: &Path) -> Result<Digest, Error> {
    let mut digest = DigestBuilder::new();
    for (name, path) in files_below(dir)? {
        digest.field(name.as_os_str().as_encoded_bytes());
        let file = digest_file(&path).map_err(|source| Error::file("read", &path, source))?;
        digest.field(file.as_bytes());
    }
    Ok(digest.finish())
}

/// The digest of a file's bytes.
pub(crate) fn digest_file(path: &Path) -> Result<Digest, std::io::Error> {
    let mut file = File::open(path)?;
    let mut digest = DigestBuilder::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let n_read = file.read(&mut buffer)?;
        if n_read == 0 {
            return Ok(digest.finish());
        }
        digest.update(&buffer[..n_read]);
    }
}

/// The files of a directory with their relative paths, in the order of the paths' bytes.
fn files_below(dir: &Path) -> Result<Vec<(PathBuf, PathBuf)>, Error> {
    let mut files = Vec::new();
    let mut dirs = vec![PathBuf::new()];
    while let Some(relative) = dirs.pop() {
        let place = dir.join(&relative);
        let read = |source| Error::file("read", &place, source);
        for entry in fs::read_dir(&place).map_err(read)? {
            let entry = entry.map_err(read)?;
            let (name, path) = (relative.join(entry.file_name()), entry.path());
            let kind = entry.file_type().map_err(read)?;
            if kind.is_dir() {
                dirs.push(name);
            } else if kind.is_symlink() && path.is_dir() {
                // It may lead anywhere, also back to where it lies.
                return Err(Error::file(
                    "follow the link to a directory",
                    &path,
                    std::io::ErrorKind::Unsupported.into(),
                ));
            } else {
                files.push((name, path));
            }
        }
    }
    files.sort_by(|(left, _), (right, _)| {
        let bytes = |path: &PathBuf| path.as_os_str().as_encoded_bytes().to_vec();
        bytes(left).cmp(&bytes(right))
    });
    Ok(files)
}

#[cfg(test)]
mod tests;
