//! Copying a directory of artifacts into our store.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use everloop_artifacts::{StorageKey, Store};

use crate::Error;

/// How much of a file is read at once.
const PIECE_BYTES: usize = 1 << 20;

/// Copies all files below a directory to keys below a prefix; gives how many there were. Links are not followed: they may
/// lead anywhere.
pub(crate) async fn copy(dir: &Path, store: &Store, prefix: &str) -> Result<u64, Error> {
    let mut n_files = 0;
    for path in files(dir)? {
        let below = path.strip_prefix(dir).unwrap_or(&path);
        let below = below
            .to_str()
            .ok_or_else(|| Error::nonsense(&path, "its name is no UTF-8"))?;
        let key = StorageKey::parse(&format!("{prefix}/{below}"))?;
        let file = File::open(&path).map_err(|source| Error::read(&path, source))?;
        let pieces = futures::stream::iter(Pieces(file));
        store.put_stream(&key, pieces).await?;
        n_files += 1;
    }
    Ok(n_files)
}

/// All plain files below a directory, in the order of their names; none if it is not there.
fn files(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        let entries = match std::fs::read_dir(&dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries.map_err(|source| Error::read(&dir, source))?,
        };
        for entry in entries {
            let entry = entry.map_err(|source| Error::read(&dir, source))?;
            let kind = entry.file_type();
            let kind = kind.map_err(|source| Error::read(&entry.path(), source))?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The bytes of a file, piece by piece.
struct Pieces(File);

impl Iterator for Pieces {
    type Item = std::io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut piece = vec![0; PIECE_BYTES];
        match self.0.read(&mut piece) {
            Ok(0) => None,
            Ok(n_bytes) => {
                piece.truncate(n_bytes);
                Some(Ok(piece.into()))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_are_copied_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        std::fs::create_dir_all(from.join("a/b")).unwrap();
        std::fs::write(from.join("a/b/large"), vec![7; PIECE_BYTES + 5]).unwrap();
        std::fs::write(from.join("empty"), "").unwrap();
        std::fs::write(dir.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), from.join("link")).unwrap();
        let store = Store::local(&dir.path().join("to")).unwrap();
        assert_eq!(copy(&from, &store, "1/r/artifacts").await.unwrap(), 2);
        let key = |path: &str| StorageKey::parse(&format!("1/r/artifacts/{path}")).unwrap();
        let large = store.get(&key("a/b/large")).await.unwrap();
        assert_eq!(large, vec![7; PIECE_BYTES + 5]);
        assert!(store.exists(&key("empty")).await.unwrap());
        assert!(!store.exists(&key("link")).await.unwrap());
        assert_eq!(
            copy(&dir.path().join("none"), &store, "x").await.unwrap(),
            0
        );
    }
}
