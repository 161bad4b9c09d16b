//! Removing objects that nothing names.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::cache::{Cache, file_id};
use crate::chunks::is_manifest;
use crate::commits::{Keep, commits};
use crate::dvc_file::DvcFile;
use crate::listing::Listing;
use crate::md5::ObjectId;
use crate::remote::{Remote, path_of};
use crate::repository::Repository;
use crate::revision::Revision;
use crate::tracked::is_dvc_file;
use crate::whole::read_whole;
use crate::{Error, RepoPath, parallel};

const LOCK: &str = "dvc.lock";
/// More than the listing of any directory: ten million files have one of this length.
const MAX_LISTING_BYTES: u64 = 2 << 30;

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Objects that nothing names.
    pub objects: Vec<ObjectId>,
    /// Their bytes.
    pub n_bytes: u64,
    /// How many objects stay.
    pub n_kept: usize,
    /// How many chunks and manifests of a remote went besides.
    pub n_chunks: usize,
    /// The remote that they were on; `None` stands for the cache.
    pub remote: Option<String>,
}

/// What is to be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// What is kept besides what the workspace names.
    pub keep: Keep,
    /// Whether nothing is removed, and only told.
    pub is_dry: bool,
    /// Whether objects that are on a remote (the default one without a name) are removed from the cache, named or not.
    pub not_in_remote: Option<Option<String>>,
    /// Whether remotes are cleaned, too: the named or default one, and those that outs name.
    pub from_remotes: Option<Option<String>>,
}

/// What is named, by what, and the blobs of git that are read already.
#[derive(Default)]
struct Named {
    objects: BTreeMap<ObjectId, String>,
    /// What stages have read. It was never kept for them, so it stays where it is there.
    read: BTreeSet<ObjectId>,
    blobs: HashSet<String>,
}

#[derive(Deserialize)]
struct LockFile {
    stages: Option<std::collections::BTreeMap<String, Stage>>,
}

#[derive(Deserialize)]
struct Stage {
    outs: Option<Vec<Entry>>,
    deps: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    md5: Option<String>,
    hash: Option<String>,
    files: Option<Vec<IgnoredAny>>,
}

impl Repository {
    /// Removes the objects of the cache that the `.dvc` and `dvc.lock` files of the workspace do not name. What only other
    /// commits name goes, too: the remote has it, if it was pushed.
    ///
    /// # Errors
    ///
    /// Fails, before anything is removed, if not all that is named can be told.
    pub fn gc(&self, is_dry: bool) -> Result<Collected, Error> {
        let request = Request {
            is_dry,
            ..Request::default()
        };
        let collected = self.collect(&request)?.into_iter().next();
        Ok(collected.unwrap_or_default())
    }

    /// Removes from the cache, and from remotes if asked, what neither the workspace nor the kept commits name. Results of
    /// stages in the run-cache stay, as do objects of DVC 2.
    ///
    /// # Errors
    ///
    /// Fails, before anything is removed, if not all that is named can be told; the commit that cannot be read is named.
    pub fn collect(&self, request: &Request) -> Result<Vec<Collected>, Error> {
        let mut named = Named::default();
        let tracked = match self.tracked() {
            // Where stages cannot be read, what they made is told by their locks; which remote it is on, by nothing else.
            Err(_) if request.from_remotes.is_none() => self.tracked_by_files()?,
            tracked => tracked?,
        };
        for one in &tracked {
            let object = one.out().recorded.map(|recorded| recorded.object);
            named.extend(object, one.file.as_str());
        }
        let data: HashSet<&RepoPath> = tracked.iter().map(|one| &one.path).collect();
        lock_files(self.root(), &RepoPath::default(), &data, &mut named)?;
        for commit in commits(self.root(), &request.keep)? {
            let in_commit = |error| Error::Revision {
                revision: commit.clone(),
                source: Box::new(error),
            };
            self.named_in(&commit, &mut named).map_err(in_commit)?;
        }
        let named = self.with_files(named)?;
        let mut remotes = BTreeMap::new();
        if let Some(remote) = &request.from_remotes {
            let of_outs = tracked.iter().map(|one| one.out().remote.clone());
            for name in of_outs.chain([remote.clone()]) {
                let is_meant = name.is_some() || name == *remote;
                if is_meant && !remotes.contains_key(&name) {
                    let (place, _) = self.remote(name.as_deref())?;
                    remotes.insert(name, place);
                }
            }
        }
        let mut kept_here = named.clone();
        if let Some(remote) = &request.not_in_remote {
            let (remote, _) = self.remote(remote.as_deref())?;
            let objects: Vec<ObjectId> = named.iter().copied().collect();
            for (object, is_there) in objects.iter().zip(remote.present(&objects)?) {
                if is_there {
                    kept_here.remove(object);
                }
            }
        }
        let mut collected = vec![sweep(self.cache(), &kept_here, request.is_dry)?];
        for (name, place) in remotes {
            collected.push(Collected {
                remote: Some(name.unwrap_or_else(|| "default".to_owned())),
                ..place.sweep(&named, request.is_dry)?
            });
        }
        Ok(collected)
    }

    /// Adds what a commit names.
    fn named_in(&self, commit: &str, named: &mut Named) -> Result<(), Error> {
        let revision = Revision::find(self.root(), commit)?;
        let is_new = |path: &&RepoPath| {
            let is_ours = is_dvc_file(path.name()) || path.name() == LOCK;
            is_ours
                && revision
                    .blob(path)
                    .is_some_and(|blob| !named.blobs.contains(blob))
        };
        let paths: Vec<&RepoPath> = revision.files().filter(is_new).collect();
        if paths.is_empty() {
            return Ok(());
        }
        let texts = revision.read_all(&paths)?;
        for (path, text) in paths.into_iter().zip(texts) {
            let text = text.unwrap_or_default();
            let by = format!("{path} of {}", &commit[..commit.len().min(12)]);
            if path.name() == LOCK {
                named.extend_by_lock(&text, path.as_str(), &by)?;
            } else {
                let file = DvcFile::parse(&text, path.as_str())?;
                let recorded = file.outs.iter().filter_map(|out| out.recorded);
                named.extend(recorded.map(|recorded| recorded.object), &by);
            }
            named.blobs.extend(revision.blob(path).map(str::to_owned));
        }
        Ok(())
    }

    /// All that is named, with the files of directories.
    fn with_files(&self, named: Named) -> Result<BTreeSet<ObjectId>, Error> {
        let mut objects = BTreeSet::new();
        for object in named.read {
            objects.insert(object);
            if object.is_dir && self.cache().has(object)? {
                let listing = self.cache().listing(object)?;
                objects.extend(listing.files().iter().map(|(_, md5)| file_id(*md5)));
            }
        }
        for (object, by) in named.objects {
            // Those of DVC 2 lie elsewhere and stay.
            if object.is_of_dvc_2() {
                continue;
            }
            objects.insert(object);
            if object.is_dir {
                let listing = self.listing_anywhere(object, &by)?;
                objects.extend(listing.files().iter().map(|(_, md5)| file_id(*md5)));
            }
        }
        Ok(objects)
    }

    /// A listing from the cache, or else from the default remote. Without it, its files cannot be told from others.
    fn listing_anywhere(&self, object: ObjectId, by: &str) -> Result<Listing, Error> {
        if self.cache().has(object)? {
            return self.cache().listing(object);
        }
        if let Ok((remote, _)) = self.remote(None)
            && remote.has(object)?
        {
            return remote.listing(object);
        }
        Err(Error::Conflict {
            what: format!(
                "the listing `{object}`, which `{by}` names, is neither in the cache nor on the default remote, so its files cannot be told from others; `everloop data fetch` gets what the workspace names"
            ),
        })
    }
}

/// Removes from a place what is not named.
fn sweep(place: &Cache, named: &BTreeSet<ObjectId>, is_dry: bool) -> Result<Collected, Error> {
    let found = place.all()?;
    let collected = Collected::of(found.objects, named);
    if is_dry {
        return Ok(collected);
    }
    // A listing goes before its files, so that none is ever there without them.
    let (dirs, files): (Vec<_>, Vec<_>) = collected.objects.iter().partition(|one| one.is_dir);
    for objects in [dirs, files] {
        parallel::each(&objects, parallel::on_disk(), |object: &ObjectId| {
            place.remove(*object)
        })?;
    }
    for path in &found.left {
        fs::remove_file(path).map_err(|error| Error::file("remove", path, error))?;
    }
    Ok(collected)
}

impl Collected {
    /// Those of these objects that nothing names.
    fn of(found: Vec<(ObjectId, u64)>, named: &BTreeSet<ObjectId>) -> Self {
        let mut collected = Self::default();
        for (object, size) in found {
            if named.contains(&object) {
                collected.n_kept += 1;
                continue;
            }
            collected.objects.push(object);
            collected.n_bytes += size;
        }
        collected
    }
}

impl Remote {
    /// Removes from the remote what is not named.
    fn sweep(&self, named: &BTreeSet<ObjectId>, is_dry: bool) -> Result<Collected, Error> {
        let mut collected = Collected::of(self.objects()?, named);
        let chunks = self.unneeded_chunks(named)?;
        collected.n_chunks = chunks.len();
        if is_dry {
            return Ok(collected);
        }
        // A listing goes before its files, and a manifest before its chunks.
        let (dirs, files): (Vec<_>, Vec<_>) = collected.objects.iter().partition(|one| one.is_dir);
        for objects in [dirs, files] {
            parallel::each(&objects, self.n_jobs(), |object: &ObjectId| {
                self.delete(&path_of(*object))
            })?;
        }
        let (manifests, chunks): (Vec<String>, Vec<String>) =
            chunks.into_iter().partition(|path| is_manifest(path));
        for paths in [manifests, chunks] {
            parallel::each(&paths, self.n_jobs(), |path| self.delete(path))?;
        }
        Ok(collected)
    }

    /// A listing that is there, checked.
    fn listing(&self, object: ObjectId) -> Result<Listing, Error> {
        let path = path_of(object);
        let bytes = self.read(&path, MAX_LISTING_BYTES)?;
        Listing::of_object(object, &bytes, &self.shown(&path))
    }
}

impl Named {
    fn extend(&mut self, objects: impl IntoIterator<Item = ObjectId>, by: &str) {
        for object in objects {
            self.objects.entry(object).or_insert_with(|| by.to_owned());
        }
    }
}

impl Named {
    /// Adds what a `dvc.lock` names.
    fn extend_by_lock(&mut self, text: &[u8], name: &str, by: &str) -> Result<(), Error> {
        let (outs, deps) = objects(text, name)?;
        self.extend(outs, by);
        self.read.extend(deps);
        Ok(())
    }
}

/// Adds what the `dvc.lock` files at and below a directory name. There are none in data.
fn lock_files(
    root: &Path,
    dir: &RepoPath,
    data: &HashSet<&RepoPath>,
    named: &mut Named,
) -> Result<(), Error> {
    let place = dir.under(root);
    let read = |error| Error::file("read", &place, error);
    for entry in fs::read_dir(&place).map_err(read)? {
        let entry = entry.map_err(read)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if entry.file_type().map_err(read)?.is_dir() {
            if name == ".git" || name == ".dvc" {
                continue;
            }
            let below = dir.join(&name)?;
            if !data.contains(&below) {
                lock_files(root, &below, data, named)?;
            }
        } else if name == LOCK {
            let path = dir.join(&name)?;
            let text = read_whole(&entry.path()).map_err(read)?;
            named.extend_by_lock(&text, path.as_str(), path.as_str())?;
        }
    }
    Ok(())
}

/// The objects that a `dvc.lock` names: what stages made, and what they have read.
fn objects(text: &[u8], name: &str) -> Result<(Vec<ObjectId>, Vec<ObjectId>), Error> {
    let refused = |problem: String| Error::form(name, problem);
    let text =
        std::str::from_utf8(text).map_err(|error| refused(format!("it is no UTF-8: {error}")))?;
    if text.trim().is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let file: LockFile = serde_saphyr::from_str(text)
        .map_err(|error| refused(format!("it is no `dvc.lock`: {error}")))?;
    let (mut made, mut read) = (Vec::new(), Vec::new());
    for stage in file.stages.unwrap_or_default().into_values() {
        let outs = stage.outs.into_iter().flatten().map(|one| (one, true));
        let deps = stage.deps.into_iter().flatten().map(|one| (one, false));
        for (one, is_made) in outs.chain(deps) {
            if one.files.is_some() {
                return Err(refused(
                    "it names versions that a cloud keeps (a remote with `version_aware`), which Everloop does not know".to_owned(),
                ));
            }
            if let (Some(md5), Some("md5")) = (one.md5, one.hash.as_deref()) {
                let objects = if is_made { &mut made } else { &mut read };
                objects.push(md5.parse().map_err(&refused)?);
            }
        }
    }
    Ok((made, read))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_names_its_objects() {
        let text = "schema: '2.0'\nstages:\n  a@1:\n    cmd: |\n      x\n    deps:\n    - path: p\n      hash: md5\n      md5: b1946ac92492d2347c6235b4d2611184\n    params:\n      params.yaml:\n        lr: 0.1\n    outs:\n    - path: d\n      hash: md5\n      md5: eba5f3cb687a865f892f7f2a612d6082.dir\n  b:\n    cmd: [x]\n";
        let (made, read) = objects(text.as_bytes(), "dvc.lock").unwrap();
        let names = |objects: &[ObjectId]| -> Vec<String> {
            objects.iter().map(ToString::to_string).collect()
        };
        assert_eq!(names(&made), ["eba5f3cb687a865f892f7f2a612d6082.dir"]);
        assert_eq!(names(&read), ["b1946ac92492d2347c6235b4d2611184"]);
        let (made, read) = objects(b"\n", "dvc.lock").unwrap();
        assert_eq!((made.len(), read.len()), (0, 0));
        let error = objects(b"stages: [", "dvc.lock").unwrap_err();
        assert!(error.to_string().contains("dvc.lock"), "{error}");
    }
}
