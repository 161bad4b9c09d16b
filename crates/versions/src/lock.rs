//! DVC's own lock: both tools take turns in one repository.
//!
//! DVC takes `flock` on `.dvc/tmp/lock`, writes its process number into it and lets it go while a stage's command runs; what that
//! command uses then stands in `.dvc/tmp/rwlock`.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::Error;

const N_TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_millis(100);

/// The repository is ours until this is dropped, or the process ends in any way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

#[derive(Deserialize)]
struct Busy {
    #[serde(default)]
    read: BTreeMap<String, Vec<User>>,
    #[serde(default)]
    write: BTreeMap<String, User>,
}

#[derive(Deserialize)]
struct User {
    pid: u32,
    cmd: String,
}

impl Lock {
    /// Takes the lock of the repository whose inner directory is `dvc_dir`; waits as long as DVC does, 3 s.
    ///
    /// # Errors
    ///
    /// Fails if somebody else keeps it, with their name.
    pub fn take(dvc_dir: &Path) -> Result<Self, Error> {
        let lock = Self::take_beside(dvc_dir)?;
        check_users(&dvc_dir.join("tmp/rwlock"))?;
        Ok(lock)
    }

    /// Takes the lock while commands of others may run.
    pub(crate) fn take_beside(dvc_dir: &Path) -> Result<Self, Error> {
        let tmp = dvc_dir.join("tmp");
        fs::create_dir_all(&tmp).map_err(|error| Error::file("create", &tmp, error))?;
        let path = tmp.join("lock");
        let failed = |error| Error::file("lock", &path, error);
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failed)?;
        for n_tried in 0.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if n_tried < N_TRIES => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Locked {
                        holder: holder(&path),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.write_all(format!(" {}\n", std::process::id()).as_bytes()));
        written.map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// A command that runs in a stage of DVC writes its outputs without the lock.
fn check_users(path: &Path) -> Result<(), Error> {
    let Ok(text) = crate::whole::read_whole(path) else {
        return Ok(());
    };
    // A file that DVC left half-written is DVC's to mend.
    let Ok(busy) = serde_json::from_slice::<Busy>(&text) else {
        return Ok(());
    };
    let readers = busy.read.into_values().flatten();
    let mut users = busy.write.into_values().chain(readers);
    match users.find(|user| command(user.pid).is_some()) {
        Some(user) => Err(Error::Locked {
            holder: format!("process {} (`{}`)", user.pid, user.cmd),
        }),
        None => Ok(()),
    }
}

fn holder(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let Ok(pid) = text.trim().parse::<u32>() else {
        return "another process".to_owned();
    };
    match command(pid) {
        Some(command) => format!("process {pid} (`{command}`)"),
        None => format!("process {pid}"),
    }
}

/// What a process runs, if there is such a process. One that has ended and is only waited for runs nothing.
fn command(pid: u32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words: Vec<_> = bytes
        .split(|&byte| byte == 0)
        .filter(|word| !word.is_empty())
        .map(String::from_utf8_lossy)
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::take(dir.path()).unwrap();
        let path = dir.path().join("tmp/lock");
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!(" {}\n", std::process::id()));
        assert!(holder(&path).contains(&format!("process {} (`", std::process::id())));
        let error = Lock::take(dir.path()).unwrap_err();
        assert!(matches!(error, Error::Locked { .. }), "{error}");
        drop(lock);
        Lock::take(dir.path()).unwrap();
    }

    #[test]
    fn a_running_stage_is_waited_for_and_a_dead_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rwlock");
        let write = |pid: u32| {
            let text = serde_json::json!({"write": {"/x": {"pid": pid, "cmd": "dvc repro"}}});
            fs::write(&path, text.to_string()).unwrap();
        };
        write(std::process::id());
        let error = check_users(&path).unwrap_err().to_string();
        assert!(error.contains("dvc repro"), "{error}");
        write(u32::MAX - 1);
        check_users(&path).unwrap();
        fs::write(&path, "{\"wri").unwrap();
        check_users(&path).unwrap();
    }
}
