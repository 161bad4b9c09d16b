//! Whether every object is what its name says.
//!
//! DVC believes an object of mode 0444 without a look at its bytes. Here all bytes are read again. What is damaged or missing
//! is got from the workspace, where the same content may still be, or from a remote; what was damaged is moved to
//! `everloop-damaged` in the cache, because it may be somebody's work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::cache::{Cache, MODE, object_of};
use crate::links::set_mode;
use crate::listing::Listing;
use crate::md5::{Hashing, ObjectId};
use crate::remote::{Remote, Sent};
use crate::repository::Repository;
use crate::scan::{Content, Purpose, scan};
use crate::{Error, RepoPath, parallel};

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many objects were looked for.
    pub n_objects: usize,
    /// The bytes that were read.
    pub n_bytes: u64,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// What is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The object.
    pub object: ObjectId,
    /// In which way.
    pub kind: FaultKind,
    /// What was found.
    pub problem: String,
    /// The data that needs it; none for an object that nothing in the workspace names.
    pub used_by: Vec<String>,
    /// How it was repaired, if it was.
    pub repaired: Option<String>,
}

/// In which way something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Its bytes are others than its name says.
    Damaged,
    /// It is not there.
    Missing,
    /// It can be written to, so that DVC reads it again each time, and a program may change it.
    Writable,
}

/// Objects with the data that needs each.
type Users = BTreeMap<ObjectId, BTreeSet<String>>;

impl Repository {
    /// Reads all objects that the chosen data names, with `has_all` also those that nothing names, and tells what is wrong.
    /// With `is_repaired` it is mended as far as the workspace or a remote (the default one without a name) has the content.
    ///
    /// # Errors
    ///
    /// Fails if a target is not tracked, the remote does not exist, or something cannot be mended for reasons of the machine.
    pub fn fsck(
        &self,
        targets: &[RepoPath],
        has_all: bool,
        repair: Option<Option<&str>>,
    ) -> Result<Checked, Error> {
        let remote = match repair {
            Some(name) if name.is_some() || self.config().get("core", "remote").is_some() => {
                Some(self.remote(name)?.0)
            }
            _ => None,
        };
        let mut check = Check {
            repository: self,
            is_repaired: repair.is_some(),
            remote,
            checked: Checked::default(),
        };
        let (mut dirs, mut files) = (Users::new(), Users::new());
        let mut parts = BTreeMap::new();
        for chosen in self.chosen_parts(targets)? {
            let out = chosen.tracked.out();
            if let (Some(recorded), true) = (out.recorded, out.is_cached) {
                let users = if recorded.object.is_dir {
                    &mut dirs
                } else {
                    &mut files
                };
                let path = chosen.tracked.path.to_string();
                parts.insert(path.clone(), chosen.parts);
                users.entry(recorded.object).or_default().insert(path);
            }
        }
        if has_all {
            for (object, _) in self.cache().all()?.objects {
                let users = if object.is_dir { &mut dirs } else { &mut files };
                users.entry(object).or_default();
            }
        }
        check.all(&dirs)?;
        for (dir, data) in &dirs {
            // A listing that is gone was told already.
            let Some(listing) = check.listing(*dir) else {
                continue;
            };
            for (file, md5) in listing.files() {
                let object = object_of(*md5, dir.hashing);
                let meant = data
                    .iter()
                    .filter(|path| parts.get(*path).is_some_and(|parts| parts.has(file)));
                let meant: Vec<String> = meant.map(|path| format!("{path}/{file}")).collect();
                if data.is_empty() || !meant.is_empty() {
                    files.entry(object).or_default().extend(meant);
                }
            }
        }
        check.all(&files)?;
        Ok(check.checked)
    }
}

struct Check<'a> {
    repository: &'a Repository,
    is_repaired: bool,
    remote: Option<Remote>,
    checked: Checked,
}

impl Check<'_> {
    fn cache(&self) -> &Cache {
        self.repository.cache()
    }

    fn all(&mut self, users: &Users) -> Result<(), Error> {
        let objects: Vec<ObjectId> = users.keys().copied().collect();
        let seen = parallel::map(&objects, parallel::on_disk(), |object| {
            Ok(self.look(*object))
        })?;
        for (object, seen) in objects.into_iter().zip(seen) {
            self.checked.n_objects += 1;
            let (kind, problem) = match seen {
                Ok(n_bytes) => {
                    self.checked.n_bytes += n_bytes;
                    continue;
                }
                Err(fault) => fault,
            };
            let used_by: Vec<String> = users[&object].iter().cloned().collect();
            let repaired = if self.is_repaired {
                self.repair(object, kind, &used_by)?
            } else {
                None
            };
            self.checked.faults.push(Fault {
                object,
                kind,
                problem,
                used_by,
                repaired,
            });
        }
        Ok(())
    }

    /// The bytes of a good object, or what is wrong with it.
    fn look(&self, object: ObjectId) -> Result<u64, (FaultKind, String)> {
        let path = self.cache().path(object);
        let damaged = |problem: String| Err((FaultKind::Damaged, problem));
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if crate::scan::is_absent(&error) => {
                return Err((FaultKind::Missing, "it is not in the cache".to_owned()));
            }
            Err(error) => return damaged(format!("it cannot be read: {error}")),
        };
        if !metadata.is_file() {
            return damaged("it is no file".to_owned());
        }
        let n_bytes = match object.hashing.of_file(&path) {
            Ok((md5, n_bytes)) if md5 == object.md5 => n_bytes,
            Ok((md5, n_bytes)) => {
                return damaged(format!("its {n_bytes} bytes have the MD5 {md5}"));
            }
            Err(error) => return damaged(format!("it cannot be read: {error}")),
        };
        if object.is_dir
            && let Err(error) = self.cache().listing(object)
        {
            return damaged(error.to_string());
        }
        let mode = metadata.permissions().mode() & 0o777;
        if mode != MODE {
            return Err((
                FaultKind::Writable,
                format!("its mode is {mode:o} and not {MODE:o}"),
            ));
        }
        Ok(n_bytes)
    }

    fn listing(&self, dir: ObjectId) -> Option<Listing> {
        self.cache().listing(dir).ok()
    }

    /// How an object was repaired; none if nobody has its content.
    fn repair(
        &self,
        object: ObjectId,
        kind: FaultKind,
        used_by: &[String],
    ) -> Result<Option<String>, Error> {
        let path = self.cache().path(object);
        match kind {
            FaultKind::Writable => {
                set_mode(&path, MODE)?;
                return Ok(Some("its mode was set".to_owned()));
            }
            FaultKind::Damaged => self.cache().put_aside(object)?,
            FaultKind::Missing => {}
        }
        for data in used_by {
            if self.take_from_workspace(object, data) {
                return Ok(Some(format!("from `{data}` in the workspace")));
            }
        }
        let Some(remote) = &self.remote else {
            return Ok(None);
        };
        Ok(match remote.fetch(object, self.cache())? {
            Sent::Bytes(_) | Sent::Present => Some(format!("from the remote `{}`", remote.name())),
            Sent::Problem(_) => None,
        })
    }

    /// Takes content from a path of the workspace, if it is there; what is odd about the path does not matter.
    fn take_from_workspace(&self, object: ObjectId, data: &str) -> bool {
        if object.hashing != Hashing::Plain {
            return false;
        }
        let root = self.repository.root();
        let Ok(path) = RepoPath::default().join(data) else {
            return false;
        };
        if object.is_dir {
            let mut known = self.repository.known();
            let purpose = Purpose::Compare(object.hashing);
            let now = scan(root, &path, &mut known, purpose).ok().flatten();
            return match now {
                Some(Content::Dir { listing, .. }) if listing.object().0 == object => {
                    self.cache().keep_listing(&listing).is_ok()
                }
                _ => false,
            };
        }
        self.cache().take_file(object, &path.under(root)).is_ok()
    }
}
