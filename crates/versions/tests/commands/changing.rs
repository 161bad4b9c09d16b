//! Files that others write while they are read, and what is counted meanwhile.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use everloop_versions::{Error, Machine, Md5, RepoPath, Repository};

const N_FILES: usize = 20;

fn repository(root: &Path, kinds: &str) -> Repository {
    drop(Repository::init(root, &Machine::default()).unwrap());
    let text = format!("[core]\n    no_scm = True\n[cache]\n    type = {kinds}\n");
    fs::write(root.join(".dvc/config"), text).unwrap();
    Repository::open(root, &Machine::default()).unwrap()
}

fn named(path: &str) -> RepoPath {
    RepoPath::default().join(path).unwrap()
}

/// Every object holds what its name says.
#[track_caller]
fn check_objects(root: &Path) -> usize {
    let mut n_objects = 0;
    for dir in fs::read_dir(root.join(".dvc/cache/files/md5")).unwrap() {
        let dir = dir.unwrap();
        let prefix = dir.file_name().into_string().unwrap();
        assert!(dir.path().is_dir(), "{prefix} was left");
        for object in fs::read_dir(dir.path()).unwrap() {
            let object = object.unwrap();
            let name = prefix.clone() + object.file_name().to_str().unwrap();
            let bytes = fs::read(object.path()).unwrap();
            assert_eq!(Md5::of(&bytes).to_string(), name.trim_end_matches(".dir"));
            n_objects += 1;
        }
    }
    n_objects
}

/// Adds again and again while `change` writes to the files.
fn add_while(kinds: &str, change: impl Fn(&Path, usize) + Sync) {
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path(), kinds);
    fs::create_dir(dir.path().join("data")).unwrap();
    let path = |index: usize| dir.path().join(format!("data/f{index}"));
    for index in 0..N_FILES {
        fs::write(path(index), format!("{index}")).unwrap();
    }
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0;
            while !is_done.load(Ordering::Relaxed) {
                change(&path(round % N_FILES), round);
                round += 1;
            }
        });
        for _ in 0..20 {
            match repository.add(&[named("data")]) {
                Ok(_) => {}
                Err(Error::Conflict { what }) => {
                    assert!(what.contains("changes while it is read"), "{what}");
                }
                Err(error) => panic!("{error}"),
            }
        }
        is_done.store(true, Ordering::Relaxed);
    });
    repository.add(&[named("data")]).unwrap();
    assert!(check_objects(dir.path()) > 1, "{kinds}");
    // What is there when all is quiet is what was recorded last.
    let status = repository.status(&[]).unwrap();
    assert_eq!(status[0].state, everloop_versions::State::Unchanged);
}

#[test]
fn objects_hold_what_their_names_say_while_files_are_replaced() {
    for kinds in ["hardlink", "reflink,copy", "copy"] {
        add_while(kinds, |path, round| {
            let new = path.parent().unwrap().with_extension("new");
            fs::write(&new, format!("round {round}")).unwrap();
            fs::rename(&new, path).unwrap();
        });
    }
}

#[test]
fn objects_hold_what_their_names_say_while_files_grow() {
    for kinds in ["reflink,copy", "copy"] {
        add_while(kinds, |path, round| {
            // Larger than what is read at once, too.
            let bytes = vec![
                b'x';
                if round.is_multiple_of(7) {
                    600_000
                } else {
                    100
                }
            ];
            fs::write(path, bytes).unwrap();
        });
    }
}

#[test]
fn a_link_that_somebody_replaced_by_a_file_is_seen_as_changed() {
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path(), "symlink");
    fs::write(dir.path().join("a"), "old").unwrap();
    repository.add(&[named("a")]).unwrap();
    assert!(dir.path().join("a").is_symlink());
    fs::remove_file(dir.path().join("a")).unwrap();
    fs::write(dir.path().join("a"), "new").unwrap();
    let status = repository.status(&[]).unwrap();
    assert_eq!(status[0].state, everloop_versions::State::Modified);
    assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"new");
    check_objects(dir.path());
}

#[test]
fn work_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path(), "copy");
    fs::create_dir_all(dir.path().join("data/sub")).unwrap();
    for (name, text) in [("a", "1"), ("b", "22"), ("sub/c", "333")] {
        fs::write(dir.path().join("data").join(name), text).unwrap();
    }
    repository.add(&[named("data")]).unwrap();
    let counts = repository.progress().counts();
    assert_eq!(
        (counts.n_found, counts.n_expected, counts.n_done),
        (3, 3, 3)
    );
    assert_eq!((counts.n_bytes, counts.n_bytes_expected), (6, 6));
    fs::remove_dir_all(dir.path().join("data")).unwrap();
    repository.checkout(&[], false).unwrap();
    let counts = repository.progress().counts();
    assert_eq!((counts.n_expected, counts.n_done), (6, 6));
}
