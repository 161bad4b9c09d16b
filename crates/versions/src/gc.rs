//! Removing objects that nothing names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::cache::file_id;
use crate::md5::{Hashing, ObjectId};
use crate::repository::Repository;
use crate::{Error, RepoPath};

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Objects that nothing in the workspace names.
    pub objects: Vec<ObjectId>,
    /// Their bytes.
    pub n_bytes: u64,
    /// How many objects stay.
    pub n_kept: usize,
}

#[derive(Deserialize)]
struct LockFile {
    stages: Option<std::collections::BTreeMap<String, Stage>>,
}

#[derive(Deserialize)]
struct Stage {
    outs: Option<Vec<Named>>,
    deps: Option<Vec<Named>>,
}

#[derive(Deserialize)]
struct Named {
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
        self.clean_tmp();
        let mut named = BTreeSet::new();
        for one in self.tracked()? {
            named.extend(one.out().recorded.map(|recorded| recorded.object));
        }
        lock_files(self.root(), &RepoPath::default(), &mut named)?;
        // Those of DVC 2 lie elsewhere and stay.
        named.retain(|object| object.hashing == Hashing::Plain);
        let dirs: Vec<ObjectId> = named
            .iter()
            .copied()
            .filter(|object| object.is_dir)
            .collect();
        for dir in dirs {
            if !self.cache().has(dir)? {
                // Its files may be here and could not be told from what nobody needs.
                return Err(Error::Conflict {
                    what: format!(
                        "the listing `{dir}` is not in the cache, so its files cannot be told from others; `everloop data fetch` gets it"
                    ),
                });
            }
            let listing = self.cache().listing(dir)?;
            named.extend(listing.files().iter().map(|(_, md5)| file_id(*md5)));
        }
        let found = self.cache().all()?;
        let mut collected = Collected::default();
        for (object, size) in found.objects {
            if named.contains(&object) {
                collected.n_kept += 1;
                continue;
            }
            if !is_dry {
                self.cache().remove(object)?;
            }
            collected.objects.push(object);
            collected.n_bytes += size;
        }
        for path in found.left.iter().filter(|_| !is_dry) {
            fs::remove_file(path).map_err(|error| Error::file("remove", path, error))?;
        }
        Ok(collected)
    }
}

fn lock_files(root: &Path, dir: &RepoPath, named: &mut BTreeSet<ObjectId>) -> Result<(), Error> {
    let place = dir.under(root);
    let read = |error| Error::file("read", &place, error);
    for entry in fs::read_dir(&place).map_err(read)? {
        let entry = entry.map_err(read)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if entry.file_type().map_err(read)?.is_dir() {
            if name != ".git" && name != ".dvc" {
                lock_files(root, &dir.join(&name)?, named)?;
            }
        } else if name == "dvc.lock" {
            named.extend(objects(&entry.path())?);
        }
    }
    Ok(())
}

/// The objects that a `dvc.lock` names.
fn objects(path: &Path) -> Result<Vec<ObjectId>, Error> {
    let text = fs::read_to_string(path).map_err(|error| Error::file("read", path, error))?;
    let refused = |problem: String| Error::form(path.display(), problem);
    let file: LockFile = serde_saphyr::from_str(&text)
        .map_err(|error| refused(format!("it is no `dvc.lock`: {error}")))?;
    let mut objects = Vec::new();
    for stage in file.stages.unwrap_or_default().into_values() {
        for one in stage.outs.into_iter().chain(stage.deps).flatten() {
            if one.files.is_some() {
                return Err(refused(
                    "it names versions that a cloud keeps (a remote with `version_aware`), which Everloop does not know".to_owned(),
                ));
            }
            if let (Some(md5), Some("md5")) = (one.md5, one.hash.as_deref()) {
                objects.push(md5.parse().map_err(&refused)?);
            }
        }
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_names_its_objects() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dvc.lock");
        fs::write(
            &path,
            "schema: '2.0'\nstages:\n  a@1:\n    cmd: |\n      x\n    deps:\n    - path: p\n      hash: md5\n      md5: b1946ac92492d2347c6235b4d2611184\n    params:\n      params.yaml:\n        lr: 0.1\n    outs:\n    - path: d\n      hash: md5\n      md5: eba5f3cb687a865f892f7f2a612d6082.dir\n  b:\n    cmd: [x]\n",
        )
        .unwrap();
        let found: Vec<String> = objects(&path)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "eba5f3cb687a865f892f7f2a612d6082.dir",
                "b1946ac92492d2347c6235b4d2611184"
            ]
        );
        fs::write(&path, "stages: [").unwrap();
        assert!(objects(&path).unwrap_err().to_string().contains("dvc.lock"));
    }
}
