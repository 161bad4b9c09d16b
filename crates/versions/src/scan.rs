//! What is in the workspace: digests of a file, or of all files of a directory.

mod digest;
mod search;

use std::fs::{self, Metadata};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::cache::{Cache, file_id};
use crate::dvc_file::Recorded;
use crate::keep::{Kept, Seen};
use crate::known::{Known, Stamp};
use crate::links::Link;
use crate::listing::Listing;
use crate::md5::{Hashing, Md5, ObjectId};
use crate::{Error, RepoPath};
use digest::digest;
use search::find;

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
        /// Whether it was kept, and is no name of the object, as it should be.
        loose: Vec<Loose>,
    },
    /// A directory.
    Dir {
        /// The digest of the listing.
        object: ObjectId,
        /// Its files.
        listing: Listing,
        /// Bytes of all files.
        size: u64,
        /// Those that were kept, and are no names of their objects, as they should be.
        loose: Vec<Loose>,
    },
}

/// A file of the workspace that is to be replaced by a link to its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loose {
    /// Below what was looked at.
    pub(crate) path: String,
    pub(crate) md5: Md5,
    /// As it was when it was read.
    pub(crate) stamp: Stamp,
}

impl Content {
    /// What a new `.dvc` file says of it.
    pub(crate) fn recorded(&self) -> Recorded {
        match self {
            Self::File {
                md5,
                size,
                is_executable,
                ..
            } => Recorded {
                object: file_id(*md5),
                size: Some(*size),
                n_files: None,
                is_executable: *is_executable,
            },
            Self::Dir {
                object,
                listing,
                size,
                ..
            } => Recorded {
                object: *object,
                size: Some(*size),
                n_files: Some(listing.files().len() as u64),
                is_executable: false,
            },
        }
    }

    /// The files with paths relative to it (a file has the empty path), and those that are to become names of their objects: none
    /// of a program.
    pub(crate) fn into_parts(self) -> (Listing, Vec<Loose>) {
        match self {
            Self::File {
                md5,
                is_executable,
                mut loose,
                ..
            } => {
                if is_executable {
                    loose.clear();
                }
                (Listing::new(vec![(String::new(), md5)]), loose)
            }
            Self::Dir { listing, loose, .. } => (listing, loose),
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
    /// Below what is looked at; a file that is looked at itself has the empty path.
    name: String,
    seen: Seen,
    digest: Digest,
}

/// What is known of the digest of a file.
#[derive(Clone, Copy)]
enum Digest {
    /// Nothing.
    Unknown,
    /// What it was when the file was last read; it has not changed.
    Remembered(Md5),
    /// That of its bytes now, remembered or not.
    Now { kept: Kept, is_new: bool },
}

impl Found {
    fn md5(&self) -> Option<Md5> {
        match self.digest {
            Digest::Unknown => None,
            Digest::Remembered(md5) => Some(md5),
            Digest::Now { kept, .. } => Some(kept.md5),
        }
    }
}

/// Where files that were found are.
struct Place<'a> {
    /// What is looked at, below the root.
    path: &'a RepoPath,
    place: PathBuf,
}

impl Place<'_> {
    fn file(&self, name: &str) -> PathBuf {
        match name {
            "" => self.place.clone(),
            name => self.place.join(name),
        }
    }
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
    let place = Place {
        path,
        place: path.under(root),
    };
    let metadata = match fs::metadata(&place.place) {
        Ok(metadata) => metadata,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(Error::file("read", &place.place, error)),
    };
    let is_link = place.place.is_symlink();
    if metadata.is_file() {
        return file(&place, &metadata, is_link, known, purpose).map(Some);
    }
    if !metadata.is_dir() {
        return Err(odd(path, "it is neither a file nor a directory"));
    }
    if is_link {
        return Err(odd(
            path,
            "it is a link to a directory; name the directory itself",
        ));
    }
    dir(root, &place, known, purpose).map(Some)
}

fn file(
    place: &Place<'_>,
    metadata: &Metadata,
    is_link: bool,
    known: &mut Known,
    purpose: Purpose<'_>,
) -> Result<Content, Error> {
    let found = Found {
        name: String::new(),
        seen: seen(metadata, is_link),
        digest: Digest::Unknown,
    };
    let mut files = [found];
    digest(place, &mut files, known, purpose)?;
    let Some(md5) = files.first().and_then(Found::md5) else {
        return Err(odd(place.path, "it was not read"));
    };
    Ok(Content::File {
        md5,
        size: metadata.len(),
        is_executable: metadata.permissions().mode() & 0o100 != 0,
        loose: loose(&files, purpose),
    })
}

fn dir(
    root: &Path,
    place: &Place<'_>,
    known: &mut Known,
    purpose: Purpose<'_>,
) -> Result<Content, Error> {
    let is_complete = matches!(purpose, Purpose::Keep(_));
    let mut files = find(root, place, is_complete, &known.progress)?;
    digest(place, &mut files, known, purpose)?;
    let size = files.iter().map(|file| file.seen.stamp.size).sum();
    let loose = loose(&files, purpose);
    let files = files.into_iter();
    let files = files.filter_map(|file| file.md5().map(|md5| (file.name, md5)));
    let listing = Listing::new(files.collect());
    let object = match purpose {
        Purpose::Keep(cache) => cache.keep_listing(&listing)?,
        Purpose::Compare(_) => listing.object().0,
    };
    Ok(Content::Dir {
        object,
        listing,
        size,
        loose,
    })
}

fn seen(metadata: &Metadata, is_link: bool) -> Seen {
    Seen {
        stamp: Stamp::of(metadata),
        mode: metadata.permissions().mode(),
        is_link,
    }
}

/// What was kept and is no name of its object, where it should be.
fn loose(files: &[Found], purpose: Purpose<'_>) -> Vec<Loose> {
    let Purpose::Keep(cache) = purpose else {
        return Vec::new();
    };
    if !cache.links().current().is_some_and(Link::is_shared) {
        return Vec::new();
    }
    let loose = |file: &Found| match file.digest {
        Digest::Now { kept, .. } if !kept.is_object => Some(Loose {
            path: file.name.clone(),
            md5: kept.md5,
            stamp: file.seen.stamp,
        }),
        _ => None,
    };
    files.iter().filter_map(loose).collect()
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
