//! Files and directories, whole or not at all.

use super::*;

#[test]
fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b.txt");
    write_atomically(&path, b"one").unwrap();
    write_atomically(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(fs::read_dir(dir.path().join("a")).unwrap().count(), 1);
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let error = write_atomically(&dir.path().join("file/below"), b"x").unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
}

#[test]
fn the_digest_of_a_directory_follows_names_and_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    write_atomically(&one.join("x/a"), b"1").unwrap();
    write_atomically(&one.join("b"), b"2").unwrap();
    copy_dir(&one, &two).unwrap();
    assert_eq!(digest_dir(&one).unwrap(), digest_dir(&two).unwrap());
    write_atomically(&two.join("b"), b"3").unwrap();
    assert_ne!(digest_dir(&one).unwrap(), digest_dir(&two).unwrap());
}

#[test]
fn copying_onto_an_existing_directory_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    write_atomically(&one.join("a"), b"1").unwrap();
    write_atomically(&two.join("b"), b"2").unwrap();
    copy_dir(&one, &two).unwrap();
    assert!(!two.join("a").exists());
}

#[test]
fn a_copy_that_fails_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let error = copy_dir(&dir.path().join("none"), &dir.path().join("copy")).unwrap_err();
    assert_eq!(error.kind(), everloop_domain::ErrorKind::NotFound);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn the_order_of_paths_is_that_of_their_bytes() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["b", "a/z", "a-b", "a.b", "A", "ä"] {
        write_atomically(&dir.path().join(name), b"x").unwrap();
    }
    let names: Vec<_> = files_below(dir.path())
        .unwrap()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        names,
        ["A", "a-b", "a.b", "a/z", "b", "ä"].map(PathBuf::from)
    );
}

#[test]
fn a_moved_byte_or_name_changes_the_digest() {
    let digest = |files: &[(&str, &str)]| {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            write_atomically(&dir.path().join(name), text.as_bytes()).unwrap();
        }
        digest_dir(dir.path()).unwrap()
    };
    let digests = [
        digest(&[]),
        digest(&[("a", "")]),
        digest(&[("a", "bc")]),
        digest(&[("ab", "c")]),
        digest(&[("a/b", "c")]),
        digest(&[("a", "b"), ("c", "")]),
        digest(&[("a", ""), ("b", "c")]),
    ];
    for (index, one) in digests.iter().enumerate() {
        assert!(!digests[..index].contains(one), "{index}");
    }
}

#[test]
fn links_to_files_are_followed_and_links_to_directories_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    write_atomically(&one.join("a"), b"1").unwrap();
    std::os::unix::fs::symlink(one.join("a"), one.join("b")).unwrap();
    copy_dir(&one, &two).unwrap();
    assert!(fs::symlink_metadata(two.join("b")).unwrap().is_file());
    assert_eq!(digest_dir(&one).unwrap(), digest_dir(&two).unwrap());
    std::os::unix::fs::symlink(&one, one.join("loop")).unwrap();
    let error = digest_dir(&one).unwrap_err().to_string();
    assert!(error.contains("loop") && error.contains("link"), "{error}");
}
