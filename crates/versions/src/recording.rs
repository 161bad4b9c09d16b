//! What is about to be recorded, file by file: all of it is written, or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::add::Added;
use crate::cache::file_id;
use crate::journal::{self, Edit};
use crate::known::Stamp;
use crate::repository::Repository;
use crate::scan::{Content, Loose};
use crate::{Error, RepoPath, git, parallel};

/// What is to be written once all content is kept.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    pub(crate) added: Vec<Added>,
    kept: Vec<CachedData>,
    edits: BTreeMap<RepoPath, Edit>,
}

/// Data whose content is in the cache.
#[derive(Debug)]
pub(crate) struct CachedData {
    path: RepoPath,
    /// Its files that are no names of their objects, as they should be.
    loose: Vec<Loose>,
}

impl CachedData {
    pub(crate) fn of(path: &RepoPath, content: Content) -> Self {
        Self {
            path: path.clone(),
            loose: content.into_parts().1,
        }
    }

    /// Parts of a directory.
    pub(crate) fn parts(path: &RepoPath, loose: Vec<Loose>) -> Self {
        Self {
            path: path.clone(),
            loose,
        }
    }
}

impl Recording {
    /// Data that git is to ignore, and whose files may become names of objects.
    pub(crate) fn keep(&mut self, kept: CachedData) {
        self.kept.push(kept);
    }

    /// What a file says, or is about to say; none if it is not there.
    pub(crate) fn text(&self, root: &Path, file: &RepoPath) -> Result<Option<Vec<u8>>, Error> {
        match self.edits.get(file) {
            Some(edit) => Ok(edit.after.clone()),
            None => journal::read(&file.under(root)),
        }
    }

    /// Says what a file will say; none removes it.
    pub(crate) fn set(
        &mut self,
        root: &Path,
        file: &RepoPath,
        after: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        if let Some(edit) = self.edits.get_mut(file) {
            edit.after = after;
            return Ok(());
        }
        let before = journal::read(&file.under(root))?;
        if before != after {
            self.edits.insert(file.clone(), Edit { before, after });
        }
        Ok(())
    }

    /// Makes git ignore data.
    pub(crate) fn ignore(&mut self, root: &Path, path: &RepoPath) -> Result<(), Error> {
        if !git::is_used(root) {
            return Ok(());
        }
        let file = path.parent().join(".gitignore")?;
        let before = self.text(root, &file)?.unwrap_or_default();
        match git::ignoring(root, path, &before) {
            Some(after) => self.set(root, &file, Some(after)),
            None => Ok(()),
        }
    }

    /// Lets git see a path again.
    pub(crate) fn unignore(&mut self, root: &Path, path: &RepoPath) -> Result<(), Error> {
        let file = path.parent().join(".gitignore")?;
        let Some(before) = self.text(root, &file)? else {
            return Ok(());
        };
        match git::without_entry(&before, path.name()) {
            Some(after) if after.is_empty() => self.set(root, &file, None),
            Some(after) => self.set(root, &file, Some(after)),
            None => Ok(()),
        }
    }
}

impl Repository {
    /// Writes `.dvc` files, `dvc.lock` and entries of `.gitignore`, after all content is kept.
    pub(crate) fn write(&self, mut recording: Recording) -> Result<Vec<Added>, Error> {
        for path in recording
            .kept
            .iter()
            .map(|kept| kept.path.clone())
            .collect::<BTreeSet<_>>()
        {
            recording.ignore(self.root(), &path)?;
        }
        journal::write(&self.tmp(), self.root(), &recording.edits)?;
        for kept in &recording.kept {
            self.relink(kept)?;
        }
        let (there, gone): (Vec<_>, Vec<_>) = recording
            .edits
            .iter()
            .map(|(path, edit)| (path.as_str(), edit.after.is_some()))
            .partition(|(_, is_there)| *is_there);
        let there: Vec<&str> = there.into_iter().map(|(path, _)| path).collect();
        if !there.is_empty() {
            self.stage_for_git(&there);
        }
        // Git refuses all, if it never knew one that is gone.
        for (path, _) in gone {
            self.stage_for_git(&[path]);
        }
        Ok(recording.added)
    }

    /// Where files are shared with the cache, those of the workspace become names of the objects. A file that was written to after
    /// it was read stays: nobody's work is lost.
    pub(crate) fn relink(&self, data: &CachedData) -> Result<(), Error> {
        let place = data.path.under(self.root());
        if !data.loose.is_empty() {
            self.make_tmp()?;
        }
        parallel::each(&data.loose, parallel::on_disk(), |one| {
            let file = match one.path.as_str() {
                "" => place.clone(),
                below => place.join(below),
            };
            let now = fs::metadata(&file).map(|metadata| Stamp::of(&metadata));
            if now.ok() != Some(one.stamp) {
                return Ok(());
            }
            self.place(file_id(one.md5), &file, false)
        })
    }
}
