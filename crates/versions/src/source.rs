//! Another repository: data and files of one of its versions, wherever it lies.
//!
//! A directory is read where it is; anything else is cloned by the `git` program, without its files. Its data comes from its
//! cache, or from the remote that its own configuration names. Nothing is changed there.

mod files;
mod list;
mod obtain;
mod scratch;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use everloop_artifacts::write_atomically;

use crate::cache::Cache;
use crate::listing::Listing;
use crate::md5::ObjectId;
use crate::repository::{Machine, Repository};
use crate::revision::Revision;
use crate::snapshot::Versioned;
use crate::tracked::is_dvc_file;
use crate::version_files::files_of;
use crate::{Error, RepoPath, git, ignore};
pub use list::Listed;
pub use scratch::Scratch;

/// A version of another repository.
#[derive(Debug)]
pub struct Source {
    /// As people name it.
    name: String,
    root: PathBuf,
    /// None where only git is used.
    repository: Option<Repository>,
    /// None: the files as they lie there.
    revision: Option<Revision>,
    data: Vec<Versioned>,
}

/// Which version of a repository is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At<'a> {
    /// The files of a directory as they are; of any other place the newest commit.
    Now,
    /// The newest commit.
    Head,
    /// A branch, tag or commit.
    Revision(&'a str),
}

/// Where a file comes from.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Data.
    Object(ObjectId),
    /// A file that git has.
    Blob,
    /// A file as it lies there.
    Disk(PathBuf),
}

/// A file or directory with its files.
pub(crate) struct Found {
    /// The files by their paths in the repository.
    pub(crate) files: BTreeMap<RepoPath, Content>,
    /// Whether it is a directory.
    pub(crate) is_dir: bool,
}

impl Source {
    /// Opens a version of a repository: of a directory, or of anything that git can clone.
    ///
    /// # Errors
    ///
    /// Fails if it is neither, or has no such version.
    pub fn open(
        place: &str,
        at: At<'_>,
        scratch: &Scratch,
        machine: &Machine,
    ) -> Result<Self, Error> {
        let dir = Path::new(place.strip_prefix("file://").unwrap_or(place));
        let is_work_tree = dir.join(".git").exists() || dir.join(".dvc").is_dir();
        if is_work_tree {
            let root = dir
                .canonicalize()
                .map_err(|error| Error::file("find", dir, error))?;
            let revision = match at {
                At::Now => None,
                At::Head => Some(Revision::find(&root, "HEAD")?),
                At::Revision(name) => Some(Revision::find(&root, name)?),
            };
            let has_data = root.join(".dvc").is_dir();
            let repository = has_data
                .then(|| Repository::open(&root, machine))
                .transpose()?;
            return Self::new(place, root, repository, revision);
        }
        let root = clone(place, scratch)?;
        let revision = match at {
            At::Revision(name) => Revision::find(&root, name).or_else(|error| {
                Revision::find(&root, &format!("origin/{name}")).map_err(|_| error)
            })?,
            _ => Revision::find(&root, "HEAD")?,
        };
        let mut repository = None;
        if let Some(text) = config_of(&root, revision.id())? {
            let file = root.join(".dvc/config");
            write_atomically(&file, &text)?;
            repository = Some(Repository::open(&root, machine)?);
        }
        Self::new(place, root, repository, Some(revision))
    }

    fn new(
        name: &str,
        root: PathBuf,
        repository: Option<Repository>,
        revision: Option<Revision>,
    ) -> Result<Self, Error> {
        let data = match (&repository, &revision) {
            (Some(repository), Some(revision)) => repository.snapshot(revision)?,
            (Some(repository), None) => repository.present()?,
            (None, _) => Vec::new(),
        };
        Ok(Self {
            name: name.to_owned(),
            root,
            repository,
            revision,
            data,
        })
    }

    /// The commit; none for files as they lie.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        self.revision.as_ref().map(Revision::id)
    }

    /// What the version tracks.
    #[must_use]
    pub fn data(&self) -> &[Versioned] {
        &self.data
    }

    /// The files at and below a path. Listings that are needed for it come into `store`.
    pub(crate) fn find(&self, path: &RepoPath, store: &Cache) -> Result<Found, Error> {
        let listing = |one: &Versioned, object: ObjectId| -> Result<Listing, Error> {
            self.obtain(one.remote.as_deref(), &[object], store)?;
            self.holder(object, store)?.listing(object)
        };
        let mut files = BTreeMap::new();
        for file in files_of(&self.data, path, &listing)? {
            files.insert(file.path, Content::Object(file.object));
        }
        if let Some(revision) = &self.revision {
            let is_plain = |file: &&RepoPath| file.is_in(path) && !is_of_dvc(file);
            for file in revision.files().filter(is_plain) {
                files.entry(file.clone()).or_insert(Content::Blob);
            }
        } else {
            let mut lying = BTreeMap::new();
            lying_at(&self.root, path, &mut lying)?;
            files.extend(lying.into_iter().filter(|(file, _)| !is_of_dvc(file)));
        }
        if files.is_empty() {
            let at = self
                .commit()
                .map_or(String::new(), |commit| format!(" at {commit}"));
            return Err(Error::NotFound {
                what: format!("`{}` has no `{path}`{at}", self.name),
            });
        }
        let is_dir = !files.contains_key(path);
        Ok(Found { files, is_dir })
    }
}

/// A file as seen from a path above it, or an empty text for the path itself.
fn relative(file: &RepoPath, path: &RepoPath) -> String {
    let below = file.as_str().strip_prefix(path.as_str());
    below
        .unwrap_or(file.as_str())
        .trim_start_matches('/')
        .to_owned()
}

/// Whether a file tells of data, and is none.
fn is_of_dvc(file: &RepoPath) -> bool {
    is_dvc_file(file.name()) || file.name() == "dvc.yaml" || file.name() == ignore::FILE
}

/// The files of a directory as they lie there.
fn lying_at(
    root: &Path,
    path: &RepoPath,
    files: &mut BTreeMap<RepoPath, Content>,
) -> Result<(), Error> {
    let place = path.under(root);
    let read = |error| Error::file("read", &place, error);
    let metadata = match fs::metadata(&place) {
        Ok(metadata) => metadata,
        Err(error) if crate::scan::is_absent(&error) => return Ok(()),
        Err(error) => return Err(read(error)),
    };
    if !metadata.is_dir() {
        files.insert(path.clone(), Content::Disk(place));
        return Ok(());
    }
    for entry in fs::read_dir(&place).map_err(read)? {
        let entry = entry.map_err(read)?;
        let is_dir = entry.file_type().map_err(read)?.is_dir();
        let name = entry.file_name().into_string().unwrap_or_default();
        let is_inner = name.is_empty() || (is_dir && (name == ".git" || name == ".dvc"));
        // A link to a directory may lead anywhere.
        if is_inner || (!is_dir && entry.path().is_dir()) {
            continue;
        }
        if let Ok(below) = path.join(&name) {
            lying_at(root, &below, files)?;
        }
    }
    Ok(())
}

/// The configuration that a commit has; none if it tracks no data. (Its path is none of data: a revision leaves it out.)
fn config_of(root: &Path, commit: &str) -> Result<Option<Vec<u8>>, Error> {
    let output = git::git(
        root,
        &["cat-file", "blob", &format!("{commit}:.dvc/config")],
    )
    .output();
    let output = output.map_err(|error| Error::file("run git in", root, error))?;
    Ok(output.status.success().then_some(output.stdout))
}

/// Clones a repository without its files.
fn clone(place: &str, scratch: &Scratch) -> Result<PathBuf, Error> {
    let root = scratch
        .path()
        .join(format!("clone-{}", crate::Md5::of(place.as_bytes())));
    if root.exists() {
        return Ok(root);
    }
    let mut command = Command::new("git");
    command
        .args(["clone", "--quiet", "--no-checkout", "--", place])
        .arg(&root);
    // Nobody is there to answer.
    command.env("GIT_TERMINAL_PROMPT", "0");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let output = command.output();
    let output = output.map_err(|error| Error::file("run git in", scratch.path(), error))?;
    if output.status.success() && git::is_used(&root) {
        return Ok(root);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::NotFound {
        what: format!(
            "`{place}` is no repository that can be read: {}",
            said.trim()
                .lines()
                .last()
                .unwrap_or("git does not clone it")
        ),
    })
}
