//! The run cache on remotes: what stages once made of the same, for others.
//!
//! ```text
//! runs/ab/abcd…/1234…   the same below the cache and below a remote
//! ```
//!
//! Runs name what was made by digests. DVC sends the runs alone; here the objects that they name go first, and runs whose objects
//! are not in the cache stay, for a run without them is of no use to anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use everloop_lifecycle::dvc::StageLock;

use crate::dvc_file::Recorded;
use crate::md5::ObjectId;
use crate::parts::Parts;
use crate::remote::Remote;
use crate::repository::Repository;
use crate::transfer::Transferred;
use crate::whole::{read_whole, write_whole};
use crate::{Error, parallel, stages};

const DIR: &str = "runs";
/// A run names the outputs of one stage; longer files are none.
const MAX_BYTES: u64 = 16 << 20;

impl Repository {
    /// Sends the runs of the run cache whose objects are here, and these objects.
    ///
    /// # Errors
    ///
    /// Fails if there is no such remote, or if it cannot be written.
    pub fn push_runs(&self, remote: Option<&str>) -> Result<Transferred, Error> {
        let (remote, _) = self.remote(remote)?;
        let mut sum = Transferred::default();
        let here = self.runs_here()?;
        let mut objects: BTreeMap<ObjectId, Parts> = BTreeMap::new();
        let (mut texts, mut n_empty) = (Vec::new(), 0);
        for path in here.iter().filter(|path| is_run(path)) {
            let file = self.cache().runs_dir().join(path);
            let text = read_whole(&file).map_err(|error| Error::file("read", &file, error))?;
            // A damaged run is nobody's; the next run of its stage writes it anew.
            let Some(run) = read(&text) else { continue };
            let made: Vec<Recorded> = run.outs.iter().filter_map(stages::recorded).collect();
            let is_here = made.iter().map(|one| self.is_in_cache(one));
            if is_here.collect::<Result<Vec<bool>, _>>()?.contains(&false) {
                n_empty += 1;
                continue;
            }
            objects.extend(made.iter().map(|one| (one.object, Parts::default())));
            texts.push((path, text));
        }
        if n_empty > 0 {
            sum.notes.push(format!(
                "{n_empty} runs are not sent: what they made is not in the cache"
            ));
        }
        self.send_with_files(&remote, objects, &mut sum)?;
        let there = runs_there(&remote)?;
        texts.retain(|(path, _)| !there.contains(*path));
        parallel::map(&texts, remote.n_jobs(), |(path, text)| {
            remote.write(&format!("{DIR}/{path}"), text)
        })?;
        sum.n_runs += texts.len();
        Ok(sum)
    }

    /// Gets the runs that are not here. What they name comes when it is needed.
    ///
    /// # Errors
    ///
    /// Fails if there is no such remote, or if it cannot be read.
    pub fn fetch_runs(&self, remote: Option<&str>) -> Result<Transferred, Error> {
        let (remote, _) = self.remote(remote)?;
        let mut sum = Transferred::default();
        if !remote.can_be_listed() {
            sum.notes.push(format!(
                "remote `{}` has no lists, so its run cache cannot be read",
                remote.name()
            ));
            return Ok(sum);
        }
        let here = self.runs_here()?;
        let wanted = runs_there(&remote)?.into_iter();
        let wanted: Vec<String> = wanted
            .filter(|path| is_run(path) && !here.contains(path))
            .collect();
        let got = parallel::map(&wanted, remote.n_jobs(), |path| {
            let text = remote.read(&format!("{DIR}/{path}"), MAX_BYTES)?;
            if read(&text).is_none() {
                return Ok(false);
            }
            let file = self.cache().runs_dir().join(path);
            if let Some(dir) = file.parent() {
                fs::create_dir_all(dir).map_err(|error| Error::file("create", dir, error))?;
            }
            write_whole(&file, &text)?;
            Ok(true)
        })?;
        for (path, _) in wanted.iter().zip(&got).filter(|(_, is_read)| !**is_read) {
            let place = remote.shown(&format!("{DIR}/{path}"));
            sum.notes.push(format!("`{place}` is no run and is left"));
        }
        sum.n_runs += got.into_iter().filter(|is_read| *is_read).count();
        Ok(sum)
    }

    /// Gets what was recorded, whoever tracks it.
    ///
    /// # Errors
    ///
    /// Fails if there is no such remote, or if it cannot be read.
    pub fn fetch_recorded(
        &self,
        recorded: &[Recorded],
        remote: Option<&str>,
    ) -> Result<Transferred, Error> {
        let mut sum = Transferred::default();
        let (remote, notes) = self.remote(remote)?;
        sum.notes.extend(notes);
        let objects = recorded.iter().map(|one| (one.object, Parts::default()));
        self.get_with_files(&remote, objects.collect(), &mut sum)?;
        Ok(sum)
    }

    /// The runs of the cache, by their paths.
    fn runs_here(&self) -> Result<BTreeSet<String>, Error> {
        let mut found = BTreeSet::new();
        crate::remote::list_dir(&self.cache().runs_dir(), "", &mut |path, _| {
            found.insert(path.to_owned());
            true
        })?;
        Ok(found)
    }
}

fn runs_there(remote: &Remote) -> Result<BTreeSet<String>, Error> {
    let mut found = BTreeSet::new();
    if remote.can_be_listed() {
        remote.list(DIR, &mut |path, _| {
            found.insert(path.to_owned());
            true
        })?;
    }
    Ok(found)
}

fn read(text: &[u8]) -> Option<StageLock> {
    StageLock::read_run(std::str::from_utf8(text).ok()?)
}

/// Whether a path below the run cache is that of a run: the start of a digest, the digest, another one.
fn is_run(path: &str) -> bool {
    let is_digest = |name: &str| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        name.len() == 64 && name.bytes().all(is_digit)
    };
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [start, key, value] => {
            is_digest(key) && is_digest(value) && start.len() == 2 && key.starts_with(start)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_runs_are_digests() {
        let digest = "ab".repeat(32);
        assert!(is_run(&format!("ab/{digest}/{digest}")));
        for path in [
            format!("cd/{digest}/{digest}"),
            format!("ab/{digest}/{digest}.tmp"),
            format!("ab/{digest}/../{digest}"),
            format!("{digest}/{digest}"),
            format!("ab/{}/{digest}", digest.to_uppercase()),
            String::new(),
        ] {
            assert!(!is_run(&path), "{path}");
        }
    }
}
