//! Recording what is in the workspace.

use std::fs;

use crate::cache::file_id;
use crate::dvc_file::{DvcFile, Recorded};
use crate::known::Known;
use crate::links::Link;
use crate::md5::Hashing;
use crate::repository::{Repository, Tracked, is_dvc_file};
use crate::scan::{Content, Purpose, scan};
use crate::whole::write_whole;
use crate::{Error, RepoPath, git};

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The data.
    pub path: RepoPath,
    /// The `.dvc` file.
    pub file: RepoPath,
    /// Its state.
    pub recorded: Recorded,
    /// Whether the `.dvc` file says something else than before.
    pub is_changed: bool,
}

/// What is to be written once all content is kept.
struct Change {
    added: Added,
    content: Content,
    text: String,
}

impl Repository {
    /// Tracks files and directories: keeps their content and writes `.dvc` files beside them. Either all targets are
    /// recorded or none.
    ///
    /// # Errors
    ///
    /// Fails if a target is absent, is git's or overlaps with what is tracked, or if files cannot be written.
    pub fn add(&self, targets: &[RepoPath]) -> Result<Vec<Added>, Error> {
        self.clean_tmp();
        let tracked = self.tracked()?;
        let mut known = self.known();
        let mut changes = Vec::new();
        for target in targets {
            let before = tracked.iter().find(|one| one.path == *target);
            self.check_target(target, before, &tracked)?;
            let content = scan(self.root(), target, &mut known, Purpose::Keep(self.cache()))?;
            let content = content.ok_or_else(|| Error::NotFound {
                what: format!("`{target}` does not exist"),
            })?;
            changes.push(change(target, content, before)?);
        }
        let added = self.write(changes)?;
        known.save();
        Ok(added)
    }

    /// Records tracked data as it is now. Data that is absent stays as it was recorded.
    ///
    /// # Errors
    ///
    /// Fails if a target is not tracked or comes from elsewhere, or if files cannot be written.
    pub fn commit(&self, targets: &[RepoPath]) -> Result<Vec<Added>, Error> {
        self.clean_tmp();
        let mut known = self.known();
        let mut changes: Vec<Change> = Vec::new();
        for one in self.chosen(targets)? {
            if !one.out().is_cached {
                continue;
            }
            if self.is_as_dvc_2_left_it(&one, &mut known)? {
                continue;
            }
            let keep = Purpose::Keep(self.cache());
            let Some(content) = scan(self.root(), &one.path, &mut known, keep)? else {
                continue;
            };
            let object = one.out().recorded.map(|recorded| recorded.object);
            if one.dvc_file.is_import && object != Some(content.object(Hashing::Plain)) {
                return Err(imported(&one));
            }
            let earlier = changes.iter().find(|change| change.added.file == one.file);
            let one = match earlier {
                // Another out of the same file has changed its text.
                Some(change) => Tracked {
                    dvc_file: DvcFile::parse(change.text.as_bytes(), one.file.as_str())?,
                    ..one
                },
                None => one,
            };
            changes.push(change(&one.path, content, Some(&one))?);
        }
        let added = self.write(changes)?;
        known.save();
        Ok(added)
    }

    /// A record of DVC 2 stays one as long as it is right.
    fn is_as_dvc_2_left_it(&self, one: &Tracked, known: &mut Known) -> Result<bool, Error> {
        let hashing = one.hashing();
        if hashing == Hashing::Plain {
            return Ok(false);
        }
        let now = scan(self.root(), &one.path, known, Purpose::Compare(hashing))?;
        let recorded = one.out().recorded.map(|recorded| recorded.object);
        Ok(now.map(|now| now.object(hashing)) == recorded)
    }

    fn check_target(
        &self,
        target: &RepoPath,
        before: Option<&Tracked>,
        tracked: &[Tracked],
    ) -> Result<(), Error> {
        let conflict = |what: String| Err(Error::Conflict { what });
        if target.as_str().is_empty() {
            return conflict(
                "the whole repository cannot be data of itself; name a part".to_owned(),
            );
        }
        let is_file_of_dvc = is_dvc_file(target.name())
            || target.name() == "dvc.yaml"
            || target.name() == "dvc.lock";
        if is_file_of_dvc && target.under(self.root()).is_file() {
            return conflict(format!("`{target}` is a file of DVC, and not data"));
        }
        if let Some(before) = before {
            return match before.dvc_file.is_import {
                true => Err(imported(before)),
                false if !before.out().is_cached => {
                    conflict(format!("`{target}` is git's, as `{}` says", before.file))
                }
                false => Ok(()),
            };
        }
        for one in tracked {
            if target.is_in(&one.path) {
                return conflict(format!(
                    "`{target}` is a part of `{}`; `everloop data commit {}` records it",
                    one.path, one.path
                ));
            }
            if one.path.is_in(target) {
                return conflict(format!(
                    "`{}` in `{target}` is tracked by `{}`; remove that file first",
                    one.path, one.file
                ));
            }
        }
        let file = target.parent().join(&format!("{}.dvc", target.name()))?;
        if file.under(self.root()).exists() {
            return conflict(format!("`{file}` exists, and tracks something else"));
        }
        if git::is_used(self.root()) && git::tracks(self.root(), target) {
            return conflict(format!(
                "git has `{target}`; take it out with `git rm -r --cached '{target}'`"
            ));
        }
        Ok(())
    }

    /// Writes `.dvc` files and entries of `.gitignore`, after all content is kept.
    fn write(&self, changes: Vec<Change>) -> Result<Vec<Added>, Error> {
        let mut added = Vec::new();
        for change in changes {
            let file = change.added.file.under(self.root());
            if change.added.is_changed {
                write_whole(&file, change.text.as_bytes())?;
            }
            git::ignore(self.root(), &change.added.path)?;
            self.relink(&change.added.path, &change.content)?;
            let ignore = change.added.path.parent().join(".gitignore")?;
            self.stage_for_git(&[change.added.file.as_str(), ignore.as_str()]);
            added.push(change.added);
        }
        Ok(added)
    }

    /// Where files are shared with the cache, those of the workspace become names of the objects.
    pub(crate) fn relink(&self, path: &RepoPath, content: &Content) -> Result<(), Error> {
        let is_shared = self.cache().links().current().is_some_and(Link::is_shared);
        if !is_shared || content.recorded().is_executable {
            return Ok(());
        }
        let place = path.under(self.root());
        let files = content.files();
        crate::parallel::map(&files, |(path, md5)| {
            let file = if path.is_empty() {
                place.clone()
            } else {
                place.join(path)
            };
            let object = self.cache().path(file_id(*md5));
            if is_same_file(&file, &object) {
                return Ok(());
            }
            self.place(file_id(*md5), &file, false)
        })?;
        Ok(())
    }
}

fn is_same_file(left: &std::path::Path, right: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let of = |path| {
        fs::metadata(path)
            .map(|metadata| (metadata.dev(), metadata.ino()))
            .ok()
    };
    of(left).is_some_and(|left| Some(left) == of(right))
}

fn imported(one: &Tracked) -> Error {
    Error::Conflict {
        what: format!(
            "`{}` is imported by `{}`; only its source may change it",
            one.path, one.file
        ),
    }
}

fn change(path: &RepoPath, content: Content, before: Option<&Tracked>) -> Result<Change, Error> {
    let recorded = content.recorded();
    let (file, text, is_changed) = match before {
        Some(one) if one.out().recorded == Some(recorded) => {
            (one.file.clone(), one.dvc_file.text().to_owned(), false)
        }
        Some(one) => {
            let text = one.dvc_file.with(one.index, &recorded, one.file.as_str())?;
            (one.file.clone(), text, true)
        }
        None => {
            let file = path.parent().join(&format!("{}.dvc", path.name()))?;
            (file, DvcFile::new_text(path.name(), &recorded), true)
        }
    };
    Ok(Change {
        added: Added {
            path: path.clone(),
            file,
            recorded,
            is_changed,
        },
        content,
        text,
    })
}
