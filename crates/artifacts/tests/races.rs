//! Threads that make, read and remove the same things at once: each sees a whole or nothing.

#![cfg(test)]

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use everloop_artifacts::{StageCache, copy_dir, digest_dir, write_atomically};
use everloop_domain::Digest;

#[test]
fn of_many_who_make_a_result_all_get_the_same_whole_one() {
    let dir = tempfile::tempdir().unwrap();
    let cache = StageCache::open(dir.path()).unwrap();
    for round in 0..5 {
        let fingerprint = Digest::of(round.to_string());
        let made = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|number| {
                    let (cache, fingerprint) = (&cache, &fingerprint);
                    scope.spawn(move || {
                        let staging = cache.begin("train", fingerprint).unwrap();
                        for file in ["a", "b"] {
                            fs::write(staging.dir().join(file), number.to_string()).unwrap();
                        }
                        let place = staging.commit("{}").unwrap();
                        ["a", "b"].map(|file| fs::read_to_string(place.join(file)).unwrap())
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect::<Vec<_>>()
        });
        for [left, right] in &made {
            assert_eq!((left, right), (&made[0][0], &made[0][0]));
        }
    }
    assert_eq!(
        fs::read_dir(dir.path().join(".staging")).unwrap().count(),
        0
    );
}

#[test]
fn a_result_is_found_whole_while_it_is_made_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let cache = StageCache::open(dir.path()).unwrap();
    let fingerprint = Digest::of("x");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..30 {
                let staging = cache.begin("train", &fingerprint).unwrap();
                fs::write(staging.dir().join("a"), "whole").unwrap();
                staging.commit("{}").unwrap();
                cache.remove("train", &fingerprint).unwrap();
            }
            is_over.store(true, Ordering::SeqCst);
        });
        while !is_over.load(Ordering::SeqCst) {
            // Between finding and reading it may go as a whole; what is read is whole.
            if let Some(text) = cache
                .find("train", &fingerprint)
                .and_then(|place| fs::read_to_string(place.join("a")).ok())
            {
                assert_eq!(text, "whole");
            }
        }
    });
}

#[test]
fn readers_of_a_file_see_the_old_or_the_new() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    write_atomically(&path, &b"a".repeat(50_000)).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = [b"a", b"b"]
            .into_iter()
            .map(|letter| {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        write_atomically(path, &letter.repeat(50_000)).unwrap();
                    }
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                let text = fs::read(&path).unwrap();
                assert_eq!(text, text[..1].repeat(50_000));
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        is_over.store(true, Ordering::SeqCst);
        reader.join().unwrap();
    });
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn of_many_who_copy_a_directory_one_does() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    for number in 0..10 {
        write_atomically(&from.join(format!("sub/{number}")), b"x").unwrap();
    }
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| copy_dir(&from, &to).unwrap());
        }
    });
    assert_eq!(digest_dir(&from).unwrap(), digest_dir(&to).unwrap());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}
