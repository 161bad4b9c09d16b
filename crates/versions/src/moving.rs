//! Data under another name, and data that is no longer tracked.

use std::fs;

use crate::recording::Recording;
use crate::repository::Repository;
use crate::tracked::{Origin, Tracked};
use crate::{Error, RepoPath};

/// What was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where the data is now.
    pub path: RepoPath,
    /// The `.dvc` file of it.
    pub file: RepoPath,
}

impl Repository {
    /// Gives data of a `.dvc` file another name, and its file with it, as `dvc move` does. Into a directory it goes under
    /// its own name.
    ///
    /// # Errors
    ///
    /// Fails if `from` is not tracked by a `.dvc` file of ours, or if something is at `to`.
    pub fn rename(&self, from: &RepoPath, to: &RepoPath) -> Result<Moved, Error> {
        let one = self.of_file(from)?;
        let Origin::File(dvc_file, index) = &one.origin else {
            return Err(not_of_file(&one));
        };
        let to = if to.under(self.root()).is_dir() {
            to.join(from.name())?
        } else {
            to.clone()
        };
        self.check_free(&one, &to)?;
        let has_own_file = one.file.name().strip_suffix(".dvc") == Some(from.name());
        let (file, path) = if has_own_file && dvc_file.outs.len() == 1 {
            (
                to.parent().join(&format!("{}.dvc", to.name()))?,
                to.name().to_owned(),
            )
        } else {
            (one.file.clone(), below(&one, &to)?)
        };
        if dvc_file.wdir.is_some() {
            return Err(Error::form(
                &one.file,
                "it has a `wdir`; move its data by hand",
            ));
        }
        let text = dvc_file.with_path(*index, &path, one.file.as_str())?;
        let mut recording = Recording::default();
        recording.unignore(self.root(), &one.path)?;
        if file != one.file {
            if file.under(self.root()).exists() {
                return Err(Error::Conflict {
                    what: format!("`{file}` exists, and tracks something else"),
                });
            }
            recording.set(self.root(), &one.file, None)?;
        }
        recording.set(self.root(), &file, Some(text.into_bytes()))?;
        if one.out().is_cached {
            recording.ignore(self.root(), &to)?;
        }
        let (old, new) = (one.path.under(self.root()), to.under(self.root()));
        if fs::symlink_metadata(&old).is_ok() {
            let dir = new.parent().unwrap_or(self.root());
            fs::create_dir_all(dir).map_err(|error| Error::file("create", dir, error))?;
            fs::rename(&old, &new).map_err(|error| Error::file("move", &old, error))?;
        }
        self.write(recording)?;
        Ok(Moved { path: to, file })
    }

    /// Tracks data no longer: its `.dvc` file goes, and the data stays, unless it is to go, too. Gives the files that went.
    ///
    /// # Errors
    ///
    /// Fails if a target is not tracked by a `.dvc` file, or something cannot be removed.
    pub fn untrack(&self, targets: &[RepoPath], with_data: bool) -> Result<Vec<RepoPath>, Error> {
        let mut files = Vec::new();
        for target in targets {
            let one = self.of_file(target)?;
            if !files.contains(&one.file) {
                files.push(one.file);
            }
        }
        let tracked = self.tracked_by_files()?;
        let outs = tracked.iter().filter(|one| files.contains(&one.file));
        let outs: Vec<&Tracked> = outs.collect();
        let mut recording = Recording::default();
        for one in &outs {
            recording.unignore(self.root(), &one.path)?;
            recording.set(self.root(), &one.file, None)?;
        }
        self.write(recording)?;
        for one in outs {
            if with_data {
                self.remove(&one.path)?;
            } else {
                self.unprotect(&one.path)?;
            }
        }
        Ok(files)
    }

    /// What a `.dvc` file, or the path of its data, stands for.
    fn of_file(&self, target: &RepoPath) -> Result<Tracked, Error> {
        let tracked = self.tracked()?;
        let is_meant = |one: &&Tracked| one.file == *target || one.path == *target;
        let found = tracked.iter().find(is_meant).cloned();
        let one = found.ok_or_else(|| Error::NotFound {
            what: format!(
                "no `.dvc` file tracks `{target}`; `everloop data list` tells what is tracked"
            ),
        })?;
        match one.origin {
            Origin::File(..) => Ok(one),
            Origin::Stage(_) => Err(not_of_file(&one)),
        }
    }

    fn check_free(&self, one: &Tracked, to: &RepoPath) -> Result<(), Error> {
        let conflict = |what: String| Err(Error::Conflict { what });
        if one.is_import() {
            return conflict(format!(
                "`{}` is imported by `{}`; import it again under the other name",
                one.path, one.file
            ));
        }
        if fs::symlink_metadata(to.under(self.root())).is_ok() {
            return conflict(format!("`{to}` exists; remove it first"));
        }
        let tracked = self.tracked()?;
        let others = tracked.iter().filter(|other| other.path != one.path);
        let is_near = |other: &&Tracked| other.path.is_in(to) || to.is_in(&other.path);
        match others.into_iter().find(is_near) {
            Some(other) => conflict(format!(
                "`{to}` overlaps with `{}` of `{}`",
                other.path,
                other.address()
            )),
            None if to.is_in(&one.path) || one.path.is_in(to) => {
                conflict(format!("`{}` cannot be moved into itself", one.path))
            }
            None => Ok(()),
        }
    }
}

/// A path as seen from the directory of a `.dvc` file.
fn below(one: &Tracked, to: &RepoPath) -> Result<String, Error> {
    let dir = one.file.parent();
    if !to.is_in(&dir) {
        return Err(Error::Conflict {
            what: format!(
                "`{}` has other data; `{to}` must be in its directory",
                one.file
            ),
        });
    }
    let below = to.as_str().strip_prefix(dir.as_str()).unwrap_or_default();
    Ok(below.trim_start_matches('/').to_owned())
}

fn not_of_file(one: &Tracked) -> Error {
    Error::Conflict {
        what: format!(
            "`{}` is an output of stage `{}`; change that in `{}`",
            one.path,
            one.address(),
            one.file
        ),
    }
}
