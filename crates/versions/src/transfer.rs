//! Objects between the cache and a remote.

use std::collections::{BTreeMap, BTreeSet};

use crate::cache::{Cache, object_of};
use crate::md5::ObjectId;
use crate::parts::Parts;
use crate::remote::{Remote, Sent};
use crate::remote_options::Options;
use crate::repository::Repository;
use crate::tracked::Chosen;
use crate::{Error, RepoPath, network, remotes};

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
        for (remote, objects) in self.by_remote(targets, remote, true)? {
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
        let mut sum = self.fetch_imports(targets)?;
        for (remote, objects) in self.by_remote(targets, remote, false)? {
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
        let mut files = BTreeSet::new();
        let mut dirs = Vec::new();
        let parts = objects.iter().filter(|(_, parts)| !parts.is_whole());
        let partial: BTreeSet<ObjectId> = parts.map(|(object, _)| *object).collect();
        for (object, parts) in objects {
            if !object.is_dir {
                files.insert(object);
                continue;
            }
            match self.listing_here(object, &Parts::default()) {
                Ok(listing) => {
                    let meant = self.listing_here(object, &parts)?;
                    files.extend(meant);
                    dirs.push((object, listing));
                }
                // Without its listing here, it may still be whole there.
                Err(_) if remote.has(object)? => sum.n_present += 1,
                Err(error) => sum.problems.push((object, error.to_string())),
            }
        }
        self.send(remote, &files.into_iter().collect::<Vec<_>>(), sum)?;
        // A listing tells that all its files are there: it goes last, and not without them.
        let failed: BTreeSet<ObjectId> = sum.problems.iter().map(|(object, _)| *object).collect();
        let is_part = |dir: &ObjectId| partial.contains(dir);
        let mut whole = Vec::new();
        for (dir, files) in &dirs {
            let mut is_whole = files.iter().all(|file| !failed.contains(file));
            // DVC believes a listing: without the other files, nobody would ever send them.
            for file in files.iter().filter(|_| is_part(dir)) {
                is_whole = is_whole && remote.has(*file)?;
            }
            if is_whole {
                whole.push(*dir);
            }
        }
        self.send(remote, &whole, sum)?;
        Ok(())
    }

    /// Gets objects into the cache, those of directories with their files.
    pub(crate) fn get_with_files(
        &self,
        remote: &Remote,
        objects: BTreeMap<ObjectId, Parts>,
        sum: &mut Transferred,
    ) -> Result<(), Error> {
        Self::get(
            remote,
            self.cache(),
            &objects.keys().copied().collect::<Vec<_>>(),
            sum,
        )?;
        let mut files = BTreeSet::new();
        let dirs = objects.into_iter().filter(|(object, _)| object.is_dir);
        for (object, parts) in dirs {
            if self.cache().has(object)? {
                match self.listing_here(object, &parts) {
                    Ok(listing) => files.extend(listing),
                    Err(error) => sum.problems.push((object, error.to_string())),
                }
            }
        }
        let files: Vec<ObjectId> = files.into_iter().collect();
        Self::get(remote, self.cache(), &files, sum)?;
        Ok(())
    }

    /// The files of a directory that are meant, from its listing in the cache.
    pub(crate) fn listing_here(
        &self,
        object: ObjectId,
        parts: &Parts,
    ) -> Result<Vec<ObjectId>, Error> {
        let listing = self.cache().listing(object)?;
        let meant = listing.files().iter().filter(|(file, _)| parts.has(file));
        Ok(meant
            .map(|(_, md5)| object_of(*md5, object.hashing))
            .collect())
    }

    /// The objects that are recorded, by the remote that each belongs to, with what is meant of directories.
    pub(crate) fn by_remote(
        &self,
        targets: &[RepoPath],
        remote: Option<&str>,
        is_push: bool,
    ) -> Result<BTreeMap<Option<String>, BTreeMap<ObjectId, Parts>>, Error> {
        let mut objects: BTreeMap<Option<String>, BTreeMap<ObjectId, Parts>> = BTreeMap::new();
        for Chosen { tracked, parts } in self.chosen_parts(targets)? {
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
            if is_import && self.workspace().is_in_cache(&recorded)? {
                continue;
            }
            let remote = remote.map(str::to_owned).or_else(|| out.remote.clone());
            let objects = objects.entry(remote).or_default();
            match objects.get_mut(&recorded.object) {
                Some(others) => others.join(parts),
                None => {
                    objects.insert(recorded.object, parts);
                }
            }
        }
        Ok(objects)
    }

    /// Sends what the remote lacks.
    fn send(
        &self,
        remote: &Remote,
        objects: &[ObjectId],
        sum: &mut Transferred,
    ) -> Result<(), Error> {
        let present = remote.present(objects)?;
        sum.n_present += present.len();
        let lacking: Vec<ObjectId> = objects
            .iter()
            .filter(|object| !present.contains(object))
            .copied()
            .collect();
        self.progress().expect(lacking.len(), 0);
        let sent = network::map(&lacking, remote.n_jobs(), |object| {
            let sent = remote.send(*object, self.cache());
            self.progress().finish();
            sent
        })?;
        count(&lacking, sent, sum);
        Ok(())
    }

    /// Gets into a cache what it lacks.
    pub(crate) fn get(
        remote: &Remote,
        cache: &Cache,
        objects: &[ObjectId],
        sum: &mut Transferred,
    ) -> Result<(), Error> {
        cache.progress.expect(objects.len(), 0);
        let got = network::map(objects, remote.n_jobs(), |object| {
            let got = if cache.has(*object)? {
                Ok(Sent::Present)
            } else {
                remote.fetch(*object, cache)
            };
            cache.progress.finish();
            got
        })?;
        count(objects, got, sum);
        Ok(())
    }
}

fn count(objects: &[ObjectId], sent: Vec<Sent>, sum: &mut Transferred) {
    for (object, sent) in objects.iter().zip(sent) {
        match sent {
            Sent::Present => sum.n_present += 1,
            Sent::Bytes(n_bytes) => {
                sum.n_objects += 1;
                sum.n_bytes += n_bytes;
            }
            Sent::Problem(problem) => sum.problems.push((*object, problem)),
        }
    }
}
