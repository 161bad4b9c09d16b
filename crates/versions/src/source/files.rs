//! Files of a version: kept in a cache, or written to a place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{Content, Found, Scratch, Source, relative};
use crate::cache::Cache;
use crate::dvc_file::Recorded;
use crate::keep::Seen;
use crate::known::Stamp;
use crate::links::{Links, temporary};
use crate::listing::Listing;
use crate::md5::{Hashing, ObjectId};
use crate::{Error, RepoPath, parallel};

impl Source {
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
        parallel::each(&objects, parallel::on_disk(), |object| {
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
}

/// An object that a cache of DVC 3 can have as it is.
fn plain_object(content: &Content) -> Option<ObjectId> {
    match content {
        Content::Object(object) if object.hashing == Hashing::Plain => Some(*object),
        _ => None,
    }
}
