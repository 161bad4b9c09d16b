//! What a running command uses: the repository is lent to others meanwhile, as DVC does it.
//!
//! `.dvc/tmp/rwlock` names for each path the process that writes it, and those that read it. Here that is the command itself:
//! should Everloop be killed, the command still keeps others from its outputs until it ends.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::links::temporary;
use crate::{Error, Lock, RepoPath, Repository};

/// How often the lock is asked for again, 3 s each: a result that took hours is not given up lightly.
const N_TRIES: u32 = 100;

/// What a command reads and writes, for others to see while it runs.
#[derive(Debug)]
pub struct Busy {
    dvc_dir: PathBuf,
    pid: u32,
}

impl Repository {
    /// Tells others what a command reads and writes.
    ///
    /// # Errors
    ///
    /// Fails if that cannot be written.
    pub fn busy(
        &self,
        (pid, cmd): (u32, &str),
        (reads, writes): (&[RepoPath], &[RepoPath]),
    ) -> Result<Busy, Error> {
        let busy = Busy {
            dvc_dir: self.root().join(".dvc"),
            pid,
        };
        let place = |path: &RepoPath| path.under(self.root()).display().to_string();
        let user = json!({"pid": pid, "cmd": cmd});
        busy.edit(|read, write| {
            for path in writes {
                write.insert(place(path), user.clone());
            }
            for path in reads {
                let users = read.entry(place(path)).or_insert_with(|| json!([]));
                if let Some(users) = users.as_array_mut() {
                    users.push(user.clone());
                }
            }
        })?;
        Ok(busy)
    }

    /// Takes the lock again that was given back while commands ran.
    ///
    /// # Errors
    ///
    /// Fails if somebody else keeps it for minutes.
    pub fn lock_again(&self) -> Result<Lock, Error> {
        let mut n_tried = 0;
        loop {
            n_tried += 1;
            match Lock::take_beside(&self.root().join(".dvc")) {
                Err(Error::Locked { .. }) if n_tried < N_TRIES => {}
                taken => return taken,
            }
        }
    }
}

impl Busy {
    /// The command is done.
    ///
    /// # Errors
    ///
    /// Fails if that cannot be written.
    pub fn end(self) -> Result<(), Error> {
        let is_other = |user: &Value| user["pid"] != self.pid;
        self.edit(|read, write| {
            write.retain(|_, user| is_other(user));
            for users in read.values_mut().filter_map(Value::as_array_mut) {
                users.retain(is_other);
            }
            read.retain(|_, users| users.as_array().is_some_and(|users| !users.is_empty()));
        })
    }

    fn edit(
        &self,
        change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>),
    ) -> Result<(), Error> {
        let tmp = self.dvc_dir.join("tmp");
        let _guard = guard(&tmp.join("rwlock.lock"))?;
        let path = tmp.join("rwlock");
        // What is damaged names nobody.
        let text = fs::read(&path).unwrap_or_default();
        let mut users: Map<String, Value> = serde_json::from_slice(&text).unwrap_or_default();
        let mut map = |key: &str| match users.remove(key) {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        let (mut read, mut write) = (map("read"), map("write"));
        change(&mut read, &mut write);
        let text = json!({"write": write, "read": read}).to_string();
        // Whole or not at all; after a power cut there is no command to keep from anything.
        let temporary = temporary(&tmp);
        let written = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, &path));
        written.map_err(|error| Error::file("write", &path, error))
    }
}

fn guard(path: &Path) -> Result<File, Error> {
    let failed = |error| Error::file("lock", path, error);
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(path).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_keeps_others_away_until_it_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::init(dir.path(), &crate::Machine::default()).unwrap();
        let path = |text| RepoPath::default().join(text).unwrap();
        let user = (std::process::id(), "cp a b");
        let busy = repository.busy(user, (&[path("a")], &[path("b")]));
        let said = repository.lock().unwrap_err().to_string();
        assert!(said.contains("cp a b"), "{said}");
        drop(repository.lock_again().unwrap());
        busy.unwrap().end().unwrap();
        repository.lock().unwrap();
        let text = fs::read_to_string(repository.root().join(".dvc/tmp/rwlock")).unwrap();
        assert_eq!(text, r#"{"write":{},"read":{}}"#);
    }
}
