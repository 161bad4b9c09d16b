//! DVC's configuration, read and changed.

use std::fs;

use super::*;

fn written(text: &str, change: impl FnOnce(&mut ConfigFile)) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    fs::write(&path, text).unwrap();
    let mut file = ConfigFile::load(&path).unwrap();
    change(&mut file);
    file.save().unwrap();
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_remote_is_written_as_dvc_writes_it() {
    let text = written("", |file| {
        file.set("core", "remote", "loc");
        file.set(&remote_section("loc"), "url", "../../remote");
    });
    assert_eq!(
        text,
        "[core]\n    remote = loc\n['remote \"loc\"']\n    url = ../../remote\n"
    );
}

#[test]
fn changes_keep_what_people_wrote() {
    let before = "# ours\n[core]\n    autostage = true # yes\n\n['remote \"a\"']\n    url = /a\n[cache]\n    type = hardlink\n";
    assert_eq!(
        written(before, |file| {
            file.set("core", "remote", "a");
            file.set("remote \"a\"", "url", "/with, comma");
            assert!(file.remove_section("cache"));
        }),
        "# ours\n[core]\n    autostage = true # yes\n    remote = a\n\n['remote \"a\"']\n    url = \"/with, comma\"\n"
    );
    assert_eq!(
        written("[core]\n    remote = a\n[cache]\n    dir = x\n", |file| {
            assert!(file.unset("core", "remote"));
            assert!(!file.unset("core", "remote"));
        }),
        "[cache]\n    dir = x\n"
    );
}

#[test]
fn later_layers_win_and_places_are_those_of_their_file() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (
        dir.path().join("a/config"),
        dir.path().join("b/config.local"),
    );
    for (path, text) in [
        (
            &first,
            "[Core]\nRemote = x\n['remote \"X y\"']\nurl = ../r\n[cache]\ntype = \"reflink,copy\"\n",
        ),
        (
            &second,
            "[core]\nremote = 'z' # now\n[remote \"s\"]\nurl = s3://b/c\n",
        ),
    ] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let config = Config::load(&[first, second, dir.path().join("absent")]).unwrap();
    assert_eq!(config.get("core", "remote"), Some("z"));
    assert_eq!(config.get("cache", "type"), Some("reflink,copy"));
    let place = dir.path().join("r").display().to_string();
    assert_eq!(
        config.remotes(),
        [("X y", place.as_str()), ("s", "s3://b/c")]
    );
}

#[test]
fn other_text_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    fs::write(&path, "[core]\nremote\n").unwrap();
    let error = Config::load(&[path]).unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
}

#[test]
fn places_are_told_as_seen_from_a_directory() {
    let check = |from: &str, to: &str, expected: &str| {
        assert_eq!(relative(Path::new(from), Path::new(to)), expected);
    };
    check("/r/.dvc", "/remote", "../../remote");
    check("/r/.dvc", "/r/x/../y", "../y");
    check("/r", "/r", ".");
}
