//! Outs of stages, parts of directories, and what is written together.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use everloop_versions::{Error, FaultKind, Gc, Keep, State};

use crate::repositories::{Place, named, refused};

const PIPELINE: &str = "stages:\n  make:\n    cmd: make\n    deps: [in]\n    params: [lr]\n    outs:\n    - out\n  far:\n    cmd: x\n    deps: [/elsewhere]\n    outs:\n    - s3://bucket/elsewhere:\n        cache: false\n    - here\n  late:\n    wdir: sub\n    cmd: x\n    outs: [late]\n";

fn with_stages() -> Place {
    let place = Place::new();
    place.write("dvc.yaml", PIPELINE);
    place.write("params.yaml", "lr: 1e-3\n");
    place.write("in", "1");
    place.write("out/a", "2");
    fs::create_dir(place.root().join("sub")).unwrap();
    place
}

#[test]
fn a_stage_is_recorded_with_all_that_it_was_made_of() {
    let place = with_stages();
    assert_eq!(place.state("make"), State::New);
    assert_eq!(place.state("sub/late"), State::Deleted);
    refused(
        place.repository.commit(&[named("late")]),
        "`late` of stage `late` is not in the repository",
    );
    place.write("here", "1");
    refused(place.repository.commit(&[named("far")]), "`/elsewhere`");
    // What was never made is left out, unless it is named.
    let added = place.repository.commit(&[]).unwrap();
    assert_eq!(added.len(), 1);
    let lock = place.read("dvc.lock");
    let expected = "schema: '2.0'\nstages:\n  make:\n    cmd: make\n    deps:\n    - path: in\n      hash: md5\n      md5: c4ca4238a0b923820dcc509a6f75849b\n      size: 1\n    params:\n      params.yaml:\n        lr: 0.001\n    outs:\n    - path: out\n      hash: md5\n      md5: ";
    assert!(lock.starts_with(expected), "{lock}");
    assert_eq!(place.state("dvc.yaml:make"), State::Unchanged);
    fs::remove_dir_all(place.root().join("out")).unwrap();
    assert_eq!(place.state("out"), State::Deleted);
    assert_eq!(place.checkout(false), None);
    assert_eq!(place.read("out/a"), "2");
    assert_eq!(place.repository.gc(false).unwrap().objects, []);
    refused(
        place.repository.add(&[named("out/a")]),
        "is an output of stage `make`",
    );
    let by_files = place.repository.tracked_by_files().unwrap();
    assert!(by_files.is_empty());
}

#[test]
fn broken_pipelines_are_named() {
    let place = with_stages();
    place.repository.commit(&[]).unwrap();
    for (file, text, words) in [
        ("dvc.yaml", "stages: [", "`dvc.yaml` cannot be used"),
        ("dvc.lock", "stages: [", "`dvc.lock` cannot be used"),
        (
            "dvc.yaml",
            "stages: {a: {cmd: x, outs: [../out]}}",
            "leads out",
        ),
        (
            "dvc.yaml",
            "stages: {a: {cmd: x, outs: [.git/hooks]}}",
            "inner files",
        ),
        (
            "dvc.yaml",
            "stages: {a: {cmd: x, outs: [.]}}",
            "holds `dvc.yaml`",
        ),
        (
            "dvc.yaml",
            "stages: {a: {cmd: x, outs: ['${b}']}}",
            "no variable `b`",
        ),
        (
            "dvc.yaml",
            "stages: {a: {cmd: x, outs: [o]}, b: {cmd: x, outs: [o/p]}}",
            "lie in each other",
        ),
    ] {
        let before = place.read(file);
        place.write(file, text);
        refused(place.repository.status(&[]), words);
        place.write(file, &before);
    }
}

#[test]
fn a_part_is_recorded_without_the_others() {
    let place = Place::new();
    place.write("d/a", "1");
    place.write("d/s/b", "2");
    place.add("d");
    place.write("d/a", "changed");
    place.write("d/s/c", "3");
    place.add("d/s");
    let text = place.read("d.dvc");
    assert!(
        text.contains("nfiles: 3\n") && !text.contains("size"),
        "{text}"
    );
    let status = &place.repository.status(&[]).unwrap()[0];
    assert_eq!(status.files, [vec![], vec!["a".to_owned()], vec![]]);
    let parts = place
        .repository
        .status(&[named("d/a"), named("d/s/c")])
        .unwrap();
    let told: Vec<_> = parts
        .iter()
        .map(|one| (one.path.as_str(), one.state))
        .collect();
    assert_eq!(
        told,
        [("d/a", State::Modified), ("d/s/c", State::Unchanged)]
    );
    let done = place.repository.checkout(&[named("d/s")], false).unwrap();
    assert_eq!(done[0].problem, None);
    assert_eq!(place.read("d/a"), "changed");
    refused(place.repository.chosen(&[named("d/s")]), "is a part of `d`");
    refused(
        place.repository.status(&[named("d/absent")]),
        "not in what is recorded",
    );
    fs::remove_dir_all(place.root().join(".dvc/cache")).unwrap();
    refused(
        place.repository.status(&[named("d/a")]),
        "everloop data fetch d",
    );
    refused(
        place.repository.add(&[named("d/a")]),
        "everloop data fetch d",
    );
}

#[test]
fn what_was_begun_is_finished_by_the_next_who_takes_the_lock() {
    let place = Place::new();
    place.write("a.dvc", "old");
    let journal = r#"{"version": 1, "files": [{"path": "a.dvc", "before": "old", "after": "outs: []\n"}, {"path": "b.dvc", "before": null, "after": "outs: []\n"}]}"#;
    place.write(".dvc/tmp/everloop/journal", journal);
    drop(place.repository.lock().unwrap());
    assert_eq!(
        (place.read("a.dvc"), place.read("b.dvc")),
        ("outs: []\n".to_owned(), "outs: []\n".to_owned())
    );
    assert!(!place.root().join(".dvc/tmp/everloop/journal").exists());
}

#[test]
fn data_is_moved_and_no_longer_tracked() {
    let place = Place::new();
    place.write("a", "1");
    place.write("in/x", "");
    place.add("a");
    let moved = place.repository.rename(&named("a"), &named("in")).unwrap();
    assert_eq!(
        (moved.path.as_str(), moved.file.as_str()),
        ("in/a", "in/a.dvc")
    );
    assert_eq!(place.state("in/a"), State::Unchanged);
    place.write("m.dvc", "outs:\n- path: k # kept\n- path: l\n");
    place.write("k", "1");
    place.repository.rename(&named("k"), &named("n")).unwrap();
    assert_eq!(place.read("m.dvc"), "outs:\n- path: n # kept\n- path: l\n");
    refused(
        place.repository.rename(&named("n"), &named("in/a")),
        "exists; remove it first",
    );
    place.write("l", "2");
    refused(
        place.repository.rename(&named("in/a"), &named("l/x")),
        "overlaps with `l`",
    );
    refused(
        place.repository.untrack(&[named("absent")], true),
        "no `.dvc` file",
    );
    place.repository.untrack(&[named("in/a")], true).unwrap();
    assert!(!place.root().join("in/a").exists() && !place.root().join("in/a.dvc").exists());
}

#[test]
fn damage_that_dvc_would_believe_is_found() {
    let place = Place::new();
    place.write("d/a", "1");
    place.write("d/b", "2");
    place.add("d");
    let object = place
        .root()
        .join(".dvc/cache/files/md5/c4/ca4238a0b923820dcc509a6f75849b");
    fs::remove_file(&object).unwrap();
    fs::write(&object, "").unwrap();
    fs::set_permissions(&object, fs::Permissions::from_mode(0o444)).unwrap();
    let fsck = |repair| place.repository.fsck(&[], false, repair).unwrap();
    let found = fsck(None);
    assert_eq!((found.n_objects, found.faults.len()), (3, 1));
    assert_eq!(found.faults[0].kind, FaultKind::Damaged);
    assert_eq!(found.faults[0].used_by, ["d/a"]);
    assert!(fsck(Some(None)).faults[0].repaired.is_some());
    assert_eq!(fsck(None).faults, []);
    fs::remove_file(&object).unwrap();
    place.write("d/a", "lost");
    let found = fsck(Some(None));
    assert_eq!(
        (found.faults[0].kind, &found.faults[0].repaired),
        (FaultKind::Missing, &None)
    );
    // Nothing in the workspace names it any more.
    place.repository.untrack(&[named("d")], false).unwrap();
    assert_eq!(fsck(None).n_objects, 0);
    assert_eq!(
        place.repository.fsck(&[], true, None).unwrap().faults.len(),
        1
    );
}

#[test]
fn commits_are_kept_only_where_git_is() {
    let place = Place::new();
    let request = Gc {
        keep: Keep {
            all_commits: true,
            ..Keep::default()
        },
        ..Gc::default()
    };
    refused(place.repository.collect(&request), "is not in git");
}

#[test]
fn settings_of_the_cache_are_honoured_or_refused() {
    let mut place = Place::new();
    place.set("cache", "shared", "group");
    place.write("a", "1");
    place.add("a");
    let dir = place.root().join(".dvc/cache/files/md5/c4");
    assert_eq!(fs::metadata(dir).unwrap().mode() & 0o7777, 0o2775);
    place.set("core", "hardlink_lock", "true");
    refused(place.repository.lock(), "core.hardlink_lock");
    place.set("core", "hardlink_lock", "false");
    place.set("cache", "dir", "../../other");
    place.write("b", "1");
    place.add("b");
    assert!(place.root().join("../other/files/md5/c4").exists());
}

fn git(place: &Place, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@t"];
    let mut command = std::process::Command::new("git");
    command.arg("-C").arg(place.root());
    let output = command.args(identity).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
}

fn save(place: &Place, message: &str) {
    git(place, &["add", "--all"]);
    git(place, &["commit", "--quiet", "-m", message]);
}

/// Three versions of a file, each a commit; the first has a tag.
fn with_commits() -> Place {
    let place = Place::new();
    git(&place, &["init", "--quiet"]);
    for version in ["one", "two", "three"] {
        place.write("a", version);
        place.add("a");
        save(&place, version);
        if version == "one" {
            git(&place, &["tag", "first"]);
        }
    }
    place
}

#[track_caller]
fn keeps(place: &Place, keep: Keep, n_kept: usize) {
    let request = Gc {
        keep,
        is_dry: true,
        ..Gc::default()
    };
    let collected = place.repository.collect(&request).unwrap();
    assert_eq!(collected.len(), 1);
    assert_eq!(collected[0].n_kept, n_kept);
    assert_eq!(collected[0].objects.len(), 3 - n_kept);
}

#[test]
fn objects_of_kept_commits_stay() {
    let place = with_commits();
    let none = Keep::default();
    assert!(none.is_workspace_only());
    keeps(&place, none.clone(), 1);
    let all_tags = Keep {
        all_tags: true,
        ..none.clone()
    };
    keeps(&place, all_tags, 2);
    let all_commits = Keep {
        all_commits: true,
        ..none.clone()
    };
    keeps(&place, all_commits, 3);
    for (n_commits, n_kept) in [(None, 1), (Some(2), 2), (Some(9), 3)] {
        let all_branches = Keep {
            all_branches: true,
            n_commits,
            ..none.clone()
        };
        keeps(&place, all_branches, n_kept);
        let revision = Keep {
            revision: Some("HEAD".to_owned()),
            n_commits,
            ..none.clone()
        };
        keeps(&place, revision, n_kept);
    }
    for (day, n_kept) in [("2000-01-01", 3), ("2099-12-31", 1), ("3000-01-01", 1)] {
        let since = Keep {
            since: Some(day.to_owned()),
            ..none.clone()
        };
        keeps(&place, since, n_kept);
    }
}

#[test]
fn a_commit_that_cannot_be_read_is_named_and_nothing_goes() {
    let place = with_commits();
    let whole = place.read("a.dvc");
    place.write("a.dvc", "outs: [");
    save(&place, "broken");
    place.write("a.dvc", &whole);
    save(&place, "mended");
    let request = |keep| Gc {
        keep,
        ..Gc::default()
    };
    let all_commits = Keep {
        all_commits: true,
        ..Keep::default()
    };
    let error = place.repository.collect(&request(all_commits)).unwrap_err();
    assert!(matches!(error, Error::Revision { .. }), "{error}");
    let broken = place.repository.revision("HEAD~1").unwrap();
    assert!(error.to_string().contains(broken.id()), "{error}");
    assert_eq!(place.repository.fsck(&[], true, None).unwrap().n_objects, 3);
    let since = Keep {
        since: Some("yesterday".to_owned()),
        ..Keep::default()
    };
    refused(place.repository.collect(&request(since)), "is no day");
    let revision = Keep {
        revision: Some("absent".to_owned()),
        ..Keep::default()
    };
    refused(place.repository.collect(&request(revision)), "no revision");
}

#[test]
fn remotes_are_cleaned_and_what_they_have_may_go_here() {
    let mut place = with_commits();
    let root = place.root().to_owned();
    let options = (true, false, false);
    let repository = &place.repository;
    repository
        .add_remote(&root, ("main", "../remote"), options)
        .unwrap();
    place.reopen();
    let first = place.read("a.dvc");
    place.repository.push(&[], None).unwrap();
    place.write("a", "four");
    place.repository.commit(&[]).unwrap();
    place.repository.push(&[], None).unwrap();
    let request = Gc {
        from_remotes: Some(None),
        ..Gc::default()
    };
    let collected = place.repository.collect(&request).unwrap();
    let told: Vec<_> = collected
        .iter()
        .map(|one| (one.remote.as_deref(), one.objects.len(), one.n_kept))
        .collect();
    assert_eq!(told, [(None, 3, 1), (Some("default"), 1, 1)]);
    let request = Gc {
        not_in_remote: Some(None),
        ..Gc::default()
    };
    let collected = place.repository.collect(&request).unwrap();
    assert_eq!((collected[0].objects.len(), collected[0].n_kept), (1, 0));
    place.repository.fetch(&[], None).unwrap();
    assert_eq!(place.checkout(true), None);
    assert_eq!(place.read("a"), "four");
    place.write("a.dvc", &first);
    let problem = place.checkout(true).unwrap();
    assert!(problem.contains("not in the cache"), "{problem}");
}

#[test]
fn parts_go_to_a_remote_and_come_back() {
    let mut place = Place::new();
    let root = place.root().to_owned();
    let options = (true, false, false);
    let repository = &place.repository;
    repository
        .add_remote(&root, ("main", "../remote"), options)
        .unwrap();
    place.reopen();
    for (path, text) in [("d/a", "1"), ("d/s/b", "2"), ("d/s/c", "3")] {
        place.write(path, text);
    }
    place.add("d");
    let push = |path: &str| place.repository.push(&[named(path)], None).unwrap();
    // The listing follows when all of its files are there.
    assert_eq!(push("d/s").n_objects, 2);
    assert_eq!(push("d/a").n_objects, 2);
    assert_eq!(push("d").n_present, 4);
    fs::remove_dir_all(place.root().join(".dvc/cache")).unwrap();
    fs::remove_dir_all(place.root().join("d")).unwrap();
    let got = place
        .repository
        .fetch(&[named("d/s/b"), named("d/a")], None);
    assert_eq!(got.unwrap().n_objects, 3);
    let done = place.repository.checkout(&[named("d/s")], false).unwrap();
    let problem = done[0].problem.clone().unwrap();
    assert!(
        problem.contains("1 objects of `d` are not in the cache"),
        "{problem}"
    );
    let done = place.repository.checkout(&[named("d/a")], false).unwrap();
    assert_eq!((done[0].n_written, done[0].n_removed), (1, 0));
    assert_eq!(place.read("d/a"), "1");
    assert!(!place.root().join("d/s").exists());
}
