//! How the cache differs from a remote.

use std::collections::HashSet;

use crate::cache::object_of;
use crate::md5::ObjectId;
use crate::parts::Parts;
use crate::repository::Repository;
use crate::tracked::Chosen;
use crate::{Error, RepoPath};

/// How tracked data stands to its remote: paths of files, the data's own path first where it is a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudStatus {
    /// The data.
    pub path: RepoPath,
    /// The remote, if not the default.
    pub remote: Option<String>,
    /// Here, and not there: `push` sends them.
    pub new: Vec<String>,
    /// There, and not here: `fetch` gets them.
    pub deleted: Vec<String>,
    /// Neither here nor there.
    pub missing: Vec<String>,
}

impl CloudStatus {
    /// Whether both sides have all of it.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.new.is_empty() && self.deleted.is_empty() && self.missing.is_empty()
    }
}

impl Repository {
    /// How the cache differs from a remote. Nothing is sent or got but the question.
    ///
    /// # Errors
    ///
    /// Fails if a target is not tracked, or the remote cannot be asked.
    pub fn cloud_status(
        &self,
        targets: &[RepoPath],
        remote: Option<&str>,
    ) -> Result<Vec<CloudStatus>, Error> {
        let mut statuses = Vec::new();
        let chosen = self.chosen_parts(targets)?;
        for (name, _) in self.by_remote(&chosen, remote, false)? {
            let (place, _) = self.remote(name.as_deref())?;
            let mut named: Vec<(RepoPath, Vec<(String, ObjectId)>)> = Vec::new();
            for Chosen { tracked, parts } in &chosen {
                let out = tracked.out();
                let is_here = remote.is_some() || out.remote == name;
                if let (Some(recorded), true, true) = (out.recorded, out.is_cached, is_here) {
                    let files = self.objects_of(&tracked.path, recorded.object, parts);
                    named.push((tracked.path.clone(), files));
                }
            }
            let all: HashSet<ObjectId> = named
                .iter()
                .flat_map(|(_, files)| files.iter().map(|(_, object)| *object))
                .collect();
            let all: Vec<ObjectId> = all.into_iter().collect();
            let is_there = place.present(&all)?;
            let there = all.into_iter().zip(is_there);
            let there: HashSet<ObjectId> = there
                .filter(|(_, is_there)| *is_there)
                .map(|(object, _)| object)
                .collect();
            for (path, files) in named {
                let mut status = CloudStatus {
                    path,
                    remote: name.clone(),
                    new: Vec::new(),
                    deleted: Vec::new(),
                    missing: Vec::new(),
                };
                for (file, object) in files {
                    match (self.cache().has(object)?, there.contains(&object)) {
                        (true, true) => {}
                        (true, false) => status.new.push(file),
                        (false, true) => status.deleted.push(file),
                        (false, false) => status.missing.push(file),
                    }
                }
                statuses.push(status);
            }
        }
        statuses.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(statuses)
    }

    /// The objects of data with the paths of their files; those of a directory whose listing is not here cannot be told.
    fn objects_of(
        &self,
        path: &RepoPath,
        object: ObjectId,
        parts: &Parts,
    ) -> Vec<(String, ObjectId)> {
        let mut files = vec![(path.to_string(), object)];
        if object.is_dir
            && let Ok(listing) = self.cache().listing(object)
        {
            let meant = listing.files().iter().filter(|(file, _)| parts.has(file));
            files.extend(meant.map(|(file, md5)| {
                let object = object_of(*md5, object.hashing);
                (format!("{path}/{file}"), object)
            }));
        }
        files
    }
}
