//! Whatever `kill -9` interrupts, results and files are whole or not there, and sweeping removes the rest.
//!
//! The test runs itself again as a child that makes results and replaces a file for ever, and kills it.

#![cfg(test)]

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use everloop_artifacts::{StageCache, digest_dir, write_atomically};
use everloop_domain::Digest;

const DIR: &str = "EVERLOOP_TEST_CRASH_DIR";
const N_FILES: usize = 4;

/// The child: every result has the same files, and the file's text is one letter throughout.
#[test]
fn child_that_works_until_killed() {
    let Ok(dir) = std::env::var(DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    let cache = StageCache::open(&dir.join("cache")).unwrap();
    for number in 0_u64.. {
        let digest = Digest::of(format!("{}-{number}", std::process::id()));
        let staging = cache.begin("train", &digest).unwrap();
        for file in 0..N_FILES {
            fs::write(staging.dir().join(file.to_string()), "x".repeat(10_000)).unwrap();
        }
        staging.commit("{}").unwrap();
        if number % 3 == 2 {
            cache.remove("train", &digest).unwrap();
        }
        let letter = if number % 2 == 0 { b"a" } else { b"b" };
        write_atomically(&dir.join("file"), &letter.repeat(100_000)).unwrap();
        println!("\n{number}");
    }
}

#[test]
fn what_is_visible_after_kill_9_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let cache = StageCache::open(&dir.path().join("cache")).unwrap();
    for round in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_works_until_killed", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The more it has told, the later it is killed.
        let mut told = vec![0; 30 + 4 * round];
        child.stdout.take().unwrap().read_exact(&mut told).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        check_whole(dir.path());
    }
    cache.sweep().unwrap();
    let staging = dir.path().join("cache/.staging");
    assert_eq!(fs::read_dir(staging).unwrap().count(), 0);
    check_whole(dir.path());
}

fn check_whole(dir: &Path) {
    let mut digests = Vec::new();
    for result in fs::read_dir(dir.join("cache/train")).unwrap() {
        let place = result.unwrap().path();
        assert_eq!(
            fs::read_dir(&place).unwrap().count(),
            N_FILES + 1,
            "{place:?}"
        );
        digests.push(digest_dir(&place).unwrap());
    }
    assert!(!digests.is_empty());
    digests.dedup();
    assert_eq!(digests.len(), 1);
    let text = fs::read(dir.join("file")).unwrap();
    assert_eq!(text, text[..1].repeat(100_000));
}
