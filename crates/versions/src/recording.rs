//! What is about to be recorded, file by file: all of it is written, or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::add::Added;
use crate::cache::file_id;
use crate::journal::{self, Edit};
use crate::links::Link;
use crate::md5::Md5;
use crate::repository::Repository;
use crate::scan::Content;
use crate::{Error, RepoPath, git, parallel};

/// What is to be written once all content is kept.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    pub(crate) added: Vec<Added>,
    kept: Vec<Kept>,
    edits: BTreeMap<RepoPath, Edit>,
}

/// Data whose content is in the cache.
#[derive(Debug)]
pub(crate) struct Kept {
    path: RepoPath,
    files: Vec<(String, Md5)>,
    is_executable: bool,
}

impl Kept {
    pub(crate) fn of(path: &RepoPath, content: &Content) -> Self {
        Self {
            path: path.clone(),
            files: content.files(),
            is_executable: content.recorded().is_executable,
        }
    }

    /// Files of a directory.
    pub(crate) fn files(path: &RepoPath, files: BTreeMap<String, Md5>) -> Self {
        Self {
            path: path.clone(),
            files: files.into_iter().collect(),
            is_executable: false,
        }
    }
}

impl Recording {
    /// Data that git is to ignore, and whose files may become names of objects.
    pub(crate) fn keep(&mut self, kept: Kept) {
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
    /// Writes `.dvc` files, `dvc.lock` and entries of `.gitignore`, after all content is kept and on the disk.
    pub(crate) fn write(&self, mut recording: Recording) -> Result<Vec<Added>, Error> {
        for path in recording
            .kept
            .iter()
            .map(|kept| kept.path.clone())
            .collect::<BTreeSet<_>>()
        {
            recording.ignore(self.root(), &path)?;
        }
        if !recording.edits.is_empty() {
            self.cache().sync()?;
        }
        journal::write(&self.tmp(), self.root(), &recording.edits)?;
        for kept in &recording.kept {
            self.relink_files(kept)?;
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

    /// Where files are shared with the cache, those of the workspace become names of the objects.
    pub(crate) fn relink_files(&self, kept: &Kept) -> Result<(), Error> {
        let is_shared = self.cache().links().current().is_some_and(Link::is_shared);
        if !is_shared || kept.is_executable {
            return Ok(());
        }
        let place = kept.path.under(self.root());
        parallel::map(&kept.files, |(path, md5)| {
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

fn is_same_file(left: &Path, right: &Path) -> bool {
    let of = |path| {
        fs::metadata(path)
            .map(|metadata| (metadata.dev(), metadata.ino()))
            .ok()
    };
    of(left).is_some_and(|left| Some(left) == of(right))
}
