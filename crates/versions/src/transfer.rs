//! Objects between the cache and a remote.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::cache::{Cache, object_of};
use crate::md5::ObjectId;
use crate::parts::Parts;
use crate::remote::{Remote, Sent};
use crate::remote_options::Options;
use crate::repository::Repository;
use crate::tracked::Chosen;
use crate::{Error, RepoPath, parallel, remotes};

/// What went from one side to the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// How many objects were sent.
    pub n_objects: usize,
    /// How many bytes they have.
    pub n_bytes: u64,
    /// How many were there already.
    pub n_present: usize,
    /// How many runs of the run cache were sent.
    pub n_runs: usize,
    /// Objects that could not be sent, with the reason.
    pub problems: Vec<(ObjectId, String)>,
    /// What is set of the remotes and not honoured, in words.
    pub notes: Vec<String>,
}

impl Transferred {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.n_objects += other.n_objects;
        self.n_bytes += other.n_bytes;
        self.n_present += other.n_present;
        self.n_runs += other.n_runs;
        self.problems.extend(other.problems);
        for note in other.notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self
    }
}

/// A directory whose listing is in the cache.
struct Dir {
    object: ObjectId,
    /// Its files that are meant.
    meant: Vec<ObjectId>,
    /// Its other files.
    others: Vec<ObjectId>,
}

/// Objects by the remote that each belongs to, with what is meant of directories.
type ByRemote = BTreeMap<Option<String>, BTreeMap<ObjectId, Parts>>;

impl Repository {
    /// A remote by its name, or the default one, with what is set and not honoured, in words.
    ///
    /// # Errors
    ///
    /// Fails if there is none, or if it is set in a way that is not supported.
    pub fn remote(&self, name: Option<&str>) -> Result<(Remote, Vec<String>), Error> {
        let name = name.or(self.config().get("core", "remote")).ok_or_else(|| Error::NotFound {
            what: "no default remote is set; `everloop data remote add --default NAME PLACE` does it".to_owned(),
        })?;
        let options = Options::of(self.config(), name)?;
        let notes = options.notes()?;
        let has_chunks = remotes::has_chunks(self.root(), name)?;
        Ok((
            Remote::open(&options, self.environment(), has_chunks, self.progress())?,
            notes,
        ))
    }

    /// Sends objects of the chosen data to a remote. An interrupted push is taken up where it was.
    ///
    /// # Errors
    ///
    /// Fails if a target is not tracked, or the remote does not exist.
    pub fn push(&self, targets: &[RepoPath], remote: Option<&str>) -> Result<Transferred, Error> {
        let mut sum = Transferred::default();
        let chosen = self.chosen_parts(targets)?;
        for (remote, objects) in self.by_remote(&chosen, remote, true)? {
            let (remote, notes) = self.remote(remote.as_deref())?;
            sum.notes.extend(notes);
            self.send_with_files(&remote, objects, &mut sum)?;
        }
        Ok(sum)
    }

    /// Gets objects of the chosen data from a remote into the cache. Each is checked on its way.
    ///
    /// # Errors
    ///
    /// Fails if a target is not tracked, or the remote does not exist.
    pub fn fetch(&self, targets: &[RepoPath], remote: Option<&str>) -> Result<Transferred, Error> {
        let chosen = self.chosen_parts(targets)?;
        let mut sum = self.fetch_imports(&chosen)?;
        for (remote, objects) in self.by_remote(&chosen, remote, false)? {
            let (remote, notes) = self.remote(remote.as_deref())?;
            sum.notes.extend(notes);
            self.get_with_files(&remote, objects, &mut sum)?;
        }
        Ok(sum)
    }

    /// Sends objects, those of directories with their files.
    pub(crate) fn send_with_files(
        &self,
        remote: &Remote,
        objects: BTreeMap<ObjectId, Parts>,
        sum: &mut Transferred,
    ) -> Result<(), Error> {
        let mut files = Vec::new();
        let mut dirs = Vec::new();
        for (object, parts) in objects {
            if !object.is_dir {
                files.push(object);
                continue;
            }
            match self.dir_here(object, &parts) {
                Ok(dir) => {
                    files.extend(&dir.meant);
                    dirs.push(dir);
                }
                // Without its listing here, it may still be whole there.
                Err(_) if remote.has(object)? => sum.n_present += 1,
                Err(error) => sum.problems.push((object, error.to_string())),
            }
        }
        self.send(remote, each_once(files), sum)?;
        // A listing tells that all its files are there: it goes last, and not without them.
        let failed: BTreeSet<ObjectId> = sum.problems.iter().map(|(object, _)| *object).collect();
        let mut whole = Vec::new();
        for dir in dirs {
            // DVC believes a listing: without the other files, nobody would ever send them.
            if !dir.meant.iter().any(|file| failed.contains(file))
                && remote
                    .present(&dir.others)?
                    .into_iter()
                    .all(|is_there| is_there)
            {
                whole.push(dir.object);
            }
        }
        self.send(remote, whole, sum)
    }

    /// Gets objects into the cache, those of directories with their files.
    pub(crate) fn get_with_files(
        &self,
        remote: &Remote,
        objects: BTreeMap<ObjectId, Parts>,
        sum: &mut Transferred,
    ) -> Result<(), Error> {
        let named: Vec<ObjectId> = objects.keys().copied().collect();
        Self::get(remote, self.cache(), &named, sum)?;
        let mut files = Vec::new();
        let dirs = objects.into_iter().filter(|(object, _)| object.is_dir);
        for (object, parts) in dirs {
            if self.cache().has(object)? {
                match self.dir_here(object, &parts) {
                    Ok(dir) => files.extend(dir.meant),
                    Err(error) => sum.problems.push((object, error.to_string())),
                }
            }
        }
        Self::get(remote, self.cache(), &each_once(files), sum)
    }

    /// A directory, from its listing in the cache.
    fn dir_here(&self, object: ObjectId, parts: &Parts) -> Result<Dir, Error> {
        let mut dir = Dir {
            object,
            meant: Vec::new(),
            others: Vec::new(),
        };
        for (file, md5) in self.cache().listing(object)?.files() {
            let files = if parts.has(file) {
                &mut dir.meant
            } else {
                &mut dir.others
            };
            files.push(object_of(*md5, object.hashing));
        }
        Ok(dir)
    }

    /// The chosen objects that are recorded, by remote.
    pub(crate) fn by_remote(
        &self,
        chosen: &[Chosen],
        remote: Option<&str>,
        is_push: bool,
    ) -> Result<ByRemote, Error> {
        let mut objects = ByRemote::new();
        for Chosen { tracked, parts } in chosen {
            let out = tracked.out();
            let (Some(recorded), true) = (out.recorded, out.is_cached) else {
                continue;
            };
            // Data of another repository comes from there, and belongs to no remote of this one.
            if is_push && !out.can_push || tracked.is_of_repository() {
                continue;
            }
            // What its source gave needs no remote.
            let is_import = !is_push && tracked.is_import();
            if is_import && self.is_in_cache(&recorded)? {
                continue;
            }
            let remote = remote.map(str::to_owned).or_else(|| out.remote.clone());
            let objects = objects.entry(remote).or_default();
            match objects.get_mut(&recorded.object) {
                Some(others) => others.join(parts.clone()),
                None => {
                    objects.insert(recorded.object, parts.clone());
                }
            }
        }
        Ok(objects)
    }

    /// Sends what the remote lacks.
    fn send(
        &self,
        remote: &Remote,
        mut objects: Vec<ObjectId>,
        sum: &mut Transferred,
    ) -> Result<(), Error> {
        let n_objects = objects.len();
        let mut is_there = remote.present(&objects)?.into_iter();
        objects.retain(|_| !is_there.next().unwrap_or(false));
        sum.n_present += n_objects - objects.len();
        self.progress().expect(objects.len(), 0);
        transfer(&objects, remote, sum, |object| {
            let sent = remote.send(object, self.cache());
            self.progress().finish();
            sent
        })
    }

    /// Gets into a cache what it lacks.
    pub(crate) fn get(
        remote: &Remote,
        cache: &Cache,
        objects: &[ObjectId],
        sum: &mut Transferred,
    ) -> Result<(), Error> {
        cache.progress.expect(objects.len(), 0);
        transfer(objects, remote, sum, |object| {
            let got = if cache.has(object)? {
                Ok(Sent::Present)
            } else {
                remote.fetch(object, cache)
            };
            cache.progress.finish();
            got
        })
    }
}

/// Applies `work` to objects, and counts what became of them. Of millions only those that failed are remembered.
fn transfer(
    objects: &[ObjectId],
    remote: &Remote,
    sum: &mut Transferred,
    work: impl Fn(ObjectId) -> Result<Sent, Error> + Sync,
) -> Result<(), Error> {
    let n_problems = sum.problems.len();
    let shared = Mutex::new(sum);
    parallel::each(objects, remote.n_jobs(), |object| {
        let sent = work(*object)?;
        let mut sum = shared.lock().unwrap_or_else(PoisonError::into_inner);
        match sent {
            Sent::Present => sum.n_present += 1,
            Sent::Bytes(n_bytes) => {
                sum.n_objects += 1;
                sum.n_bytes += n_bytes;
            }
            Sent::Problem(problem) => sum.problems.push((*object, problem)),
        }
        Ok(())
    })?;
    let sum = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    sum.problems[n_problems..].sort_unstable();
    Ok(())
}

fn each_once(mut objects: Vec<ObjectId>) -> Vec<ObjectId> {
    objects.sort_unstable();
    objects.dedup();
    objects
}
