//! What is in a version of a repository: data and the files that git has, as `dvc list` tells it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{Content, Scratch, Source, lying_at, relative};
use crate::cache::Cache;
use crate::dvc_file::Recorded;
use crate::links::Links;
use crate::md5::ObjectId;
use crate::snapshot::Versioned;
use crate::version_files::files_of;
use crate::{Error, RepoPath};

/// A file or directory of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its path below the one that was asked for.
    pub path: String,
    /// Whether it is data, or in data.
    pub is_out: bool,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Whether it may be executed, as far as that is recorded.
    pub is_executable: bool,
    /// Bytes, if they are known.
    pub size: Option<u64>,
    /// The digest of data.
    pub object: Option<ObjectId>,
}

impl Source {
    /// What is in a directory, or in all below it; only data with `is_data_only`. A file is listed by its name.
    ///
    /// # Errors
    ///
    /// Fails if nothing is there, or if the listing of a directory of data cannot be had.
    pub fn list(
        &self,
        path: &RepoPath,
        (is_recursive, is_data_only): (bool, bool),
        scratch: &Scratch,
    ) -> Result<Vec<Listed>, Error> {
        let store = Cache::new(&scratch.path().join("cache"), Links::copies());
        let mut found = BTreeMap::new();
        if !is_data_only {
            for (file, listed) in self.plain(path)? {
                enter(&mut found, path, &file, listed, is_recursive);
            }
        }
        for one in &self.data {
            if path.is_in(&one.path) || one.path.is_in(path) {
                self.list_data(one, path, is_recursive, &store, &mut found)?;
            }
        }
        if found.is_empty() && !path.as_str().is_empty() {
            return Err(Error::NotFound {
                what: format!("`{}` has no `{path}`", self.name),
            });
        }
        Ok(found.into_values().collect())
    }

    fn list_data(
        &self,
        one: &Versioned,
        path: &RepoPath,
        is_recursive: bool,
        store: &Cache,
        found: &mut BTreeMap<String, Listed>,
    ) -> Result<(), Error> {
        let of = |recorded: Option<Recorded>| Listed {
            is_out: true,
            is_dir: recorded.is_some_and(|recorded| recorded.object.is_dir),
            is_executable: recorded.is_some_and(|recorded| recorded.is_executable),
            size: recorded.and_then(|recorded| recorded.size),
            object: recorded.map(|recorded| recorded.object),
            ..Listed::default()
        };
        let listed = of(one.recorded);
        let is_entered = is_recursive || path.is_in(&one.path);
        if !listed.is_dir || !is_entered {
            enter(found, path, &one.path, listed, is_recursive);
            return Ok(());
        }
        let listing = |one: &Versioned, object: ObjectId| {
            self.obtain(one.remote.as_deref(), &[object], store)?;
            self.holder(object, store)?.listing(object)
        };
        for file in files_of(std::slice::from_ref(one), path, &listing)? {
            let place = self.holder(file.object, store)?.path(file.object);
            let listed = Listed {
                is_out: true,
                size: fs::metadata(place).ok().map(|metadata| metadata.len()),
                object: Some(file.object),
                ..Listed::default()
            };
            enter(found, path, &file.path, listed, is_recursive);
        }
        Ok(())
    }

    /// The files that are no data.
    fn plain(&self, path: &RepoPath) -> Result<Vec<(RepoPath, Listed)>, Error> {
        if let Some(revision) = &self.revision {
            let files: Vec<&RepoPath> = revision.files().filter(|file| file.is_in(path)).collect();
            let contents = revision.read_all(&files)?;
            let listed = files.into_iter().zip(contents).map(|(file, content)| {
                let size = content.map(|content| content.len() as u64);
                (
                    file.clone(),
                    Listed {
                        size,
                        ..Listed::default()
                    },
                )
            });
            return Ok(listed.collect());
        }
        let mut lying = BTreeMap::new();
        lying_at(&self.root, path, &mut lying)?;
        let listed = lying.into_iter().map(|(file, content)| {
            let metadata = match &content {
                Content::Disk(place) => fs::metadata(place).ok(),
                _ => None,
            };
            let mode = metadata
                .as_ref()
                .map_or(0, |metadata| metadata.permissions().mode());
            let listed = Listed {
                is_executable: mode & 0o100 != 0,
                size: metadata.map(|metadata| metadata.len()),
                ..Listed::default()
            };
            (file, listed)
        });
        Ok(listed.collect())
    }
}

/// Puts in a file, or without recursion the directory that it is in.
fn enter(
    found: &mut BTreeMap<String, Listed>,
    path: &RepoPath,
    file: &RepoPath,
    mut listed: Listed,
    is_recursive: bool,
) {
    listed.path = match relative(file, path) {
        below if below.is_empty() => file.name().to_owned(),
        below => below,
    };
    let dir = listed.path.split_once('/').map(|(dir, _)| dir.to_owned());
    if let Some(dir) = dir.filter(|_| !is_recursive) {
        found.entry(dir.clone()).or_insert(Listed {
            path: dir,
            is_dir: true,
            ..Listed::default()
        });
    } else {
        found.insert(listed.path.clone(), listed);
    }
}
