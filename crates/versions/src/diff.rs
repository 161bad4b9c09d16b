//! What differs between two versions: data and the files in it, as `dvc diff` counts them.
//!
//! Files are compared by digest. What was deleted in one place and added in another with the same digest was renamed. Of
//! a directory whose listing is not in the cache the files are not known: only the directory itself is compared.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fs;

use crate::cache::object_of;
use crate::md5::{Hashing, ObjectId};
use crate::repository::Repository;
use crate::revision::Revision;
use crate::scan::{Content, Purpose, scan};
use crate::snapshot::Versioned;
use crate::{Error, RepoPath};

/// What differs, each list in the order of the (old) paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Only in the later version.
    pub added: Vec<Item>,
    /// Only in the earlier version.
    pub deleted: Vec<Item>,
    /// In both, and not the same: as they were and as they are.
    pub modified: Vec<(Item, Item)>,
    /// The same in another place: where they were and where they are.
    pub renamed: Vec<(Item, Item)>,
    /// Of the earlier version, and not in the cache. Only told when the later one is the workspace.
    pub not_in_cache: Vec<Item>,
}

/// A file or directory of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its path; that of a directory ends with `/`.
    pub path: String,
    /// Its digest, if it was recorded.
    pub object: Option<ObjectId>,
    /// Bytes, if they are known.
    pub size: Option<u64>,
}

/// A version, file by file. Paths are without a `/` at their ends.
#[derive(Debug, Default)]
struct Side {
    entries: BTreeMap<String, Entry>,
    /// Directories whose files are not known.
    unknown: Vec<String>,
    is_workspace: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    object: Option<ObjectId>,
    is_dir: bool,
    size: Option<u64>,
}

impl Repository {
    /// What differs between a revision and a later one, or the workspace. Targets limit it to data, parts of it, and
    /// directories and files of DVC that name it.
    ///
    /// # Errors
    ///
    /// Fails if a version cannot be read, or if a target is in none of the two.
    pub fn diff(
        &self,
        old: &Revision,
        new: Option<&Revision>,
        targets: &[RepoPath],
    ) -> Result<Differences, Error> {
        let old_data = self.snapshot(old)?;
        let new_data = match new {
            Some(revision) if revision.id() == old.id() => old_data.clone(),
            Some(revision) => self.snapshot(revision)?,
            None => self.present()?,
        };
        let is_known = |target: &&RepoPath| {
            let mut data = old_data.iter().chain(&new_data);
            data.any(|one| is_about(one, target) || target.is_in(&one.path))
        };
        if let Some(target) = targets.iter().find(|target| !is_known(target)) {
            return Err(Error::NotFound {
                what: format!("no data of the two versions is at `{target}`"),
            });
        }
        let mut old = self.recorded_side(&old_data)?;
        let mut new = match new {
            Some(_) => self.recorded_side(&new_data)?,
            None => self.workspace_side(&new_data)?,
        };
        if !targets.is_empty() {
            let data: Vec<&Versioned> = old_data.iter().chain(&new_data).collect();
            old.keep(&data, targets)?;
            new.keep(&data, targets)?;
        }
        let mut found = self.compare_sides(&old, &new);
        if new.is_workspace {
            found.not_in_cache = self.missing(&old);
        }
        Ok(found)
    }

    /// A version as its files record it.
    fn recorded_side(&self, data: &[Versioned]) -> Result<Side, Error> {
        let mut side = Side::default();
        for one in data {
            let path = one.path.as_str();
            let object = one.recorded.map(|recorded| recorded.object);
            let is_dir = object.is_some_and(|object| object.is_dir);
            let size = one.recorded.and_then(|recorded| recorded.size);
            side.insert(
                path,
                Entry {
                    object,
                    is_dir,
                    size,
                },
            );
            let Some(dir) = object.filter(|object| object.is_dir) else {
                continue;
            };
            if !self.cache().path(dir).exists() {
                side.unknown.push(path.to_owned());
                continue;
            }
            for (file, md5) in self.cache().listing(dir)?.files() {
                let object = Some(object_of(*md5, dir.hashing));
                let entry = Entry {
                    object,
                    is_dir: false,
                    size: None,
                };
                side.insert(&format!("{path}/{file}"), entry);
            }
        }
        Ok(side)
    }

    /// The workspace, at the places of tracked data.
    fn workspace_side(&self, data: &[Versioned]) -> Result<Side, Error> {
        let mut known = self.known();
        let mut side = Side {
            is_workspace: true,
            ..Side::default()
        };
        for one in data {
            let recorded = one.recorded.map(|recorded| recorded.object.hashing);
            let hashing = recorded.unwrap_or(Hashing::Plain);
            let purpose = Purpose::Compare(hashing);
            let Some(content) = scan(self.root(), &one.path, &mut known, purpose)? else {
                continue;
            };
            let path = one.path.as_str();
            let recorded = content.recorded();
            let entry = Entry {
                object: Some(content.object(hashing)),
                is_dir: recorded.object.is_dir,
                size: recorded.size,
            };
            side.insert(path, entry);
            if let Content::Dir { listing, .. } = &content {
                for (file, md5) in listing.files() {
                    let object = Some(object_of(*md5, hashing));
                    let entry = Entry {
                        object,
                        is_dir: false,
                        size: None,
                    };
                    side.insert(&format!("{path}/{file}"), entry);
                }
            }
        }
        known.save();
        Ok(side)
    }

    fn compare_sides(&self, old: &Side, new: &Side) -> Differences {
        let mut found = Differences::default();
        let (mut added, mut deleted) = (Vec::new(), Vec::new());
        let paths: BTreeSet<&String> = old.entries.keys().chain(new.entries.keys()).collect();
        for path in paths {
            if old.hides(path) || new.hides(path) {
                continue;
            }
            match (old.entries.get(path), new.entries.get(path)) {
                (None, Some(_)) => added.push(path.as_str()),
                (Some(_), None) => deleted.push(path.as_str()),
                (Some(before), Some(after)) if !is_same(*before, *after) => {
                    found
                        .modified
                        .push((self.item(old, path), self.item(new, path)));
                }
                _ => {}
            }
        }
        // In the order of names, not of letters: a directory's files follow it.
        let by_names = |left: &&str, right: &&str| left.split('/').cmp(right.split('/'));
        added.sort_by(by_names);
        deleted.sort_by(by_names);
        let mut gone: HashMap<ObjectId, VecDeque<&str>> = HashMap::new();
        for path in &deleted {
            if let Some(object) = old.object(path) {
                gone.entry(object).or_default().push_back(path);
            }
        }
        let mut moved = BTreeSet::new();
        for path in added {
            let same = new
                .object(path)
                .and_then(|object| gone.get_mut(&object)?.pop_front());
            if let Some(before) = same {
                moved.insert(before);
                found
                    .renamed
                    .push((self.item(old, before), self.item(new, path)));
            } else {
                found.added.push(self.item(new, path));
            }
        }
        deleted.retain(|path| !moved.contains(path));
        found.deleted = deleted.iter().map(|path| self.item(old, path)).collect();
        found
            .added
            .sort_by(|left, right| left.path.cmp(&right.path));
        found
            .deleted
            .sort_by(|left, right| left.path.cmp(&right.path));
        found
            .modified
            .sort_by(|left, right| left.0.path.cmp(&right.0.path));
        found
            .renamed
            .sort_by(|left, right| left.0.path.cmp(&right.0.path));
        found
    }

    fn missing(&self, old: &Side) -> Vec<Item> {
        let is_absent = |entry: &Entry| {
            entry
                .object
                .is_some_and(|object| !self.cache().path(object).exists())
        };
        let absent = old.entries.iter().filter(|(_, entry)| is_absent(entry));
        let mut items: Vec<Item> = absent.map(|(path, _)| self.item(old, path)).collect();
        items.sort_by(|left, right| left.path.cmp(&right.path));
        items
    }

    /// What is told of a path of a side.
    fn item(&self, side: &Side, path: &str) -> Item {
        let entry = side.entries.get(path);
        let is_dir = entry.is_some_and(|entry| entry.is_dir);
        let object = entry.and_then(|entry| entry.object);
        let place = if side.is_workspace {
            Some(self.root().join(path))
        } else {
            object.map(|object| self.cache().path(object))
        };
        let of_file = || {
            let place = place.filter(|_| !is_dir)?;
            Some(fs::metadata(place).ok()?.len())
        };
        Item {
            path: format!("{path}{}", if is_dir { "/" } else { "" }),
            object,
            size: entry.and_then(|entry| entry.size).or_else(of_file),
        }
    }
}

impl Side {
    fn insert(&mut self, path: &str, entry: Entry) {
        self.entries.insert(path.to_owned(), entry);
    }

    fn object(&self, path: &str) -> Option<ObjectId> {
        self.entries.get(path)?.object
    }

    /// Whether a path is in a directory whose files are not known.
    fn hides(&self, path: &str) -> bool {
        let is_below = |dir: &String| {
            path.strip_prefix(dir.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        };
        self.unknown.iter().any(is_below)
    }

    /// Keeps what targets name.
    fn keep(&mut self, data: &[&Versioned], targets: &[RepoPath]) -> Result<(), Error> {
        let mut kept = BTreeMap::new();
        for (name, entry) in std::mem::take(&mut self.entries) {
            let path = RepoPath::default().join(&name)?;
            let is_chosen = |target: &RepoPath| {
                let of_file = |one: &&&Versioned| one.file == *target && path.is_in(&one.path);
                path.is_in(target) || data.iter().any(|one| of_file(&one))
            };
            if targets.iter().any(is_chosen) {
                kept.insert(name, entry);
            }
        }
        self.entries = kept;
        Ok(())
    }
}

fn is_same(before: Entry, after: Entry) -> bool {
    before.object == after.object && before.is_dir == after.is_dir
}

fn is_about(one: &Versioned, target: &RepoPath) -> bool {
    one.file == *target || one.path.is_in(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md5::Md5;

    fn side(text: &str) -> Side {
        let mut side = Side::default();
        for pair in text.split(' ') {
            let (path, content) = pair.split_once('=').unwrap();
            let is_dir = content.starts_with('D');
            let md5 = Md5::of(content.as_bytes());
            let object = ObjectId {
                is_dir,
                ..object_of(md5, Hashing::Plain)
            };
            side.insert(
                path,
                Entry {
                    object: Some(object),
                    is_dir,
                    size: Some(1),
                },
            );
            if content == "D?" {
                side.unknown.push(path.to_owned());
            }
        }
        side
    }

    #[track_caller]
    fn check(old: &str, new: &str, expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::init(dir.path(), &crate::Machine::default()).unwrap();
        let found = repository.compare_sides(&side(old), &side(new));
        let mut words = Vec::new();
        words.extend(found.added.iter().map(|item| format!("+{}", item.path)));
        words.extend(found.deleted.iter().map(|item| format!("-{}", item.path)));
        words.extend(
            found
                .modified
                .iter()
                .map(|(item, _)| format!("~{}", item.path)),
        );
        let moved = found.renamed.iter();
        words.extend(moved.map(|(from, to)| format!("{}>{}", from.path, to.path)));
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn differences_are_those_of_dvc() {
        check("a=1 b=2", "b=3 c=4", "+c -a ~b");
        check("a=1 b=1", "c=1 d=1 e=1", "+e a>c b>d");
        check("d=D1 d/x=1", "d=D2 d/y=1 d/z=2", "+d/z ~d/ d/x>d/y");
        check("d=D1 d/x=1", "e=D1 e/x=1", "d/>e/ d/x>e/x");
        check("d=D1 d/x=1", "d=2", "-d/x ~d/");
        check("d=D? e=1", "d=D2 d/x=1 e=1", "~d/");
        check("a=1", "a=1", "");
    }
}
