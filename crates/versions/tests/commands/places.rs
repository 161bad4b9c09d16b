//! Data of places of this machine and below remotes, and runs that go from one repository to another.

use std::fs;

use everloop_versions::{Imported, Lineage};

use crate::repositories::{Place, named, refused};

/// Writes a file beside the repository.
fn outside(place: &Place, path: &str, text: &str) {
    let file = place.root().parent().unwrap().join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn import(place: &Place, from: &str, out: &str, is_downloaded: bool) -> Imported {
    let how = (false, is_downloaded);
    let imported = place
        .repository
        .import_place(place.root(), from, &named(out), how);
    imported.unwrap()
}

fn update(place: &Place, file: &str, is_downloaded: bool) -> bool {
    let updated = place
        .repository
        .update(place.root(), &named(file), (None, is_downloaded));
    updated.unwrap().is_changed
}

/// The text of an import's file below its own digest: where it is from, and what is here.
fn imported_text(from: (&str, &str), out: (Option<&str>, &str)) -> String {
    let entry = |md5: Option<&str>, path: &str| {
        let md5 = md5.map(|md5| format!("md5: {md5}\n  size: 1\n  "));
        format!("- {}hash: md5\n  path: {path}\n", md5.unwrap_or_default())
    };
    let (dep, out) = (entry(Some(from.0), from.1), entry(out.0, out.1));
    format!("frozen: true\ndeps:\n{dep}outs:\n{out}")
}

#[track_caller]
fn says(place: &Place, file: &str, expected: &str) {
    let text = place.read(file);
    let (digest, rest) = text.split_once('\n').unwrap();
    assert!(digest.starts_with("md5: ") && digest.len() == 37, "{text}");
    assert_eq!(rest, expected);
}

const ONE: &str = "c4ca4238a0b923820dcc509a6f75849b";
const TWO: &str = "c81e728d9d4c2f636f067f89cc14862c";

#[test]
fn a_place_is_followed_with_and_without_its_data() {
    let place = Place::new();
    outside(&place, "far/x", "1");
    fs::create_dir(place.root().join("sub")).unwrap();
    // The place is seen from where one stands, and written as seen from the data.
    let imported = import(&place, "../far/x", "sub/y", true);
    assert_eq!(
        (imported.path, imported.file),
        (named("sub/y"), named("sub/y.dvc"))
    );
    let from = "../../far/x";
    says(
        &place,
        "sub/y.dvc",
        &imported_text((ONE, from), (Some(ONE), "y")),
    );
    assert_eq!(place.read("sub/y"), "1");
    let first = place.read("sub/y.dvc");
    for is_downloaded in [true, false] {
        assert!(!update(&place, "sub/y.dvc", is_downloaded));
        assert_eq!(place.read("sub/y.dvc"), first);
    }
    outside(&place, "far/x", "2");
    assert!(update(&place, "sub/y", false));
    says(
        &place,
        "sub/y.dvc",
        &imported_text((TWO, from), (None, "y")),
    );
    assert_eq!(place.read("sub/y"), "1", "nothing was downloaded");
    assert!(update(&place, "sub/y.dvc", true));
    says(
        &place,
        "sub/y.dvc",
        &imported_text((TWO, from), (Some(TWO), "y")),
    );
    assert_eq!(place.read("sub/y"), "2");
    // Of the same state there is one text, whatever was between.
    outside(&place, "far/x", "1");
    assert!(update(&place, "sub/y.dvc", true));
    assert_eq!(place.read("sub/y.dvc"), first);
    let present = place.repository.present().unwrap();
    assert!(matches!(present[0].origin, Lineage::Import(_)));
}

#[test]
fn what_was_not_downloaded_is_recorded_and_comes_when_it_is_fetched() {
    let place = Place::new();
    outside(&place, "far/x", "1");
    let imported = import(&place, "../far/x", "x", false);
    assert_eq!(imported.recorded, None);
    assert!(!place.root().join("x").exists());
    says(
        &place,
        "x.dvc",
        &imported_text((ONE, "../far/x"), (None, "x")),
    );
    assert!(update(&place, "x.dvc", true));
    assert_eq!(place.read("x"), "1");
    says(
        &place,
        "x.dvc",
        &imported_text((ONE, "../far/x"), (Some(ONE), "x")),
    );
    fs::remove_file(place.root().join("../far/x")).unwrap();
    let before = place.read("x.dvc");
    for is_downloaded in [true, false] {
        let asked = (None, is_downloaded);
        let updated = place
            .repository
            .update(place.root(), &named("x.dvc"), asked);
        refused(updated, "does not exist");
        assert_eq!(
            (place.read("x.dvc"), place.read("x")),
            (before.clone(), "1".to_owned())
        );
    }
}

#[test]
fn places_below_remotes_keep_the_name_of_the_remote() {
    let mut place = Place::new();
    outside(&place, "store/deep/x", "1");
    place.set("remote \"main\"", "url", "../../store");
    import(&place, "remote://main/deep/x", "x", true);
    let from = "remote://main/deep/x";
    says(
        &place,
        "x.dvc",
        &imported_text((ONE, from), (Some(ONE), "x")),
    );
    // The remote is somewhere else, and has something else.
    outside(&place, "moved/deep/x", "2");
    place.set("remote \"main\"", "url", "../../moved");
    assert!(update(&place, "x.dvc", true));
    assert_eq!(place.read("x"), "2");
    says(
        &place,
        "x.dvc",
        &imported_text((TWO, from), (Some(TWO), "x")),
    );
    let how = (false, true);
    for (from, words) in [
        ("remote://none/x", "none"),
        ("remote://main/none", "does not exist"),
    ] {
        let out = named("n");
        let imported = place.repository.import_place(place.root(), from, &out, how);
        refused(imported, words);
        assert!(!place.root().join("n.dvc").exists(), "{from}");
    }
}

#[test]
fn a_directory_is_imported_with_its_files_and_updated_to_fewer() {
    let place = Place::new();
    outside(&place, "far/a", "1");
    outside(&place, "far/s/b", "2");
    import(&place, "../far", "d", true);
    assert_eq!(
        (place.read("d/a"), place.read("d/s/b")),
        ("1".to_owned(), "2".to_owned())
    );
    assert_eq!(place.read("d.dvc").matches("nfiles: 2\n").count(), 2);
    fs::remove_file(place.root().join("../far/a")).unwrap();
    outside(&place, "far/s/b", "3");
    assert!(update(&place, "d.dvc", true));
    assert_eq!(place.read("d/s/b"), "3");
    assert!(!place.root().join("d/a").exists());
    // Work in the data is not lost to an update.
    place.write("d/s/b", "my work");
    outside(&place, "far/s/b", "4");
    let updated = place
        .repository
        .update(place.root(), &named("d"), (None, true));
    refused(updated, "would be lost");
    assert_eq!(place.read("d/s/b"), "my work");
}

/// A run that made a file of the content `1`, by its path below the run cache.
fn run_path(digit: char) -> String {
    let (key, value) = ("ab".repeat(32), digit.to_string().repeat(64));
    format!("ab/{key}/{value}")
}

const RUN: &str = "cmd: make\ndeps:\n- path: in\n  md5: c81e728d9d4c2f636f067f89cc14862c\n  size: 1\nouts:\n- path: x\n  hash: md5\n  md5: c4ca4238a0b923820dcc509a6f75849b\n  size: 1\n";

fn with_store(store: &std::path::Path) -> Place {
    let mut place = Place::new();
    place.set("remote \"main\"", "url", store.to_str().unwrap());
    place.set("core", "remote", "main");
    place
}

#[test]
fn runs_go_with_what_they_made_and_come_back_byte_by_byte() {
    let store = tempfile::tempdir().unwrap();
    let from = with_store(store.path());
    from.write("x", "1");
    from.add("x");
    let runs = from.repository.cache().runs_dir();
    for (path, text) in [
        (run_path('1'), RUN),
        (run_path('2'), "cmd: ["),
        (format!("{}.tmp", run_path('3')), RUN),
        ("ab/notes".to_owned(), RUN),
        // What it made is not here.
        (run_path('5'), &RUN.replace("c4ca4238a0b9", "c4ca4238a0b8")),
    ] {
        let file = runs.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let sent = from.repository.push_runs(None).unwrap();
    assert_eq!((sent.n_runs, sent.n_objects), (1, 1));
    assert!(sent.notes[0].starts_with("1 runs are not sent"));
    let object = "files/md5/c4/ca4238a0b923820dcc509a6f75849b";
    assert!(store.path().join(object).exists());
    assert_eq!(from.repository.push_runs(None).unwrap().n_runs, 0);

    // A run that somebody damaged on the way is told, and the others come.
    fs::write(store.path().join("runs").join(run_path('4')), "cmd: [").unwrap();
    let to = with_store(store.path());
    let got = to.repository.fetch_runs(None).unwrap();
    assert_eq!((got.n_runs, got.notes.len()), (1, 1), "{:?}", got.notes);
    assert!(got.notes[0].contains("is no run and is left"));
    let runs = to.repository.cache().runs_dir();
    assert_eq!(fs::read_to_string(runs.join(run_path('1'))).unwrap(), RUN);
    assert!(!runs.join(run_path('4')).exists());
    assert!(!to.root().join(".dvc/cache").join(object).exists());
    assert_eq!(to.repository.fetch_runs(None).unwrap().n_runs, 0);
    refused(to.repository.fetch_runs(Some("none")), "none");
}
