//! What is in the workspace: digests of a file, or of all files of a directory.

use std::fs::{self, Metadata};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::cache::{Cache, check_same, file_id};
use crate::dvc_file::Recorded;
use crate::ignore::{self, Ignore};
use crate::known::Known;
use crate::listing::Listing;
use crate::md5::{Hashing, Md5, ObjectId};
use crate::{Error, RepoPath, parallel};

/// A file or directory as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A file.
    File {
        /// Of its bytes.
        md5: Md5,
        /// Bytes.
        size: u64,
        /// Whether its owner may execute it.
        is_executable: bool,
    },
    /// A directory.
    Dir {
        /// Its files.
        listing: Listing,
        /// Bytes of all files.
        size: u64,
    },
}

impl Content {
    /// What a new `.dvc` file says of it.
    pub(crate) fn recorded(&self) -> Recorded {
        match self {
            Self::File {
                md5,
                size,
                is_executable,
            } => Recorded {
                object: file_id(*md5),
                size: Some(*size),
                n_files: None,
                is_executable: *is_executable,
            },
            Self::Dir { listing, size } => Recorded {
                object: listing.object().0,
                size: Some(*size),
                n_files: Some(listing.files().len() as u64),
                is_executable: false,
            },
        }
    }

    /// The files with paths relative to it; a file has the empty path.
    pub(crate) fn files(&self) -> Vec<(String, Md5)> {
        match self {
            Self::File { md5, .. } => vec![(String::new(), *md5)],
            Self::Dir { listing, .. } => listing.files().to_vec(),
        }
    }

    /// The object of it, as it was hashed.
    pub(crate) fn object(&self, hashing: Hashing) -> ObjectId {
        ObjectId {
            hashing,
            ..self.recorded().object
        }
    }
}

/// A file that was found.
struct Found {
    /// Below the root.
    name: String,
    path: PathBuf,
    metadata: Metadata,
}

/// What becomes of content that is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose<'a> {
    /// It is compared with what was recorded in a way of hashing.
    Compare(Hashing),
    /// It is kept in a cache.
    Keep(&'a Cache),
}

/// Looks at a path of the workspace; `None` if nothing is there.
pub(crate) fn scan(
    root: &Path,
    path: &RepoPath,
    known: &mut Known,
    purpose: Purpose<'_>,
) -> Result<Option<Content>, Error> {
    let place = path.under(root);
    let metadata = match fs::metadata(&place) {
        Ok(metadata) => metadata,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(Error::file("read", &place, error)),
    };
    if metadata.is_file() {
        let is_executable = metadata.permissions().mode() & 0o100 != 0;
        let size = metadata.len();
        let file = Found {
            name: path.as_str().to_owned(),
            path: place,
            metadata,
        };
        let md5s = digests(&[file], known, purpose)?;
        return Ok(md5s.first().map(|md5| Content::File {
            md5: *md5,
            size,
            is_executable,
        }));
    }
    if !metadata.is_dir() {
        return Err(odd(path, "it is neither a file nor a directory"));
    }
    if place.is_symlink() {
        return Err(odd(
            path,
            "it is a link to a directory; name the directory itself",
        ));
    }
    let above = Ignore::of(root, &path.parent())?;
    let mut search = Search {
        root,
        is_complete: matches!(purpose, Purpose::Keep(_)),
        files: Vec::new(),
    };
    search.find(path, &above)?;
    let files = search.files;
    let md5s = digests(&files, known, purpose)?;
    let size = files.iter().map(|file| file.metadata.len()).sum();
    let below = |file: &Found| file.name[path.as_str().len() + 1..].to_owned();
    let listing = Listing::new(files.iter().map(below).zip(md5s).collect());
    if let Purpose::Keep(cache) = purpose {
        cache.keep_listing(&listing)?;
    }
    Ok(Some(Content::Dir { listing, size }))
}

pub(crate) fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Io;
    matches!(error.kind(), Io::NotFound | Io::NotADirectory)
}

fn odd(path: impl std::fmt::Display, problem: &str) -> Error {
    Error::Path {
        path: path.to_string(),
        problem: problem.to_owned(),
    }
}

/// A walk through a directory.
struct Search<'a> {
    root: &'a Path,
    /// Whether all must be readable; otherwise links to objects that are gone are absent files.
    is_complete: bool,
    files: Vec<Found>,
}

impl Search<'_> {
    fn find(&mut self, dir: &RepoPath, above: &Ignore) -> Result<(), Error> {
        let place = dir.under(self.root);
        let read = |error| Error::file("read", &place, error);
        let ignore = above.within(self.root, dir)?;
        for entry in fs::read_dir(&place).map_err(read)? {
            let entry = entry.map_err(read)?;
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                return Err(odd(
                    path.display(),
                    "its name is no UTF-8, which DVC's format cannot write; rename it or leave it out with `.dvcignore`",
                ));
            };
            // Not even a path of data; a file named `.dvc` is refused below.
            if name != ".git" && !(name == ".dvc" && path.is_dir()) {
                self.enter(&ignore, dir.join(&name)?, path)?;
            }
        }
        Ok(())
    }

    fn enter(&mut self, ignore: &Ignore, name: RepoPath, path: PathBuf) -> Result<(), Error> {
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if is_absent(&error) && path.is_symlink() && !self.is_complete => {
                return Ok(());
            }
            Err(error) => return Err(Error::file("read", &path, error)),
        };
        if ignore.leaves_out(name.as_str(), metadata.is_dir()) {
            return Ok(());
        }
        if name.name() == ignore::FILE {
            return Err(odd(
                name,
                "DVC refuses its own file inside data; move it above",
            ));
        }
        if metadata.is_dir() {
            if path.is_symlink() {
                return Err(odd(
                    name,
                    "it is a link to a directory, which may lead anywhere",
                ));
            }
            return self.find(&name, ignore);
        }
        if !metadata.is_file() {
            return Err(odd(name, "it is neither a file nor a directory"));
        }
        self.files.push(Found {
            name: name.as_str().to_owned(),
            path,
            metadata,
        });
        Ok(())
    }
}

/// The digests of files, from memory where they have not changed. Those of DVC 2 are not remembered.
fn digests(files: &[Found], known: &mut Known, purpose: Purpose<'_>) -> Result<Vec<Md5>, Error> {
    let md5s = parallel::map(files, |file| {
        let remembered = known.get(&file.name, &file.metadata);
        match (remembered, purpose) {
            (Some(md5), Purpose::Compare(Hashing::Plain)) => Ok((md5, false)),
            (Some(md5), Purpose::Keep(cache)) if cache.has(file_id(md5))? => Ok((md5, false)),
            (_, Purpose::Keep(cache)) => Ok((cache.keep(&file.path, &file.metadata)?, true)),
            (_, Purpose::Compare(hashing)) => {
                let read = |error| Error::file("read", &file.path, error);
                let (md5, _) = hashing.of_file(&file.path).map_err(read)?;
                check_same(&file.path, &file.metadata)?;
                Ok((md5, hashing == Hashing::Plain))
            }
        }
    })?;
    let new = files.iter().zip(&md5s).filter(|(_, (_, is_new))| *is_new);
    known.add(new.map(|(file, (md5, _))| (file.name.as_str(), &file.metadata, *md5)));
    Ok(md5s.into_iter().map(|(md5, _)| md5).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dir: &Path, path: &str) -> Result<Option<Content>, Error> {
        let path = RepoPath::default().join(path).unwrap();
        let mut known = Known::load(&dir.join(".dvc/tmp"));
        scan(dir, &path, &mut known, Purpose::Compare(Hashing::Plain))
    }

    #[test]
    fn a_directory_has_the_digest_that_dvc_gives_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("data/sub/empty")).unwrap();
        fs::write(dir.path().join("data/a"), "a\n").unwrap();
        fs::write(dir.path().join("data/sub/b"), "b\n").unwrap();
        fs::create_dir(dir.path().join("data/sub/.git")).unwrap();
        fs::write(dir.path().join("data/sub/.git/config"), "x").unwrap();
        fs::write(dir.path().join("data/sub/x.tmp"), "x").unwrap();
        fs::write(dir.path().join(".dvcignore"), "*.tmp\n").unwrap();
        let recorded = of(dir.path(), "data").unwrap().unwrap().recorded();
        assert_eq!((recorded.size, recorded.n_files), (Some(4), Some(2)));
        // `dvc add data` of DVC 3.67.1 on the same files.
        let text = r#"[{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "a"}, {"md5": "3b5d5c3712955042212316173ccf37be", "relpath": "sub/b"}]"#;
        assert_eq!(recorded.object.md5, Md5::of(text.as_bytes()));
        assert_eq!(of(dir.path(), "absent").unwrap(), None);
    }

    #[test]
    fn odd_things_are_named() {
        use std::os::unix::ffi::OsStrExt as _;
        let check = |make: &dyn Fn(&Path), words: &str| {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("data")).unwrap();
            make(&dir.path().join("data"));
            let error = of(dir.path(), "data").unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        check(
            &|data| fs::write(data.join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap(),
            "no UTF-8",
        );
        check(
            &|data| std::os::unix::fs::symlink("..", data.join("up")).unwrap(),
            "link to a directory",
        );
        check(
            &|data| fs::write(data.join(".dvcignore"), "").unwrap(),
            "inside data",
        );
    }
}
