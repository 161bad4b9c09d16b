//! Bringing the workspace to what is recorded.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind as Io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cache::object_of;
use crate::compare::pairs;
use crate::dvc_file::Recorded;
use crate::inside::check_links;
use crate::known::Known;
use crate::links::{Link, is_unsupported, set_mode, temporary};
use crate::listing::Listing;
use crate::md5::{Md5, ObjectId};
use crate::parts::{Parts, files_now};
use crate::repository::Repository;
use crate::scan::Purpose;
use crate::tracked::Chosen;
use crate::{Error, RepoPath, case, parallel};

/// What became of a tracked file or directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The data.
    pub path: RepoPath,
    /// How many files were written.
    pub n_written: usize,
    /// How many files were removed.
    pub n_removed: usize,
    /// Why nothing was done, if so.
    pub problem: Option<String>,
}

/// What must happen in one place: files by their paths below it; a single file has the empty path.
#[derive(Debug, Default)]
struct Steps {
    remove: Vec<String>,
    write: Vec<(String, Md5)>,
    /// Content of now that is in no cache.
    unsaved: Vec<String>,
}

impl Repository {
    /// Brings the chosen data to what its `.dvc` files say. Work that is in no cache is left alone, unless forced; what
    /// cannot be done is told for each, and the others are done.
    ///
    /// # Errors
    ///
    /// Fails if a target is not tracked, or if files cannot be written.
    pub fn checkout(&self, targets: &[RepoPath], is_forced: bool) -> Result<Vec<Placed>, Error> {
        let mut known = self.known();
        let mut done = Vec::new();
        for Chosen {
            tracked: one,
            parts,
        } in self.chosen_parts(targets)?
        {
            if !one.out().is_cached {
                continue;
            }
            let mut placed = Placed {
                path: one.path.clone(),
                n_written: 0,
                n_removed: 0,
                problem: None,
            };
            let Some(recorded) = self.recorded_or_fetched(&one)? else {
                continue;
            };
            match self.plan((&one.path, &parts), recorded, is_forced, &mut known) {
                Ok(steps) => {
                    placed.n_written = steps.write.len();
                    placed.n_removed = steps.remove.len();
                    self.perform(&one.path, recorded, &steps)?;
                }
                Err(error) => placed.problem = Some(error.to_string()),
            }
            done.push(placed);
        }
        known.save();
        Ok(done)
    }

    fn plan(
        &self,
        (path, parts): (&RepoPath, &Parts),
        recorded: Recorded,
        is_forced: bool,
        known: &mut Known,
    ) -> Result<Steps, Error> {
        check_parents(self.root(), path)?;
        let hashing = recorded.object.hashing;
        let purpose = Purpose::Compare(hashing);
        let now = files_now(self.root(), (path, parts), known, purpose)?.files;
        if parts.is_whole() && recorded.object.is_dir && now.object().0 == recorded.object {
            return Ok(Steps::default());
        }
        let wanted = self.wanted((path, parts), recorded)?.into_files();
        case::check(self.root(), path, &wanted)?;
        if !parts.is_whole() && wanted.is_empty() && now.files().is_empty() {
            return Err(parts.absent_in(path));
        }
        let mut steps = Steps::default();
        let mut saved = HashSet::new();
        let mut is_written = Vec::new();
        for (file, wanted, now) in pairs(&wanted, now.files()) {
            if let Some(md5) = now.filter(|_| now != wanted) {
                if !saved.contains(&md5) && !self.cache().has(object_of(md5, hashing))? {
                    steps.unsaved.push(file.to_owned());
                }
                saved.insert(md5);
            }
            match wanted {
                // A file that is replaced is written over, in one step.
                Some(_) => is_written.push(now != wanted),
                None => steps.remove.push(file.to_owned()),
            }
        }
        steps.write = wanted;
        let mut is_written = is_written.into_iter();
        steps.write.retain(|_| is_written.next().unwrap_or(true));
        if !is_forced && !steps.unsaved.is_empty() {
            return Err(unsaved(path, &steps.unsaved));
        }
        Ok(steps)
    }

    /// The files that should be there, all of which are in the cache.
    fn wanted(
        &self,
        (path, parts): (&RepoPath, &Parts),
        recorded: Recorded,
    ) -> Result<Listing, Error> {
        let absent = |n: usize| Error::NotFound {
            what: format!(
                "{n} objects of `{path}` are not in the cache; `everloop data pull` gets them from the remote"
            ),
        };
        if !self.cache().has(recorded.object)? {
            return Err(absent(1));
        }
        if !recorded.object.is_dir {
            if !parts.is_whole() {
                return Err(parts.absent_in(path));
            }
            return Ok(Listing::new(vec![(String::new(), recorded.object.md5)]));
        }
        let files = parts.pick(self.cache().listing(recorded.object)?);
        let n_absent = AtomicUsize::new(0);
        parallel::each(files.files(), parallel::on_disk(), |(_, md5)| {
            let object = object_of(*md5, recorded.object.hashing);
            if !self.cache().has(object)? {
                n_absent.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })?;
        match n_absent.into_inner() {
            0 => Ok(files),
            n_absent => Err(absent(n_absent)),
        }
    }

    /// Brings a path to a recorded state. Work that is in no cache is left alone.
    pub(crate) fn restore(
        &self,
        path: &RepoPath,
        recorded: Recorded,
        known: &mut Known,
    ) -> Result<(), Error> {
        let steps = self.plan((path, &Parts::default()), recorded, false, known)?;
        self.perform(path, recorded, &steps)
    }

    fn perform(&self, path: &RepoPath, recorded: Recorded, steps: &Steps) -> Result<(), Error> {
        let place = path.under(self.root());
        check_links(path, &place, &steps.write)?;
        for path in &steps.remove {
            let file = if path.is_empty() {
                place.clone()
            } else {
                place.join(path)
            };
            fs::remove_file(&file).map_err(|error| Error::file("remove", &file, error))?;
            remove_empty(file.parent(), &place);
        }
        let top = if recorded.object.is_dir {
            Some(place.as_path())
        } else {
            place.parent()
        };
        if let Some(dir) = top {
            fs::create_dir_all(dir).map_err(|error| Error::file("create", dir, error))?;
        }
        self.progress().expect(steps.write.len(), 0);
        self.make_tmp()?;
        parallel::each(&steps.write, parallel::on_disk(), |(path, md5)| {
            let file = if path.is_empty() {
                place.clone()
            } else {
                place.join(path)
            };
            let object = object_of(*md5, recorded.object.hashing);
            self.place(object, &file, recorded.is_executable)?;
            self.progress().finish();
            Ok(())
        })
    }

    /// Puts a file into the workspace in one step.
    pub(crate) fn place(
        &self,
        object: ObjectId,
        file: &Path,
        is_executable: bool,
    ) -> Result<(), Error> {
        let dir = file.parent().unwrap_or(self.root());
        let object = self.cache().path(object);
        let written = |error| Error::file("write", file, error);
        if !is_executable && self.cache().links().current() == Some(Link::Hardlink) {
            // A link is made in one step where nothing is.
            match within(dir, || Link::Hardlink.make(&object, file)) {
                Ok(()) => return Ok(()),
                Err(error) if is_unsupported(&error) => {
                    self.cache().links().give_up(Link::Hardlink);
                }
                Err(error) if error.kind() == Io::AlreadyExists => {}
                Err(error) => return Err(written(error)),
            }
        }
        let temporary = temporary(&self.tmp());
        let link = if is_executable {
            // The object must not become executable with it.
            Link::Copy
                .make(&object, &temporary)
                .map(|()| Some(Link::Copy))
                .map_err(written)?
        } else {
            self.cache().links().make(&object, &temporary)?
        };
        let Some(link) = link else {
            return Err(Error::Conflict {
                what: format!(
                    "no way of `cache.type` leads from the cache to `{}`; add `copy` to it",
                    file.display()
                ),
            });
        };
        if is_executable {
            set_mode(&temporary, 0o755)?;
        }
        let renamed = within(dir, || rename(&temporary, file)).or_else(|error| {
            if error.kind() != Io::CrossesDevices || link == Link::Hardlink {
                return Err(error);
            }
            // The repository spans file systems: beside the file is the same one.
            let beside = crate::links::temporary(dir);
            link.make(&temporary, &beside)?;
            fs::rename(&beside, file)?;
            fs::remove_file(&temporary)
        });
        if link == Link::Hardlink || renamed.is_err() {
            // Renaming one name of a file to another of its names leaves it.
            let _ = fs::remove_file(&temporary);
        }
        renamed.map_err(written)
    }

    /// Removes what an interrupted command left; nobody else is here while the lock is held.
    pub(crate) fn clean_tmp(&self) {
        let entries = fs::read_dir(self.tmp()).into_iter().flatten().flatten();
        for entry in entries {
            if entry.file_name().to_string_lossy().ends_with(".tmp") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Makes something in a directory, and the directory if need be.
fn within(dir: &Path, make: impl Fn() -> Result<(), std::io::Error>) -> Result<(), std::io::Error> {
    match make() {
        Err(error) if error.kind() == Io::NotFound => {
            fs::create_dir_all(dir)?;
            make()
        }
        made => made,
    }
}

/// Gives a file its name. Of what was there before, only empty directories are left; others hold what nobody tracks.
fn rename(from: &Path, to: &Path) -> Result<(), std::io::Error> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == Io::IsADirectory => {
            fs::remove_dir(to)?;
            fs::rename(from, to)
        }
        renamed => renamed,
    }
}

/// The directories above the data lead to the repository, not through a link out of it.
pub(crate) fn check_parents(root: &Path, path: &RepoPath) -> Result<(), Error> {
    let parent = path.parent().under(root);
    let existing = parent
        .ancestors()
        .find(|dir| dir.symlink_metadata().is_ok());
    let existing = existing.unwrap_or(root);
    let real = existing
        .canonicalize()
        .map_err(|error| Error::file("find", existing, error))?;
    if real.starts_with(root) {
        return Ok(());
    }
    Err(Error::Path {
        path: path.to_string(),
        problem: format!(
            "a link above it leads out of the repository, to `{}`",
            real.display()
        ),
    })
}

fn unsaved(data: &RepoPath, paths: &[String]) -> Error {
    let mut names: Vec<String> = paths
        .iter()
        .take(3)
        .map(|path| match path.as_str() {
            "" => format!("`{data}`"),
            path => format!("`{data}/{path}`"),
        })
        .collect();
    if paths.len() > 3 {
        names.push(format!("{} more", paths.len() - 3));
    }
    Error::Conflict {
        what: format!(
            "{} would be lost: not recorded; `everloop data commit {data}` records, `--force` discards",
            names.join(", ")
        ),
    }
}

/// Removes directories that have become empty, from one upwards to the top.
fn remove_empty(dir: Option<&Path>, top: &Path) {
    let mut dir = dir;
    while let Some(path) = dir.filter(|path| path.starts_with(top)) {
        // One that is not empty stays, and so do those above it.
        if fs::remove_dir(path).is_err() {
            return;
        }
        dir = path.parent();
    }
}
