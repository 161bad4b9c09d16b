//! A remote: objects by digest in a directory or on another machine.
//!
//! ```text
//! files/md5/ab/cdef…          as in a cache
//! ab/cdef…                    those of DVC 2
//! everloop/                   large objects in chunks, where that is asked for (`chunks.rs`)
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use everloop_artifacts::{RemoteStore, write_atomically};
use everloop_domain::ErrorKind;

use crate::cache::Cache;
use crate::links::Links;
use crate::md5::{Hashing, ObjectId};
use crate::progress::Progress;
use crate::receiving::From;
use crate::remote_options::{Options, Reach};
use crate::{Error, parallel};

/// After so many objects that could not be had for reasons of the line, the remote is given up.
const MAX_LOST: usize = 4;
/// How many names a store tells at once.
const PAGE: usize = 1000;
/// Objects lie below this many names of two digits.
const N_DIRS: usize = 256;

/// A place where objects are kept for others.
#[derive(Debug)]
pub struct Remote {
    name: String,
    url: String,
    place: Place,
    n_jobs: usize,
    pub(crate) has_chunks: bool,
    n_lost: AtomicUsize,
}

#[derive(Debug)]
enum Place {
    Dir { root: PathBuf, objects: Cache },
    Elsewhere(RemoteStore),
}

/// What became of an object that was to be sent or got.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// So many bytes went.
    Bytes(u64),
    /// It was there.
    Present,
    /// It could not be; in words.
    Problem(String),
}

impl Remote {
    pub(crate) fn open(
        options: &Options,
        environment: &[(String, String)],
        has_chunks: bool,
        progress: &Arc<Progress>,
    ) -> Result<Self, Error> {
        let place = match options.reach(environment)? {
            Reach::Dir(root) => Place::Dir {
                objects: Cache::new(&root, Links::copies()).counting(progress),
                root,
            },
            Reach::Elsewhere(location) => Place::Elsewhere(RemoteStore::open(&location)?),
        };
        Ok(Self {
            name: options.name.clone(),
            url: options.url.trim_end_matches('/').to_owned(),
            n_jobs: options.jobs().unwrap_or(match place {
                Place::Dir { .. } => parallel::on_disk(),
                Place::Elsewhere(_) => parallel::ON_NETWORK,
            }),
            place,
            has_chunks,
            n_lost: AtomicUsize::new(0),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it tells what it has; web servers do not.
    pub(crate) fn can_be_listed(&self) -> bool {
        match &self.place {
            Place::Dir { .. } => true,
            Place::Elsewhere(store) => store.can_be_listed(),
        }
    }

    /// How many objects go at once.
    pub(crate) fn n_jobs(&self) -> usize {
        self.n_jobs
    }

    /// The place of a file of it, in words.
    pub(crate) fn shown(&self, path: &str) -> String {
        format!("{}/{path}", self.url)
    }

    /// The size of a file, if it is there.
    pub(crate) fn size(&self, path: &str) -> Result<Option<u64>, Error> {
        match &self.place {
            Place::Dir { root, .. } => {
                let file = root.join(path);
                match fs::metadata(&file) {
                    Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(Error::file("read", &file, error)),
                }
            }
            Place::Elsewhere(store) => {
                let size = store.size(path);
                size.map_err(|error| self.failed("find", path, error))
            }
        }
    }

    /// Calls `each` with the path and size of all files below a directory, until it has enough.
    pub(crate) fn list(
        &self,
        dir: &str,
        each: &mut dyn FnMut(&str, u64) -> bool,
    ) -> Result<(), Error> {
        match &self.place {
            Place::Dir { root, .. } => list_dir(&root.join(dir), "", each).map(drop),
            Place::Elsewhere(store) => {
                let listed = store.list(dir, each);
                listed.map_err(|error| self.failed("list", dir, error))
            }
        }
    }

    /// Reads a small file.
    ///
    /// # Errors
    ///
    /// Fails if it is absent, longer than `max_bytes`, or cannot be read.
    pub(crate) fn read(&self, path: &str, max_bytes: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.get(path, &mut |piece| {
            bytes.extend_from_slice(piece);
            if bytes.len() as u64 > max_bytes {
                return Err(std::io::Error::other("it is too long"));
            }
            Ok(())
        })?;
        Ok(bytes)
    }

    fn get(
        &self,
        path: &str,
        sink: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        match &self.place {
            Place::Dir { root, .. } => {
                let file = root.join(path);
                let bytes = fs::read(&file).map_err(|error| Error::file("read", &file, error))?;
                sink(&bytes).map_err(|error| Error::file("read", &file, error))
            }
            Place::Elsewhere(store) => {
                let got = store.get(path, sink);
                got.map(drop)
                    .map_err(|error| self.failed("get", path, error))
            }
        }
    }

    /// Writes a small file, whole or not at all.
    pub(crate) fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        match &self.place {
            Place::Dir { root, .. } => {
                let file = root.join(path);
                let dir = file.parent().unwrap_or(root);
                fs::create_dir_all(dir).map_err(|error| Error::file("create", dir, error))?;
                Ok(write_atomically(&file, bytes)?)
            }
            Place::Elsewhere(store) => {
                let put = store.put_bytes(path, bytes);
                put.map_err(|error| self.failed("write", path, error))
            }
        }
    }

    /// Removes a file; one that is not there is removed already.
    ///
    /// # Errors
    ///
    /// Fails if the remote cannot be written.
    pub fn delete(&self, path: &str) -> Result<(), Error> {
        match &self.place {
            Place::Dir { root, .. } => {
                let file = root.join(path);
                match fs::remove_file(&file) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        Err(Error::file("remove", &file, error))
                    }
                    _ => Ok(()),
                }
            }
            Place::Elsewhere(store) => {
                let deleted = store.delete(path);
                deleted.map_err(|error| self.failed("remove", path, error))
            }
        }
    }

    /// Whether an object is there.
    pub(crate) fn has(&self, object: ObjectId) -> Result<bool, Error> {
        if let Place::Dir { objects, .. } = &self.place
            && objects.has(object)?
        {
            return Ok(true);
        }
        let is_plain = match &self.place {
            Place::Dir { .. } => false,
            Place::Elsewhere(_) => self.size(&path_of(object))?.is_some(),
        };
        Ok(is_plain || (self.has_chunks && self.has_manifest(object)?))
    }

    /// Whether each of these objects is there: asked one by one, or taken from lists where that takes fewer requests.
    pub(crate) fn present(&self, objects: &[ObjectId]) -> Result<Vec<bool>, Error> {
        if !self.is_listed(objects)? {
            return parallel::map(objects, self.n_jobs, |object| self.has(*object));
        }
        let mut is_there = self.listed(objects)?;
        // What the lists lack may be there in chunks, or is of DVC 2.
        let is_lacking = |at: &usize| {
            !is_there[*at] && (self.has_chunks || objects[*at].hashing == Hashing::Dos2Unix)
        };
        let lacking: Vec<usize> = (0..objects.len()).filter(is_lacking).collect();
        let asked = parallel::map(&lacking, self.n_jobs, |at| self.has(objects[*at]))?;
        for (at, answer) in lacking.into_iter().zip(asked) {
            is_there[at] = answer;
        }
        Ok(is_there)
    }

    /// Whether lists take fewer requests than questions. How many objects there are is told by one of the 256 directories.
    fn is_listed(&self, objects: &[ObjectId]) -> Result<bool, Error> {
        let can_be_listed = match &self.place {
            Place::Dir { .. } => false,
            Place::Elsewhere(store) => store.can_be_listed(),
        };
        if !can_be_listed || objects.len() <= N_DIRS {
            return Ok(false);
        }
        let most = (objects.len() - N_DIRS) * PAGE / N_DIRS;
        let mut n_found = 0;
        self.list("files/md5/00", &mut |_, _| {
            n_found += 1;
            n_found <= most
        })?;
        Ok(n_found <= most)
    }

    fn listed(&self, objects: &[ObjectId]) -> Result<Vec<bool>, Error> {
        let is_plain = |at: &usize| objects[*at].hashing == Hashing::Plain;
        let mut wanted: Vec<usize> = (0..objects.len()).filter(is_plain).collect();
        wanted.sort_unstable_by_key(|at| objects[*at]);
        // Objects whose names begin with the same two digits are listed together.
        let start = |at: usize| objects[at].md5.as_bytes()[0];
        let groups: Vec<&[usize]> = wanted
            .chunk_by(|one, next| start(*one) == start(*next))
            .collect();
        let is_there: Vec<AtomicBool> = objects.iter().map(|_| AtomicBool::new(false)).collect();
        parallel::each(&groups, self.n_jobs, |group| {
            let Some(first) = group.first() else {
                return Ok(());
            };
            let start = format!("{:02x}", start(*first));
            self.list(&format!("files/md5/{start}"), &mut |rest, _| {
                if let Ok(object) = format!("{start}{rest}").parse::<ObjectId>()
                    && let Ok(found) = group.binary_search_by_key(&object, |at| objects[*at])
                {
                    is_there[group[found]].store(true, Ordering::Relaxed);
                }
                true
            })
        })?;
        Ok(is_there.into_iter().map(AtomicBool::into_inner).collect())
    }

    /// Sends an object that is not there yet. What is damaged here is not sent.
    pub(crate) fn send(&self, object: ObjectId, cache: &Cache) -> Result<Sent, Error> {
        let source = cache.path(object);
        let size = || fs::metadata(&source).map_or(0, |metadata| metadata.len());
        let sent = if self.has_chunks && self.sends_chunks(object, size()) {
            self.send_chunks(object, cache)
        } else {
            self.send_whole(object, cache)
        };
        match sent {
            Err(_) if !source.exists() => Ok(Sent::Problem(format!(
                "`{}` is not there",
                source.display()
            ))),
            sent => self.told(object, sent),
        }
    }

    fn send_whole(&self, object: ObjectId, cache: &Cache) -> Result<u64, Error> {
        match &self.place {
            Place::Dir { objects, .. } => objects.take(object, cache),
            Place::Elsewhere(store) => {
                let size = cache.check(object)?;
                let path = path_of(object);
                let put = store.put(&path, &cache.path(object));
                put.map_err(|error| self.failed("send", &path, error))?;
                cache.progress.pass(size);
                Ok(size)
            }
        }
    }

    /// Gets an object into the cache; one that is there is checked by its digest before it is kept.
    pub(crate) fn fetch(&self, object: ObjectId, cache: &Cache) -> Result<Sent, Error> {
        let path = path_of(object);
        let got = match &self.place {
            Place::Dir { objects, .. } => match cache.take(object, objects) {
                Err(_) if !objects.path(object).exists() => Err(self.absent(&path)),
                taken => taken,
            },
            Place::Elsewhere(store) => {
                let size = || {
                    let told = store.told(&path);
                    let told = told.map_err(|error| self.failed("find", &path, error))?;
                    Ok(told.and_then(|told| told.size))
                };
                let mut from = From {
                    place: &self.shown(&path),
                    size: &size,
                    fill: &mut |start, sink| {
                        let got = store.get_from(&path, start, sink);
                        got.map(drop)
                            .map_err(|error| self.failed("get", &path, error))
                    },
                };
                cache.receive_on(object, &mut from)
            }
        };
        let got = match got {
            Err(error) if error.kind() == ErrorKind::NotFound && !object.is_dir => {
                self.fetch_chunks(object, cache)
            }
            got => got,
        };
        self.told(object, got)
    }

    /// Failures of single objects are told beside the others; failures of the remote end the work.
    fn told(&self, object: ObjectId, done: Result<u64, Error>) -> Result<Sent, Error> {
        let error = match done {
            Ok(n_bytes) => {
                self.n_lost.store(0, Ordering::Relaxed);
                return Ok(Sent::Bytes(n_bytes));
            }
            Err(error) => error,
        };
        let is_of_one = match &error {
            Error::Damaged { .. } => true,
            Error::Remote { .. } => match error.kind() {
                ErrorKind::NotFound => true,
                ErrorKind::Unavailable => self.n_lost.fetch_add(1, Ordering::Relaxed) < MAX_LOST,
                _ => false,
            },
            _ => false,
        };
        if !is_of_one {
            return Err(error);
        }
        let is_absent = error.kind() == ErrorKind::NotFound;
        Ok(Sent::Problem(if is_absent {
            format!("`{}` is not there", self.shown(&path_of(object)))
        } else {
            in_words(&error)
        }))
    }

    pub(crate) fn absent(&self, path: &str) -> Error {
        let path = path.to_owned();
        self.failed(
            "get",
            &path.clone(),
            everloop_artifacts::Error::NotFound { path },
        )
    }

    fn failed(&self, action: &'static str, path: &str, source: everloop_artifacts::Error) -> Error {
        if matches!(source, everloop_artifacts::Error::NoBucket { .. }) {
            let (name, url) = (&self.name, &self.url);
            return Error::NotFound {
                what: format!(
                    "the bucket of remote `{name}` (`{url}`) does not exist; make it, or name another with `everloop data remote modify {name} url …`"
                ),
            };
        }
        Error::Remote {
            remote: self.name.clone(),
            action,
            object: self.shown(path),
            source: Box::new(source),
        }
    }

    /// The objects that are there as such, with their sizes; those of DVC 2 and those in chunks are not among them.
    ///
    /// # Errors
    ///
    /// Fails if the remote cannot be listed.
    pub fn objects(&self) -> Result<Vec<(ObjectId, u64)>, Error> {
        let mut found = BTreeSet::new();
        self.list("files/md5", &mut |path, size| {
            let object: Option<ObjectId> = path.replacen('/', "", 1).parse().ok();
            found.extend(object.map(|object| (object, size)));
            true
        })?;
        Ok(found.into_iter().collect())
    }
}

/// Where an object lies in a remote.
pub(crate) fn path_of(object: ObjectId) -> String {
    let name = object.to_string();
    let (start, rest) = name.split_at(2);
    match object.hashing {
        Hashing::Plain => format!("files/md5/{start}/{rest}"),
        Hashing::Dos2Unix => format!("{start}/{rest}"),
    }
}

/// An error with those of its sources that say something new.
pub(crate) fn in_words(error: &Error) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        source = error.source();
    }
    words
}

/// Whether all of a directory was told.
pub(crate) fn list_dir(
    dir: &std::path::Path,
    below: &str,
    each: &mut dyn FnMut(&str, u64) -> bool,
) -> Result<bool, Error> {
    let read = |error| Error::file("read", dir, error);
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        entries => entries.map_err(read)?,
    };
    for entry in entries {
        let entry = entry.map_err(read)?;
        let metadata = entry.metadata().map_err(read)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = format!("{below}{name}");
        let goes_on = if metadata.is_dir() {
            list_dir(&entry.path(), &format!("{path}/"), each)?
        } else {
            each(&path, metadata.len())
        };
        if !goes_on {
            return Ok(false);
        }
    }
    Ok(true)
}
