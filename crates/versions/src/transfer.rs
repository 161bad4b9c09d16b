//! Objects between the cache and a remote that is a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::cache::{Cache, object_of};
use crate::links::Links;
use crate::md5::ObjectId;
use crate::repository::Repository;
use crate::{Error, RepoPath, config, parallel};

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
}

impl Repository {
    /// The place of a remote, and whether it is one that can be reached. Without a name, the default remote.
    fn remote(&self, name: Option<&str>) -> Result<Cache, Error> {
        let name = name.or(self.config().get("core", "remote")).ok_or_else(|| Error::NotFound {
            what: "no default remote is set; `everloop data remote add --default NAME PLACE` does it".to_owned(),
        })?;
        let url = self
            .config()
            .get(&config::remote_section(name), "url")
            .ok_or_else(|| Error::NotFound {
                what: format!(
                    "there is no remote `{name}`; `everloop data remote list` tells which there are"
                ),
            })?;
        if config::is_url(url) && !url.starts_with("file://") {
            return Err(Error::form(
                format!("remote \"{name}\""),
                format!("`{url}` is no directory, and other places are not supported yet"),
            ));
        }
        let place = Path::new(url.strip_prefix("file://").unwrap_or(url));
        let remote = Cache::new(place, Links::parse(Some("copy"))?);
        Ok(remote.counting(self.progress()))
    }

    /// Sends objects of the chosen data to a remote. An interrupted push is taken up where it was.
    ///
    /// # Errors
    ///
    /// Fails if a target is not tracked, or the remote does not exist.
    pub fn push(&self, targets: &[RepoPath], remote: Option<&str>) -> Result<Transferred, Error> {
        let mut sum = Transferred::default();
        for (remote, objects) in self.by_remote(targets, remote, true)? {
            let remote = self.remote(remote.as_deref())?;
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
            send(
                self.cache(),
                &remote,
                &files.into_iter().collect::<Vec<_>>(),
                &mut sum,
            )?;
            // A listing tells that all its files are there: it goes last, and not without them.
            let failed: BTreeSet<ObjectId> =
                sum.problems.iter().map(|(object, _)| *object).collect();
            let is_whole = |files: &[ObjectId]| files.iter().all(|file| !failed.contains(file));
            let whole: Vec<_> = dirs
                .iter()
                .filter(|(_, files)| is_whole(files))
                .map(|(dir, _)| *dir)
                .collect();
            send(self.cache(), &remote, &whole, &mut sum)?;
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
            let remote = self.remote(remote.as_deref())?;
            send(
                &remote,
                self.cache(),
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
            send(
                &remote,
                self.cache(),
                &files.into_iter().collect::<Vec<_>>(),
                &mut sum,
            )?;
        }
        Ok(sum)
    }

    fn listing_here(&self, object: ObjectId) -> Result<Vec<ObjectId>, Error> {
        let listing = self.cache().listing(object)?;
        Ok(listing
            .files()
            .iter()
            .map(|(_, md5)| object_of(*md5, object.hashing))
            .collect())
    }

    /// The objects that `.dvc` files name, by the remote that each belongs to.
    fn by_remote(
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
}

fn send(
    from: &Cache,
    to: &Cache,
    objects: &[ObjectId],
    sum: &mut Transferred,
) -> Result<(), Error> {
    to.progress.expect(objects.len(), 0);
    let results = parallel::map(objects, |object| {
        let sent = send_one(from, to, *object);
        to.progress.finish();
        sent
    })?;
    for (object, result) in objects.iter().zip(results) {
        match result {
            Ok(None) => sum.n_present += 1,
            Ok(Some(n_bytes)) => {
                sum.n_objects += 1;
                sum.n_bytes += n_bytes;
            }
            Err(problem) => sum.problems.push((*object, problem)),
        }
    }
    Ok(())
}

/// The bytes of an object that was sent, nothing if it was there, or why it could not be sent.
fn send_one(
    from: &Cache,
    to: &Cache,
    object: ObjectId,
) -> Result<Result<Option<u64>, String>, Error> {
    if to.has(object)? {
        return Ok(Ok(None));
    }
    let source = from.path(object);
    if !source.exists() {
        return Ok(Err(format!("`{}` is not there", source.display())));
    }
    match to.take(object, from) {
        Ok(n_bytes) => Ok(Ok(Some(n_bytes))),
        Err(error @ Error::Damaged { .. }) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}
