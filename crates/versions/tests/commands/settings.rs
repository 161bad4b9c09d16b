//! Settings in their levels, and the cache that lies elsewhere.

use std::fs;

use everloop_versions::{Machine, Repository};

use crate::repositories::{Place, named, refused};

/// A repository that also has configuration of the machine and of the user.
fn with_levels(machine: &str, user: &str) -> Place {
    let mut place = Place::new();
    let outside = place.root().parent().unwrap().to_owned();
    let files = [("machine", machine), ("user", user)];
    let config_files = files.map(|(name, text)| {
        let file = outside.join(name);
        fs::write(&file, text).unwrap();
        file
    });
    let machine = Machine {
        config_files: config_files.to_vec(),
        ..Machine::default()
    };
    place.repository = Repository::open(place.root(), &machine).unwrap();
    place
}

fn told(place: &Place) -> Vec<(String, String, String)> {
    let settings = place.repository.settings().unwrap().into_iter();
    let name = |file: &std::path::Path| file.file_name().unwrap().to_string_lossy().into_owned();
    settings
        .map(|one| (one.name, one.value, name(&one.file)))
        .collect()
}

#[track_caller]
fn holds(place: &Place, name: &str, expected: Option<(&str, &str)>) {
    let told = told(place);
    let found = told.iter().find(|one| one.0 == name);
    let found = found.map(|(_, value, file)| (value.as_str(), file.as_str()));
    assert_eq!(found, expected, "{name}");
}

#[test]
fn the_nearest_level_wins_and_those_below_come_to_light_again() {
    let place = with_levels(
        "[core]\nremote = of-machine\nautostage = true\n",
        "[Core]\n    Remote = of-user\n",
    );
    let name = "core.remote";
    let set = |value, is_local| place.repository.change_setting(name, value, is_local);
    holds(&place, "core.autostage", Some(("true", "machine")));
    holds(&place, name, Some(("of-user", "user")));
    set(Some("of-repository"), false).unwrap();
    holds(&place, name, Some(("of-repository", "config")));
    set(Some("own"), true).unwrap();
    holds(&place, name, Some(("own", "config.local")));
    set(None, false).unwrap();
    holds(&place, name, Some(("own", "config.local")));
    refused(set(None, false), "is not set there");
    set(None, true).unwrap();
    holds(&place, name, Some(("of-user", "user")));
    let names: Vec<_> = told(&place).into_iter().map(|one| one.0).collect();
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn settings_are_written_line_by_line_among_the_words_of_others() {
    let place = Place::new();
    let before = "# of the team\n[core]\n    remote = a  ; sic\n    # below\n\n['remote \"a\"']\n    url = /a\n[cache]\n    type = copy\n";
    place.write(".dvc/config", before);
    let set = |name, value| place.repository.change_setting(name, value, false);
    set("core.autostage", Some("true")).unwrap();
    set("Cache.Type", Some("hardlink,symlink")).unwrap();
    set("remote.a.url", Some("../b c")).unwrap();
    set("exp.code", Some("src")).unwrap();
    let expected = "# of the team\n[core]\n    remote = a  ; sic\n    # below\n    autostage = true\n\n['remote \"a\"']\n    url = ../b c\n[cache]\n    type = \"hardlink,symlink\"\n[exp]\n    code = src\n";
    assert_eq!(place.read(".dvc/config"), expected);
    set("exp.code", None).unwrap();
    set("core.autostage", None).unwrap();
    set("cache.type", Some("copy")).unwrap();
    set("remote.a.url", Some("/a")).unwrap();
    assert_eq!(place.read(".dvc/config"), before);
    assert!(!place.root().join(".dvc/config.local").exists());
}

#[test]
fn values_come_back_as_they_were_set() {
    let place = Place::new();
    for value in [
        "plain words",
        " leading",
        "trailing ",
        "a # no comment",
        "#",
        "a,b",
        "it's",
        "say \"so\"",
        "a = b",
        "[x]",
        "",
        "é…",
    ] {
        let set = place
            .repository
            .change_setting("exp.data", Some(value), false);
        set.unwrap();
        holds(&place, "exp.data", Some((value, "config")));
        Repository::open(place.root(), &Machine::default()).unwrap();
    }
}

#[test]
fn values_that_no_line_holds_are_refused() {
    let place = Place::new();
    let before = place.read(".dvc/config");
    for value in ["a\nb", "a\r\n[core]", "it's \"both\""] {
        let set = place
            .repository
            .change_setting("exp.data", Some(value), false);
        refused(set, "cannot be used");
        assert_eq!(place.read(".dvc/config"), before, "{value:?}");
    }
}

#[test]
fn wrong_names_and_values_are_refused_and_change_nothing() {
    let place = Place::new();
    let before = place.read(".dvc/config");
    for (name, value) in [
        ("core", "x"),
        ("core.", "x"),
        (".remote", "x"),
        ("core.remote.x", "x"),
        ("remote.url", "x"),
        ("remote..url", "x"),
        ("cores.remote", "x"),
        ("core.no_scm", "perhaps"),
        ("exp.auto_push", ""),
        ("cache.type", "copy,magic"),
        ("cache.shared", "Group"),
    ] {
        for is_local in [false, true] {
            let set = place.repository.change_setting(name, Some(value), is_local);
            assert!(set.is_err(), "{name}");
        }
    }
    assert_eq!(place.read(".dvc/config"), before);
    assert!(!place.root().join(".dvc/config.local").exists());
}

#[test]
fn options_of_a_remote_are_those_of_its_kind() {
    let mut place = Place::new();
    let set = |place: &Place, name: &str, value| {
        place.repository.change_setting(name, Some(value), false)
    };
    set(&place, "remote.my.s3.url", "s3://bucket/x").unwrap();
    place.reopen();
    set(&place, "remote.my.s3.region", "eu").unwrap();
    refused(
        set(&place, "remote.my.s3.keyfile", "x"),
        "DVC knows no setting",
    );
    holds(&place, "remote.my.s3.region", Some(("eu", "config")));
    let section = "['remote \"my.s3\"']\n    url = s3://bucket/x\n    region = eu\n";
    assert!(place.read(".dvc/config").ends_with(section));
}

#[test]
fn a_cache_elsewhere_is_seen_from_the_file_that_names_it() {
    let mut place = Place::new();
    fs::create_dir(place.root().join("sub")).unwrap();
    let from = place.root().join("sub");
    let change = |place: &Place, to, is_local| {
        place
            .repository
            .change_cache_dir(&from, to, is_local)
            .unwrap();
    };
    change(&place, Some("../../shared"), false);
    assert!(
        place
            .read(".dvc/config")
            .ends_with("[cache]\n    dir = ../../shared\n")
    );
    place.reopen();
    place.write("x", "1");
    place.add("x");
    let shared = place.root().parent().unwrap().join("shared");
    let object = "files/md5/c4/ca4238a0b923820dcc509a6f75849b";
    assert!(shared.join(object).exists());
    // One's own goes before that of all.
    let own = place.root().parent().unwrap().join("own");
    change(&place, own.to_str(), true);
    place.reopen();
    place.write("y", "1");
    place.add("y");
    assert!(own.join(object).exists());
    change(&place, None, true);
    change(&place, None, false);
    place.reopen();
    fs::remove_file(place.root().join("x")).unwrap();
    // What is in the cache stays where it is.
    assert!(
        place.repository.checkout(&[named("x")], false).unwrap()[0]
            .problem
            .is_some()
    );
    assert!(shared.join(object).exists() && own.join(object).exists());
    assert!(!place.read(".dvc/config").contains("cache"));
}
