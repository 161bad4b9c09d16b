//! What is remembered, and what is not.

use std::fs::File;
use std::time::{Duration, SystemTime};

use super::*;

/// A file whose last change lies an hour back.
fn old_file(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    let metadata = fs::metadata(path).unwrap();
    let hour_ago = metadata.modified().unwrap() - Duration::from_hours(1);
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(hour_ago)
        .unwrap();
}

#[test]
fn an_unchanged_file_is_not_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    old_file(&path, "one");
    let mut digests = FileDigests::load(&dir.path().join("digests.json")).unwrap();
    assert_eq!(digests.digest(&path).unwrap(), Digest::of("one"));
    digests.save().unwrap();
    let loaded = FileDigests::load(&dir.path().join("digests.json")).unwrap();
    assert_eq!(loaded.known, digests.known);
    assert_eq!(loaded.known.len(), 1);
}

#[test]
fn a_changed_file_is_hashed_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    old_file(&path, "one");
    let mut digests = FileDigests::load(&dir.path().join("digests.json")).unwrap();
    digests.digest(&path).unwrap();
    fs::write(&path, "two").unwrap();
    assert_eq!(digests.digest(&path).unwrap(), Digest::of("two"));
}

#[test]
fn a_file_that_just_changed_is_not_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    fs::write(&path, "one").unwrap();
    let mut digests = FileDigests::load(&dir.path().join("digests.json")).unwrap();
    digests.digest(&path).unwrap();
    assert!(digests.known.is_empty());
    // A change that leaves size and time as they were is seen all the same.
    let modified: SystemTime = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "two").unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    assert_eq!(digests.digest(&path).unwrap(), Digest::of("two"));
}

#[test]
fn a_damaged_memory_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("digests.json");
    fs::write(&file, "{half").unwrap();
    assert!(FileDigests::load(&file).unwrap().known.is_empty());
}

#[test]
fn an_absent_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut digests = FileDigests::load(&dir.path().join("digests.json")).unwrap();
    let error = digests.digest(&dir.path().join("none")).unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
}

#[test]
fn many_files_are_hashed_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..40)
        .map(|number| dir.path().join(number.to_string()))
        .collect();
    for (number, path) in paths.iter().enumerate() {
        old_file(path, &number.to_string());
    }
    let expected: Vec<_> = (0..40)
        .map(|number| Digest::of(number.to_string()))
        .collect();
    let mut digests = FileDigests::load(&dir.path().join("digests.json")).unwrap();
    digests.digest(&paths[7]).unwrap();
    assert_eq!(digests.digest_all(&paths, 4).unwrap(), expected);
    assert_eq!(digests.known.len(), 40);
    assert_eq!(digests.digest_all(&paths, 4).unwrap(), expected);
    let none: [&Path; 0] = [];
    assert!(digests.digest_all(&none, 4).unwrap().is_empty());
    fs::remove_file(&paths[3]).unwrap();
    let error = digests.digest_all(&paths, 4).unwrap_err().to_string();
    assert!(error.contains(&paths[3].display().to_string()), "{error}");
    digests.is_changed = true;
    digests.save().unwrap();
    assert_eq!(digests.known.len(), 39);
}

#[test]
fn a_replaced_file_of_the_same_size_and_time_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("a"), dir.path().join("b"));
    old_file(&path, "one");
    let mut digests = FileDigests::load(&dir.path().join("digests.json")).unwrap();
    digests.digest(&path).unwrap();
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&other, "two").unwrap();
    File::options()
        .write(true)
        .open(&other)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    fs::rename(&other, &path).unwrap();
    assert_eq!(digests.digest(&path).unwrap(), Digest::of("two"));
}

#[test]
fn without_a_place_for_the_memory_nothing_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    old_file(&path, "one");
    let mut digests = FileDigests::load(&dir.path().join("none/digests.json")).unwrap();
    assert_eq!(digests.digest(&path).unwrap(), Digest::of("one"));
    assert!(digests.known.is_empty());
    digests.save().unwrap();
    digests.digest(&path).unwrap();
    assert_eq!(digests.known.len(), 1);
}
