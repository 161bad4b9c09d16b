//! Where the objects of a version are: in its cache, or on its remote.

use std::collections::BTreeMap;

use super::{Content, Found, Source};
use crate::Error;
use crate::cache::Cache;
use crate::md5::ObjectId;
use crate::repository::Repository;
use crate::transfer::Transferred;

impl Source {
    /// Gets all objects that are needed and are neither in the source's cache nor in `store`.
    pub(super) fn obtain_all(&self, found: &Found, store: &Cache) -> Result<(), Error> {
        let mut by_remote: BTreeMap<Option<&str>, Vec<ObjectId>> = BTreeMap::new();
        for (file, content) in &found.files {
            if let Content::Object(object) = content {
                let one = self.data.iter().find(|one| file.is_in(&one.path));
                let remote = one.and_then(|one| one.remote.as_deref());
                by_remote.entry(remote).or_default().push(*object);
            }
        }
        for (remote, objects) in by_remote {
            self.obtain(remote, &objects, store)?;
        }
        Ok(())
    }

    pub(super) fn obtain(
        &self,
        remote: Option<&str>,
        objects: &[ObjectId],
        store: &Cache,
    ) -> Result<(), Error> {
        let mut absent = Vec::new();
        for object in objects {
            let is_there = match &self.repository {
                Some(repository) => repository.cache().has(*object)?,
                None => false,
            };
            if !is_there && !store.has(*object)? {
                absent.push(*object);
            }
        }
        let (Some(repository), false) = (&self.repository, absent.is_empty()) else {
            return Ok(());
        };
        let mut sum = Transferred::default();
        let (remote, _) = repository.remote(remote)?;
        Repository::get(&remote, store, &absent, &mut sum)?;
        match sum.problems.first() {
            None => Ok(()),
            Some((object, problem)) => Err(Error::NotFound {
                what: format!(
                    "`{}` does not have its object `{object}`: {problem}",
                    self.name
                ),
            }),
        }
    }

    /// The cache that has an object.
    pub(super) fn holder<'a>(
        &'a self,
        object: ObjectId,
        store: &'a Cache,
    ) -> Result<&'a Cache, Error> {
        match &self.repository {
            Some(repository) if repository.cache().has(object)? => Ok(repository.cache()),
            _ => Ok(store),
        }
    }
}
