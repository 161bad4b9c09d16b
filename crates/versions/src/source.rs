//! Another repository: data and files of one of its versions, wherever it lies.
//!
//! A directory is read where it is; anything else is cloned by the `git` program, without its files. Its data comes from its
//! cache, or from the remote that its own configuration names. Nothing is changed there.

mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use everloop_artifacts::write_atomically;

use crate::cache::Cache;
use crate::dvc_file::Recorded;
use crate::keep::Seen;
use crate::known::Stamp;
use crate::links::{Links, temporary};
use crate::listing::Listing;
use crate::md5::{Hashing, ObjectId};
use crate::repository::{Machine, Repository};
use crate::revision::Revision;
use crate::snapshot::Versioned;
use crate::tracked::is_dvc_file;
use crate::transfer::Transferred;
use crate::version_files::files_of;
use crate::{Error, RepoPath, git, ignore, parallel};
pub use list::Listed;

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

/// A directory for what is needed for a while only. It goes with its value.
#[derive(Debug)]
pub struct Scratch {
    dir: PathBuf,
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

impl Scratch {
    /// A directory of our own in another one, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be made.
    pub fn new(above: &Path) -> Result<Self, Error> {
        let dir = above.join(format!(".everloop-{}", std::process::id()));
        // One that is left of a process of the same number is nobody's.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).map_err(|error| Error::file("create", &dir, error))?;
        Ok(Self { dir })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is named as ours, and the next process of the number removes it.
        let _ = fs::remove_dir_all(&self.dir);
    }
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

    /// Keeps the files at and below a path in a cache, and tells their state there.
    ///
    /// # Errors
    ///
    /// Fails if there are none, or if they cannot be had.
    pub(crate) fn keep(
        &self,
        path: &RepoPath,
        store: &Cache,
        scratch: &Scratch,
    ) -> Result<Recorded, Error> {
        let found = self.find(path, store)?;
        self.obtain_all(&found, store)?;
        let mut blobs = self.blobs(&found)?;
        let mut kept = Vec::new();
        let mut size = 0;
        let objects: BTreeSet<ObjectId> = found.files.values().filter_map(plain_object).collect();
        let objects: Vec<ObjectId> = objects.into_iter().collect();
        parallel::map(&objects, |object| {
            if !store.has(*object)? {
                store.take(*object, self.holder(*object, store)?)?;
            }
            Ok(())
        })?;
        for (file, content) in &found.files {
            let md5 = if let Some(object) = plain_object(content) {
                object.md5
            } else {
                let copy = temporary(scratch.path());
                self.write(content, blobs.remove(file), &copy, store)?;
                let metadata = fs::metadata(&copy);
                let metadata = metadata.map_err(|error| Error::file("read", &copy, error))?;
                let seen = Seen {
                    stamp: Stamp::of(&metadata),
                    mode: metadata.mode(),
                    is_link: false,
                };
                let md5 = store.keep(&copy, &seen)?.md5;
                // Else it goes with all of the scratch.
                let _ = fs::remove_file(&copy);
                md5
            };
            let place = store.path(crate::cache::file_id(md5));
            let metadata = fs::metadata(&place);
            size += metadata
                .map_err(|error| Error::file("read", &place, error))?
                .len();
            kept.push((relative(file, path), md5));
        }
        let n_files = kept.len() as u64;
        let object = match (found.is_dir, kept.first()) {
            (false, Some((_, md5))) => crate::cache::file_id(*md5),
            _ => store.keep_listing(&Listing::new(kept))?,
        };
        Ok(Recorded {
            object,
            size: Some(size),
            n_files: found.is_dir.then_some(n_files),
            is_executable: false,
        })
    }

    /// Writes the files at and below a path to a place that is not there yet, or with `is_forced` over what is there.
    ///
    /// # Errors
    ///
    /// Fails if there are none, if they cannot be had, or if the place is taken.
    pub fn get(
        &self,
        path: &RepoPath,
        out: &Path,
        is_forced: bool,
        scratch: &Scratch,
    ) -> Result<usize, Error> {
        if out.symlink_metadata().is_ok() && !is_forced {
            return Err(Error::Conflict {
                what: format!("`{}` exists; `--force` replaces it", out.display()),
            });
        }
        let store = Cache::new(&scratch.path().join("cache"), Links::copies());
        let found = self.find(path, &store)?;
        self.obtain_all(&found, &store)?;
        let mut blobs = self.blobs(&found)?;
        let staged = scratch.path().join("files");
        for (file, content) in &found.files {
            let place = match relative(file, path) {
                file if file.is_empty() => staged.clone(),
                file => staged.join(file),
            };
            let dir = place.parent().unwrap_or(&staged);
            fs::create_dir_all(dir).map_err(|error| Error::file("create", dir, error))?;
            self.write(content, blobs.remove(file), &place, &store)?;
        }
        // What was there goes only now that all of it is here.
        let failed = |error| Error::file("write", out, error);
        match fs::symlink_metadata(out) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(out).map_err(failed)?,
            Ok(_) => fs::remove_file(out).map_err(failed)?,
            Err(_) => {}
        }
        fs::rename(&staged, out).map_err(failed)?;
        Ok(found.files.len())
    }

    /// Writes a file anew; an object is checked on its way.
    fn write(
        &self,
        content: &Content,
        blob: Option<Vec<u8>>,
        place: &Path,
        store: &Cache,
    ) -> Result<(), Error> {
        let failed = |error| Error::file("write", place, error);
        match content {
            Content::Blob => fs::write(place, blob.unwrap_or_default()).map_err(failed),
            Content::Disk(from) => {
                let mut from =
                    fs::File::open(from).map_err(|error| Error::file("read", from, error))?;
                let mut to = fs::File::create_new(place).map_err(failed)?;
                std::io::copy(&mut from, &mut to)
                    .map(|_| ())
                    .map_err(failed)
            }
            Content::Object(object) => {
                let from = self.holder(*object, store)?.path(*object);
                let mut file =
                    fs::File::open(&from).map_err(|error| Error::file("read", &from, error))?;
                let mut to = fs::File::create_new(place).map_err(failed)?;
                let (md5, _) = object.hashing.copy(&mut file, &mut to).map_err(failed)?;
                if md5 == object.md5 {
                    return Ok(());
                }
                Err(Error::Damaged {
                    object: object.to_string(),
                    place: from.display().to_string(),
                    problem: format!("its bytes have the MD5 {md5}"),
                })
            }
        }
    }

    /// The contents of files that git has.
    fn blobs(&self, found: &Found) -> Result<BTreeMap<RepoPath, Vec<u8>>, Error> {
        let Some(revision) = &self.revision else {
            return Ok(BTreeMap::new());
        };
        let blobs = found
            .files
            .iter()
            .filter(|(_, content)| matches!(content, Content::Blob));
        let paths: Vec<&RepoPath> = blobs.map(|(path, _)| path).collect();
        let contents = revision.read_all(&paths)?;
        let both = paths.into_iter().cloned().zip(contents);
        Ok(both
            .filter_map(|(path, content)| Some((path, content?)))
            .collect())
    }

    /// Gets all objects that are needed and are neither in the source's cache nor in `store`.
    fn obtain_all(&self, found: &Found, store: &Cache) -> Result<(), Error> {
        let mut by_remote: BTreeMap<Option<&str>, Vec<ObjectId>> = BTreeMap::new();
        for (file, content) in &found.files {
            if let Content::Object(object) = content {
                let one = self.data.iter().find(|one| file.is_in(&one.path));
                let remote = one.and_then(|one| one.remote.as_deref());
                by_remote.entry(remote).or_default().push(*object);
            }
        }
        for (remote, objects) in by_remote {
            self.obtain(remote, &objects, store)?;
        }
        Ok(())
    }

    fn obtain(
        &self,
        remote: Option<&str>,
        objects: &[ObjectId],
        store: &Cache,
    ) -> Result<(), Error> {
        let mut absent = Vec::new();
        for object in objects {
            let is_there = match &self.repository {
                Some(repository) => repository.cache().has(*object)?,
                None => false,
            };
            if !is_there && !store.has(*object)? {
                absent.push(*object);
            }
        }
        let (Some(repository), false) = (&self.repository, absent.is_empty()) else {
            return Ok(());
        };
        let mut sum = Transferred::default();
        let (remote, _) = repository.remote(remote)?;
        Repository::get(&remote, store, &absent, &mut sum)?;
        match sum.problems.first() {
            None => Ok(()),
            Some((object, problem)) => Err(Error::NotFound {
                what: format!(
                    "`{}` does not have its object `{object}`: {problem}",
                    self.name
                ),
            }),
        }
    }

    /// The cache that has an object.
    fn holder<'a>(&'a self, object: ObjectId, store: &'a Cache) -> Result<&'a Cache, Error> {
        match &self.repository {
            Some(repository) if repository.cache().has(object)? => Ok(repository.cache()),
            _ => Ok(store),
        }
    }
}

/// An object that a cache of DVC 3 can have as it is.
fn plain_object(content: &Content) -> Option<ObjectId> {
    match content {
        Content::Object(object) if object.hashing == Hashing::Plain => Some(*object),
        _ => None,
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
