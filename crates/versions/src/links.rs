//! How data gets from the cache into the workspace and back: by reflink, hard link, symbolic link or copy.

use std::fs::{self, File, Permissions};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::Error;
use crate::stream::{SMALL, read_small};

/// A way to have one content at two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Shared blocks, separate on writing; not every file system has it.
    Reflink,
    /// One file with two names; both are read-only.
    Hardlink,
    /// A pointer to the cache; the object is read-only.
    Symlink,
    /// A second file.
    Copy,
}

/// The ways that are configured, in their order, and which of them work here.
#[derive(Debug)]
pub(crate) struct Links {
    kinds: Vec<Link>,
    first: AtomicUsize,
}

static COUNTER: AtomicU64 = AtomicU64::new(0);
/// Of this process: the numbers of processes come again, in containers almost at once.
static TOKEN: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());

impl Links {
    /// Reads `cache.type`: names with commas between them.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, Error> {
        let names = text.unwrap_or("reflink,copy").split(',');
        let kinds: Result<Vec<Link>, Error> = names
            .map(|name| match name.trim() {
                "reflink" => Ok(Link::Reflink),
                "hardlink" => Ok(Link::Hardlink),
                "symlink" => Ok(Link::Symlink),
                "copy" => Ok(Link::Copy),
                other => Err(Error::form(
                    "cache.type",
                    format!("`{other}` is none of reflink, hardlink, symlink and copy"),
                )),
            })
            .collect();
        Ok(Self {
            kinds: kinds?,
            first: AtomicUsize::new(0),
        })
    }

    /// Ways that share nothing.
    pub(crate) fn copies() -> Self {
        Self {
            kinds: vec![Link::Reflink, Link::Copy],
            first: AtomicUsize::new(0),
        }
    }

    /// The way that is tried now.
    pub(crate) fn current(&self) -> Option<Link> {
        self.kinds.get(self.first.load(Ordering::Relaxed)).copied()
    }

    /// The way that was tried does not work here.
    pub(crate) fn give_up(&self, link: Link) {
        let index = self.kinds.iter().position(|kind| *kind == link);
        if let Some(index) = index {
            self.first.fetch_max(index + 1, Ordering::Relaxed);
        }
    }

    /// Makes `to`, which must not exist, from an object. `None`: no configured way works here.
    pub(crate) fn make(&self, object: &Path, to: &Path) -> Result<Option<Link>, Error> {
        while let Some(link) = self.current() {
            match link.make(object, to) {
                Ok(()) => return Ok(Some(link)),
                Err(error) if is_unsupported(&error) && link != Link::Copy => self.give_up(link),
                Err(error) => return Err(Error::file("write", to, error)),
            }
        }
        Ok(None)
    }
}

impl Link {
    /// Makes `to`, which must not exist.
    pub(crate) fn make(self, from: &Path, to: &Path) -> Result<(), std::io::Error> {
        match self {
            Self::Reflink => {
                let (source, target) = (File::open(from)?, File::create_new(to)?);
                rustix::fs::ioctl_ficlone(&target, &source).map_err(|error| {
                    // An empty file of a way that does not work.
                    let _ = fs::remove_file(to);
                    error.into()
                })
            }
            Self::Hardlink => fs::hard_link(from, to),
            Self::Symlink => std::os::unix::fs::symlink(from, to),
            Self::Copy => {
                // Not `fs::copy`, which would make the copy as read-only as the object.
                let (source, target) = (File::open(from)?, File::create_new(to)?);
                copy(&source, &target).inspect_err(|_| {
                    let _ = fs::remove_file(to);
                })
            }
        }
    }

    /// Whether the place shares the object, so that a change of one would change the other.
    pub(crate) fn is_shared(self) -> bool {
        matches!(self, Self::Hardlink | Self::Symlink)
    }
}

fn copy(mut source: &File, mut target: &File) -> Result<(), std::io::Error> {
    let size = source.metadata()?.len();
    if size <= SMALL {
        // One call for all, where the system's way to copy takes several.
        let bytes = read_small(source, size)?;
        target.write_all(&bytes)?;
        if bytes.len() as u64 <= size {
            return Ok(());
        }
    }
    // All of a large file, or what a small one has grown by.
    std::io::copy(&mut source, &mut target).map(drop)
}

/// Whether a file system cannot do what was asked, or not between these two places.
pub(crate) fn is_unsupported(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let codes = [
        Errno::OPNOTSUPP,
        Errno::NOTTY,
        Errno::INVAL,
        Errno::XDEV,
        Errno::NOSYS,
        Errno::PERM,
        Errno::MLINK,
        Errno::TXTBSY,
    ];
    codes
        .iter()
        .any(|code| error.raw_os_error() == Some(code.raw_os_error()))
}

/// A name for a temporary file in a directory.
pub(crate) fn temporary(dir: &Path) -> PathBuf {
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    dir.join(format!("everloop-{:x}-{number}.tmp", *TOKEN))
}

/// Sets the mode of a file.
pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|error| Error::file("change the mode of", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_gives_the_content() {
        let dir = tempfile::tempdir().unwrap();
        let object = dir.path().join("object");
        fs::write(&object, "x").unwrap();
        set_mode(&object, 0o444).unwrap();
        for (name, can_be_written) in [
            ("reflink,copy", true),
            ("hardlink", false),
            ("symlink,copy", false),
            (" copy", true),
        ] {
            let to = dir.path().join("to");
            let links = Links::parse(Some(name)).unwrap();
            let link = links.make(&object, &to).unwrap().unwrap();
            assert_eq!(fs::read(&to).unwrap(), b"x");
            let mode = fs::metadata(&to).unwrap().permissions().mode();
            assert_eq!(mode & 0o200 != 0, can_be_written, "{name}");
            assert_eq!(link.is_shared(), !can_be_written);
            fs::remove_file(&to).unwrap();
        }
        assert!(Links::parse(Some("copy,teleport")).is_err());
    }
}
