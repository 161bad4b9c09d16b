//! `.dvc` files, byte by byte.

use super::*;
use crate::md5::Md5;

fn file(bytes: &[u8]) -> Recorded {
    Recorded {
        object: ObjectId {
            md5: Md5::of(bytes),
            is_dir: false,
            hashing: Hashing::Plain,
        },
        size: Some(bytes.len() as u64),
        n_files: None,
        is_executable: false,
    }
}

fn dir() -> Recorded {
    Recorded {
        object: ObjectId {
            md5: Md5::of(b""),
            is_dir: true,
            hashing: Hashing::Plain,
        },
        size: Some(7),
        n_files: Some(2),
        is_executable: false,
    }
}

#[test]
fn new_files_are_those_of_dvc() {
    assert_eq!(
        DvcFile::new_text("a.txt", &file(b"hello\n")),
        "outs:\n- md5: b1946ac92492d2347c6235b4d2611184\n  size: 6\n  hash: md5\n  path: a.txt\n"
    );
    assert_eq!(
        DvcFile::new_text("da: ta", &dir()),
        "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e.dir\n  size: 7\n  nfiles: 2\n  hash: md5\n  path: 'da: ta'\n"
    );
    let run = Recorded {
        is_executable: true,
        ..file(b"")
    };
    let text = DvcFile::new_text("run", &run);
    assert!(
        text.contains("  size: 0\n  isexec: true\n  hash: md5\n"),
        "{text}"
    );
    let read = DvcFile::parse(text.as_bytes(), "run.dvc").unwrap();
    assert_eq!(read.outs[0].recorded, Some(run));
}

#[track_caller]
fn check(before: &str, index: usize, recorded: &Recorded, after: &str) {
    let file = DvcFile::parse(before.as_bytes(), "x.dvc").unwrap();
    assert_eq!(file.with(index, recorded, "x.dvc").unwrap(), after);
}

#[test]
fn changes_keep_what_people_wrote() {
    check(
        "# data\nouts: # all\n- path: a  # the file\n  md5: 0e462097431906509019562988736854 # old\n  hash: md5\n  desc: |\n    x: 1\n\nmeta:\n  a: [1, {b: 2}]\n",
        0,
        &file(b"hello\n"),
        "# data\nouts: # all\n- path: a  # the file\n  md5: b1946ac92492d2347c6235b4d2611184 # old\n  hash: md5\n  desc: |\n    x: 1\n  size: 6\n\nmeta:\n  a: [1, {b: 2}]\n",
    );
    check(
        "outs:\n  - nfiles: 1\n    md5: d41d8cd98f00b204e9800998ecf8427e.dir\n    hash: md5\n    path: a\n  - path: b\n    cache: false\nfrozen: true\n",
        0,
        &file(b"hello\n"),
        "outs:\n  - md5: b1946ac92492d2347c6235b4d2611184\n    hash: md5\n    path: a\n    size: 6\n  - path: b\n    cache: false\nfrozen: true\n",
    );
    check(
        "outs:\n- path: a\n- path: b\n",
        1,
        &dir(),
        "outs:\n- path: a\n- path: b\n  md5: d41d8cd98f00b204e9800998ecf8427e.dir\n  size: 7\n  nfiles: 2\n  hash: md5\n",
    );
}

#[test]
fn records_of_dvc_2_are_read_and_become_records_of_dvc_3() {
    let before = "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  size: 0\n  path: a\n";
    let read = DvcFile::parse(before.as_bytes(), "x.dvc").unwrap();
    let recorded = read.outs[0].recorded.unwrap();
    assert_eq!(recorded.object.hashing, Hashing::Dos2Unix);
    check(
        before,
        0,
        &file(b"hello\n"),
        "outs:\n- md5: b1946ac92492d2347c6235b4d2611184\n  size: 6\n  path: a\n  hash: md5\n",
    );
}

#[test]
fn layouts_that_cannot_be_changed_are_refused() {
    let before = "outs: [{path: a, hash: md5, md5: d41d8cd98f00b204e9800998ecf8427e}]\n";
    let file_read = DvcFile::parse(before.as_bytes(), "x.dvc").unwrap();
    let error = file_read.with(0, &file(b"x"), "x.dvc").unwrap_err();
    assert!(error.to_string().contains("x.dvc"), "{error}");
}

#[track_caller]
fn refused(text: &[u8], words: &str) {
    let error = DvcFile::parse(text, "x.dvc").unwrap_err().to_string();
    assert!(error.contains(words) && error.contains("x.dvc"), "{error}");
}

#[test]
fn other_files_are_refused() {
    refused(b"outs:\n- md5: d41d8\n  hash: md5\n  path: a\n", "no MD5");
    refused(
        b"outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  hash: sha\n  path: a\n",
        "unknown hash",
    );
    refused(
        b"outs:\n- hash: md5\n  path: a\n  files:\n  - relpath: ../x\n    md5: d41d8cd98f00b204e9800998ecf8427e\n",
        "leads out",
    );
    refused(b"outs: [\n", "no `.dvc` file");
    refused(b"\xff\xfe", "UTF-8");
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (next, last) in ('b'..='j').zip('a'..) {
        bomb.push_str(&format!(
            "{next}: &{next} [{}]\n",
            format!("*{last},").repeat(9)
        ));
    }
    refused(bomb.as_bytes(), "no `.dvc` file");
}

#[test]
fn versions_of_clouds_are_read_and_left_out_of_changes() {
    // `dvc commit` of DVC 3.67.1 on the same file and data.
    let before = "outs:\n- hash: md5\n  path: d\n  files:\n  - relpath: b\n    md5: 3b5d5c3712955042212316173ccf37be\n    size: 2\n    cloud:\n      gcp:\n        etag: 08cb\n  - relpath: a\n    md5: 60b725f10c9c85c70d97880dfe8191b3\n    size: 2\n";
    let read = DvcFile::parse(before.as_bytes(), "x.dvc").unwrap();
    let recorded = read.outs[0].recorded.unwrap();
    assert_eq!((recorded.size, recorded.n_files), (Some(4), Some(2)));
    let listing = r#"[{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "a"}, {"md5": "3b5d5c3712955042212316173ccf37be", "relpath": "b"}]"#;
    assert_eq!(recorded.object.md5, Md5::of(listing.as_bytes()));
    check(
        before,
        0,
        &dir(),
        "outs:\n- hash: md5\n  path: d\n  md5: d41d8cd98f00b204e9800998ecf8427e.dir\n  size: 7\n  nfiles: 2\n",
    );
    check(
        "outs:\n- md5: 0e462097431906509019562988736854\n  size: 3\n  hash: md5\n  path: a\n  cloud:\n    gcp:\n      etag: 08b6\n      version_id: '17'\n  desc: x\n",
        0,
        &file(b"hello\n"),
        "outs:\n- md5: b1946ac92492d2347c6235b4d2611184\n  size: 6\n  hash: md5\n  path: a\n  desc: x\n",
    );
    let unknown = "outs:\n- etag: x\n  path: a\n";
    let read = DvcFile::parse(unknown.as_bytes(), "x.dvc").unwrap();
    assert_eq!(read.outs[0].recorded, None);
}

#[test]
fn changed_files_have_the_line_ends_of_unix() {
    check(
        "outs:\r\n- md5: 0e462097431906509019562988736854\r\n  size: 3\r\n  hash: md5\r\n  path: a\r\n",
        0,
        &file(b"hello\n"),
        "outs:\n- md5: b1946ac92492d2347c6235b4d2611184\n  size: 6\n  hash: md5\n  path: a\n",
    );
}

#[test]
fn a_path_is_changed_in_its_place() {
    let text = "# a\nouts:\n- path: a # here\n  md5: b1946ac92492d2347c6235b4d2611184\n  hash: md5\n- path: b\nmeta: {x: 1}\n";
    let file = DvcFile::parse(text.as_bytes(), "x.dvc").unwrap();
    let check = |index: usize, path: &str, expected: &str| {
        let changed = file.with_path(index, path, "x.dvc").unwrap();
        assert_eq!(changed, expected);
    };
    check(0, "c d", &text.replace("path: a #", "path: c d #"));
    check(1, "- 1", &text.replace("path: b", "path: '- 1'"));
    assert!(file.with_path(2, "c", "x.dvc").is_err());
    let flow = "outs: [{path: a}]\n";
    let flow = DvcFile::parse(flow.as_bytes(), "x.dvc").unwrap();
    let error = flow.with_path(0, "c", "x.dvc").unwrap_err().to_string();
    assert!(error.contains("one key a line"), "{error}");
}
