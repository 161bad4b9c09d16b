//! What stages of pipelines need of the workspace: digests, content kept and put back, old outputs removed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::cache::object_of;
use crate::checkout::check_parents;
use crate::dvc_file::Recorded;
use crate::ignore::Ignore;
use crate::known::Known;
use crate::links::{Link, set_mode, temporary};
use crate::md5::Hashing;
use crate::recording::CachedData;
use crate::repository::Repository;
use crate::scan::{Purpose, scan};
use crate::{Error, RepoPath, git, parallel};

/// The files of a repository, with what is remembered of them while many are looked at.
#[derive(Debug)]
pub struct Workspace<'a> {
    repository: &'a Repository,
    known: Known,
    /// What is remembered of files that are not in the repository, once one was looked at.
    known_outside: Option<Known>,
}

impl Repository {
    /// Begins to look at files.
    #[must_use]
    pub fn workspace(&self) -> Workspace<'_> {
        Workspace {
            repository: self,
            known: self.known(),
            known_outside: None,
        }
    }

    /// The files named `dvc.yaml`, in the order of their directories. Those inside data and inside other repositories are
    /// left out, as is what `.dvcignore` says.
    ///
    /// # Errors
    ///
    /// Fails if a directory cannot be read.
    pub fn pipeline_files(&self, data: &[RepoPath]) -> Result<Vec<RepoPath>, Error> {
        let mut files = Vec::new();
        self.find_pipelines(&RepoPath::default(), &Ignore::default(), data, &mut files)?;
        Ok(files)
    }

    fn find_pipelines(
        &self,
        dir: &RepoPath,
        above: &Ignore,
        data: &[RepoPath],
        files: &mut Vec<RepoPath>,
    ) -> Result<(), Error> {
        let place = dir.under(self.root());
        let read = |error| Error::file("read", &place, error);
        let ignore = above.within(self.root(), dir)?;
        let mut dirs = Vec::new();
        for entry in fs::read_dir(&place).map_err(read)? {
            let entry = entry.map_err(read)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let is_dir = entry.file_type().map_err(read)?.is_dir();
            if name == ".git" || name == ".dvc" || (!is_dir && name != "dvc.yaml") {
                continue;
            }
            let path = dir.join(&name)?;
            if ignore.leaves_out(path.as_str(), is_dir) {
                continue;
            }
            if is_dir {
                dirs.push(path);
            } else {
                files.push(path);
            }
        }
        dirs.sort();
        for dir in dirs {
            if !data.contains(&dir) && !dir.under(self.root()).join(".dvc").is_dir() {
                self.find_pipelines(&dir, &ignore, data, files)?;
            }
        }
        Ok(())
    }

    /// Which of the paths git itself has: what is versioned twice would be told to have changed by both.
    #[must_use]
    pub fn tracked_by_git(&self, paths: &[RepoPath]) -> Vec<RepoPath> {
        if paths.is_empty() || !git::is_used(self.root()) {
            return Vec::new();
        }
        git::tracked_of(self.root(), paths)
    }

    /// Whether all of a recorded state is in the cache.
    ///
    /// # Errors
    ///
    /// Fails if the cache cannot be read.
    pub fn is_in_cache(&self, recorded: &Recorded) -> Result<bool, Error> {
        let object = recorded.object;
        if !self.cache().has(object)? {
            return Ok(false);
        }
        if !object.is_dir {
            return Ok(true);
        }
        let listing = self.cache().listing(object)?;
        let n_threads = parallel::on_disk();
        let is_here = parallel::map(listing.files(), n_threads, |(_, md5)| {
            self.cache().has(object_of(*md5, object.hashing))
        })?;
        Ok(is_here.into_iter().all(|is_here| is_here))
    }

    /// Hands files to git, where `core.autostage` asks for it.
    pub fn stage_for_git(&self, paths: &[&str]) {
        let autostage = self.config().get("core", "autostage");
        if autostage.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            git::stage(self.root(), paths);
        }
    }

    /// Removes a file or directory of the workspace, if it is there.
    ///
    /// # Errors
    ///
    /// Fails if it is the repository itself, lies behind a link that leads out, or cannot be removed.
    pub fn remove(&self, path: &RepoPath) -> Result<(), Error> {
        check_parents(self.root(), path)?;
        let place = path.under(self.root());
        if path.as_str().is_empty() {
            return Err(Error::Path {
                path: path.to_string(),
                problem: "it is the whole repository".to_owned(),
            });
        }
        let removed = match fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&place),
            Ok(_) => fs::remove_file(&place),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if !crate::scan::is_absent(&error) => {
                Err(Error::file("remove", &place, error))
            }
            _ => Ok(()),
        }
    }

    /// Makes files that are shared with the cache files of their own, so that a command may write to them.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be copied.
    pub fn unprotect(&self, path: &RepoPath) -> Result<(), Error> {
        check_parents(self.root(), path)?;
        unshare(&path.under(self.root()))
    }
}

fn unshare(place: &Path) -> Result<(), Error> {
    let failed = |error| Error::file("copy", place, error);
    let metadata = match fs::symlink_metadata(place) {
        Err(error) if crate::scan::is_absent(&error) => return Ok(()),
        metadata => metadata.map_err(failed)?,
    };
    if metadata.is_dir() {
        for entry in fs::read_dir(place).map_err(failed)? {
            unshare(&entry.map_err(failed)?.path())?;
        }
        return Ok(());
    }
    if metadata.is_symlink() && !place.exists() {
        // Whoever writes through a link to an object that is gone makes one that is not what its name says.
        return fs::remove_file(place).map_err(failed);
    }
    if metadata.is_symlink() || (metadata.nlink() > 1 && metadata.mode() & 0o222 == 0) {
        let copy = temporary(place.parent().unwrap_or(place));
        Link::Copy.make(place, &copy).map_err(failed)?;
        set_mode(&copy, 0o644)?;
        fs::rename(&copy, place).map_err(failed)?;
    }
    Ok(())
}

impl Workspace<'_> {
    /// What is at a path; with `is_legacy` hashed as DVC 2 did.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub fn look(&mut self, path: &RepoPath, is_legacy: bool) -> Result<Option<Recorded>, Error> {
        look(self.repository.root(), path, &mut self.known, is_legacy)
    }

    /// What is at a place that a stage only reads, wherever that is: outside of the repository, or behind a link to a directory.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub fn look_outside(
        &mut self,
        place: &Path,
        is_legacy: bool,
    ) -> Result<Option<Recorded>, Error> {
        let place = match place.canonicalize() {
            Err(error) if crate::scan::is_absent(&error) => return Ok(None),
            found => found.map_err(|error| Error::file("read", place, error))?,
        };
        let top = Path::new("/");
        let path = RepoPath::of(top, &place)?;
        let repository = self.repository;
        let known = self
            .known_outside
            .get_or_insert_with(|| repository.known_outside());
        look(top, &path, known, is_legacy)
    }

    /// Keeps what is at a path in the cache; [`crate::Ignoring`] has git ignore it.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read or kept.
    pub fn keep(&mut self, path: &RepoPath) -> Result<Option<Recorded>, Error> {
        let repository = self.repository;
        let purpose = Purpose::Keep(repository.cache());
        let Some(content) = scan(repository.root(), path, &mut self.known, purpose)? else {
            return Ok(None);
        };
        let recorded = content.recorded();
        repository.relink(&CachedData::of(path, content))?;
        Ok(Some(recorded))
    }

    /// Puts a recorded state into the workspace. Other content that is in no cache is left alone.
    ///
    /// # Errors
    ///
    /// Fails if it is not in the cache, or if something would be lost.
    pub fn restore(&mut self, path: &RepoPath, recorded: Recorded) -> Result<(), Error> {
        self.repository.restore(path, recorded, &mut self.known)
    }

    /// Remembers the digests of files for the next time.
    pub fn save(&mut self) {
        self.known.save();
        if let Some(known) = &mut self.known_outside {
            known.save();
        }
    }
}

fn look(
    root: &Path,
    path: &RepoPath,
    known: &mut Known,
    is_legacy: bool,
) -> Result<Option<Recorded>, Error> {
    let hashing = if is_legacy {
        Hashing::Dos2Unix
    } else {
        Hashing::Plain
    };
    let found = scan(root, path, known, Purpose::Compare(hashing))?;
    Ok(found.map(|content| Recorded {
        object: content.object(hashing),
        ..content.recorded()
    }))
}
