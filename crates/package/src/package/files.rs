//! Files of a package: reading, durable writing, the digest over them.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use everloop_domain::{Digest, DigestBuilder};

use crate::Error;

/// How deep the directories of a package may be nested.
const MAX_DEPTH: usize = 32;

/// The digest of a package directory: over the names (relative, with `/`) and bytes of all its
/// files, sorted by name. Times and permissions do not count.
///
/// # Errors
///
/// Fails if the directory cannot be read or holds anything but files and directories.
pub fn digest(dir: &Path) -> Result<Digest, Error> {
    let mut files = Vec::new();
    collect(dir, "", 0, &mut files)?;
    files.sort();
    let mut digest = DigestBuilder::new();
    let mut buffer = vec![0; 1 << 16];
    for (name, path) in files {
        digest.field(&name);
        let size = fs::metadata(&path)
            .map_err(|source| failed("read", &path, source))?
            .len();
        digest.update(size.to_le_bytes());
        let mut file = File::open(&path).map_err(|source| failed("open", &path, source))?;
        loop {
            let n_read = file
                .read(&mut buffer)
                .map_err(|source| failed("read", &path, source))?;
            if n_read == 0 {
                break;
            }
            digest.update(&buffer[..n_read]);
        }
    }
    Ok(digest.finish())
}

fn collect(
    dir: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<(String, PathBuf)>,
) -> Result<(), Error> {
    let wrong = |path: &Path, problem: &str| Error::Package {
        path: path.to_path_buf(),
        problem: problem.to_owned(),
    };
    if depth > MAX_DEPTH {
        return Err(wrong(dir, "its directories are nested too deeply"));
    }
    for entry in fs::read_dir(dir).map_err(|source| failed("list", dir, source))? {
        let entry = entry.map_err(|source| failed("list", dir, source))?;
        let path = entry.path();
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| wrong(&path, "its name is not UTF-8"))?;
        let kind = entry
            .file_type()
            .map_err(|source| failed("read", &path, source))?;
        let name = format!("{prefix}{name}");
        if kind.is_dir() {
            collect(&path, &format!("{name}/"), depth + 1, files)?;
        } else if kind.is_file() {
            files.push((name, path));
        } else {
            return Err(wrong(&path, "it is neither a file nor a directory"));
        }
    }
    Ok(())
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| failed("read", path, source))
}

/// Writes a file and waits until it is on the disk.
pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| failed("write", path, source))
}

/// Waits until the entries of a directory are on the disk.
pub(super) fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(|source| failed("sync", dir, source))
}

pub(super) fn failed(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        action,
        path: path.to_path_buf(),
        source,
    }
}
