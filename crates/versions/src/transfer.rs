//! Objects between the cache and a remote.

use std::collections::{BTreeMap, BTreeSet};

use crate::cache::object_of;
use crate::md5::ObjectId;
use crate::remote::{Remote, Sent};
use crate::remote_options::Options;
use crate::repository::Repository;
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
    /// Objects that could not be sent, with the reason.
    pub problems: Vec<(ObjectId, String)>,
    /// What is set of the remotes and not honoured, in words.
    pub notes: Vec<String>,
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
            Remote::open(&options, self.environment(), has_chunks)?,
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
            let mut files = BTreeSet::new();
            let mut dirs = Vec::new();
            for object in objects {
                if !object.is_dir {
                    files.insert(object);
                    continue;
                }
                match self.listing_here(object) {
                    Ok(listing) => {
                        files.extend(listing.iter().copied());
                        dirs.push((object, listing));
                    }
                    // Without its listing here, it may still be whole there.
                    Err(_) if remote.has(object)? => sum.n_present += 1,
                    Err(error) => sum.problems.push((object, error.to_string())),
                }
            }
            self.send(&remote, &files.into_iter().collect::<Vec<_>>(), &mut sum)?;
            // A listing tells that all its files are there: it goes last, and not without them.
            let failed: BTreeSet<ObjectId> =
                sum.problems.iter().map(|(object, _)| *object).collect();
            let is_whole = |files: &[ObjectId]| files.iter().all(|file| !failed.contains(file));
            let whole: Vec<_> = dirs
                .iter()
                .filter(|(_, files)| is_whole(files))
                .map(|(dir, _)| *dir)
                .collect();
            self.send(&remote, &whole, &mut sum)?;
        }
        Ok(sum)
    }

    /// Gets objects of the chosen data from a remote into the cache. Each is checked on its way.
    ///
    /// # Errors
    ///
    /// Fails if a target is not tracked, or the remote does not exist.
    pub fn fetch(&self, targets: &[RepoPath], remote: Option<&str>) -> Result<Transferred, Error> {
        let mut sum = Transferred::default();
        for (remote, objects) in self.by_remote(targets, remote, false)? {
            let (remote, notes) = self.remote(remote.as_deref())?;
            sum.notes.extend(notes);
            self.get(
                &remote,
                &objects.iter().copied().collect::<Vec<_>>(),
                &mut sum,
            )?;
            let mut files = BTreeSet::new();
            for object in objects.into_iter().filter(|object| object.is_dir) {
                if self.cache().has(object)? {
                    match self.listing_here(object) {
                        Ok(listing) => files.extend(listing),
                        Err(error) => sum.problems.push((object, error.to_string())),
                    }
                }
            }
            self.get(&remote, &files.into_iter().collect::<Vec<_>>(), &mut sum)?;
        }
        Ok(sum)
    }

    pub(crate) fn listing_here(&self, object: ObjectId) -> Result<Vec<ObjectId>, Error> {
        let listing = self.cache().listing(object)?;
        Ok(listing
            .files()
            .iter()
            .map(|(_, md5)| object_of(*md5, object.hashing))
            .collect())
    }

    /// The objects that `.dvc` files name, by the remote that each belongs to.
    pub(crate) fn by_remote(
        &self,
        targets: &[RepoPath],
        remote: Option<&str>,
        is_push: bool,
    ) -> Result<BTreeMap<Option<String>, BTreeSet<ObjectId>>, Error> {
        let mut objects: BTreeMap<Option<String>, BTreeSet<ObjectId>> = BTreeMap::new();
        for one in self.chosen(targets)? {
            let out = one.out();
            let (Some(recorded), true) = (out.recorded, out.is_cached) else {
                continue;
            };
            if is_push && !out.can_push {
                continue;
            }
            let remote = remote.map(str::to_owned).or_else(|| out.remote.clone());
            objects.entry(remote).or_default().insert(recorded.object);
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
        let sent = network::map(&lacking, remote.n_jobs(), |object| {
            remote.send(*object, self.cache())
        })?;
        count(&lacking, sent, sum);
        Ok(())
    }

    /// Gets what is not here.
    fn get(
        &self,
        remote: &Remote,
        objects: &[ObjectId],
        sum: &mut Transferred,
    ) -> Result<(), Error> {
        let got = network::map(objects, remote.n_jobs(), |object| {
            if self.cache().has(*object)? {
                return Ok(Sent::Present);
            }
            remote.fetch(*object, self.cache())
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
