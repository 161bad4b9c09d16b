//! What the commands do, and what they refuse.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use everloop_versions::{Error, Machine, RepoPath, Repository, State};

pub(crate) struct Place {
    dir: tempfile::TempDir,
    pub(crate) repository: Repository,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("r")).unwrap();
        let repository = Repository::init(&dir.path().join("r"), &Machine::default()).unwrap();
        Self { dir, repository }
    }

    pub(crate) fn root(&self) -> &Path {
        self.repository.root()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    pub(crate) fn reopen(&mut self) {
        self.repository = Repository::open(self.root(), &Machine::default()).unwrap();
    }

    pub(crate) fn set(&mut self, section: &str, key: &str, value: &str) {
        let mut file = self.repository.config_file(false).unwrap();
        file.set(section, key, value);
        file.save().unwrap();
        self.reopen();
    }

    #[track_caller]
    pub(crate) fn add(&self, path: &str) {
        self.repository.add(&[named(path)]).unwrap();
    }

    #[track_caller]
    pub(crate) fn state(&self, path: &str) -> State {
        self.repository.status(&[named(path)]).unwrap()[0].state
    }

    #[track_caller]
    pub(crate) fn checkout(&self, is_forced: bool) -> Option<String> {
        let done = self.repository.checkout(&[], is_forced).unwrap();
        done.into_iter().find_map(|placed| placed.problem)
    }
}

pub(crate) fn named(path: &str) -> RepoPath {
    RepoPath::default().join(path).unwrap()
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Error>, words: &str) {
    let error = result.unwrap_err().to_string();
    assert!(error.contains(words), "{error}");
}

#[test]
fn data_comes_back_as_it_was_with_every_link() {
    for kind in ["reflink,copy", "hardlink", "symlink", "copy"] {
        let mut place = Place::new();
        place.set("cache", "type", kind);
        place.write("data/a", "1");
        place.write("data/sub/b", "2");
        place.write("run.sh", "#!");
        let script = place.root().join("run.sh");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        place.add("data");
        place.add("run.sh");
        assert_eq!(place.state("data"), State::Unchanged, "{kind}");
        let first = place.read("data.dvc");
        place.write("data/a", "changed");
        place.write("data/c", "3");
        fs::remove_dir_all(place.root().join("data/sub")).unwrap();
        assert_eq!(place.state("data"), State::Modified);
        let status = &place.repository.status(&[named("data")]).unwrap()[0];
        assert_eq!(
            status.files,
            [["c"], ["a"], ["sub/b"]].map(|[name]| vec![name.to_owned()])
        );
        place.repository.commit(&[]).unwrap();
        let second = place.read("data.dvc");
        place.write("data.dvc", &first);
        fs::remove_file(&script).unwrap();
        assert_eq!(place.checkout(false), None, "{kind}");
        assert_eq!(
            (place.read("data/a"), place.read("data/sub/b")),
            ("1".to_owned(), "2".to_owned())
        );
        assert!(!place.root().join("data/c").exists());
        assert_ne!(fs::metadata(&script).unwrap().mode() & 0o100, 0);
        place.write("data.dvc", &second);
        assert_eq!(place.checkout(false), None);
        assert!(!place.root().join("data/sub").exists(), "{kind}");
        assert_eq!(place.state("data"), State::Unchanged);
    }
}

#[test]
fn work_that_is_not_recorded_is_not_lost() {
    let place = Place::new();
    place.write("a", "1");
    place.add("a");
    place.write("a", "2");
    let problem = place.checkout(false).unwrap();
    assert!(problem.contains("`a` would be lost"), "{problem}");
    assert_eq!(place.read("a"), "2");
    assert_eq!(place.checkout(true), None);
    assert_eq!(place.read("a"), "1");
}

#[test]
fn a_file_and_a_directory_take_each_others_place() {
    let place = Place::new();
    place.write("d/x", "1");
    place.add("d");
    let as_dir = place.read("d.dvc");
    fs::remove_dir_all(place.root().join("d")).unwrap();
    place.write("d", "file");
    place.repository.commit(&[]).unwrap();
    let as_file = place.read("d.dvc");
    assert!(!as_file.contains("nfiles"), "{as_file}");
    place.write("d.dvc", &as_dir);
    assert_eq!(place.checkout(false), None);
    assert_eq!(place.read("d/x"), "1");
    place.write("d.dvc", &as_file);
    assert_eq!(place.checkout(false), None);
    assert_eq!(place.read("d"), "file");
}

#[test]
fn targets_that_cannot_be_data_are_refused_and_nothing_is_recorded() {
    let place = Place::new();
    place.write("a", "1");
    place.write("d/x", "1");
    place.write("e/f/x", "1");
    place.add("d");
    place.add("e/f");
    let add = |paths: &[&str]| {
        let paths: Vec<RepoPath> = paths.iter().map(|path| named(path)).collect();
        place.repository.add(&paths)
    };
    refused(add(&["a", "absent"]), "`absent` does not exist");
    assert!(!place.root().join("a.dvc").exists());
    refused(add(&["d/absent"]), "not in what is recorded");
    refused(add(&["new", "new/x"]), "name one of the two");
    refused(add(&["e"]), "is tracked by `e/f.dvc`");
    refused(add(&["d.dvc"]), "file of DVC");
    refused(add(&["."]), "whole repository");
    refused(
        place.repository.commit(&[named("a")]),
        "no `.dvc` file tracks `a`",
    );
    refused(
        place.repository.path(place.root(), Path::new("../x")),
        "not in this repository",
    );
}

#[test]
fn hostile_files_reach_nothing_outside() {
    let md5 = "d41d8cd98f00b204e9800998ecf8427e";
    for path in [
        "../out",
        "/tmp/out",
        ".git/hooks/post-checkout",
        "x/../../out",
        ".dvc/config",
    ] {
        let place = Place::new();
        place.write(
            "x.dvc",
            &format!("outs:\n- md5: {md5}\n  hash: md5\n  path: {path}\n"),
        );
        refused(place.repository.checkout(&[], true), "x.dvc");
        assert!(!place.dir.path().join("out").exists());
    }
    let place = Place::new();
    fs::create_dir(place.dir.path().join("outside")).unwrap();
    place.write("l/a", "1");
    place.add("l/a");
    let dvc = place.read("l/a.dvc").replace("path: a", "path: m/a");
    place.write("x.dvc", &dvc);
    fs::remove_dir_all(place.root().join("l")).unwrap();
    std::os::unix::fs::symlink(place.dir.path().join("outside"), place.root().join("m")).unwrap();
    let problem = place.checkout(true).unwrap();
    assert!(problem.contains("leads out of the repository"), "{problem}");
    assert!(!place.dir.path().join("outside/a").exists());
}

#[test]
fn a_link_to_nothing_is_an_absent_file_that_cannot_be_recorded() {
    let place = Place::new();
    place.write("d/a", "1");
    place.write("d/b", "2");
    place.add("d");
    fs::remove_file(place.root().join("d/b")).unwrap();
    std::os::unix::fs::symlink("nowhere", place.root().join("d/b")).unwrap();
    let status = &place.repository.status(&[]).unwrap()[0];
    assert_eq!(status.files[2], ["b"]);
    refused(place.repository.commit(&[]), "d/b`");
    assert_eq!(place.checkout(false), None);
    assert_eq!(place.read("d/b"), "2");
}

#[test]
fn half_written_files_are_named_and_nothing_is_done() {
    let place = Place::new();
    place.write("a", "1");
    place.add("a");
    let whole = place.read("a.dvc");
    for end in [whole.len() / 2, whole.len() - 14, 10] {
        place.write("a.dvc", &whole[..end]);
        refused(place.repository.status(&[]), "`a.dvc`");
        refused(place.repository.gc(false), "`a.dvc`");
    }
    place.write("a.dvc", &whole);
    place.write(".dvc/config", "[core\nremote");
    let opened = Repository::open(place.root(), &Machine::default());
    refused(opened, "line 1");
    assert_eq!(place.state("a"), State::Unchanged);
}

#[test]
fn what_dvc_2_recorded_is_read_and_kept_until_it_changes() {
    let place = Place::new();
    // `a\r\n` counts as `a\n`, and the listing names that digest.
    let object = |path: &str, bytes: &str| {
        let path = format!(".dvc/cache/{path}");
        place.write(&path, bytes);
        fs::set_permissions(place.root().join(path), fs::Permissions::from_mode(0o444)).unwrap();
    };
    object("60/b725f10c9c85c70d97880dfe8191b3", "a\r\n");
    let listing = r#"[{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "x"}]"#;
    let id = everloop_versions::Md5::of(listing.as_bytes()).to_string();
    object(&format!("{}/{}.dir", &id[..2], &id[2..]), listing);
    place.write(
        "f.dvc",
        "outs:\n- md5: 60b725f10c9c85c70d97880dfe8191b3\n  size: 3\n  path: f\n",
    );
    let dir_file = format!("outs:\n- md5: {id}.dir\n  size: 3\n  nfiles: 1\n  path: d\n");
    place.write("d.dvc", &dir_file);
    assert_eq!(place.checkout(false), None);
    assert_eq!(
        (place.read("f"), place.read("d/x")),
        ("a\r\n".to_owned(), "a\r\n".to_owned())
    );
    assert_eq!(
        (place.state("f"), place.state("d")),
        (State::Unchanged, State::Unchanged)
    );
    place.write("d/y", "b");
    place.repository.commit(&[]).unwrap();
    assert!(!place.read("f.dvc").contains("hash"));
    assert!(place.read("d.dvc").ends_with("  path: d\n  hash: md5\n"));
    assert_eq!(place.state("d"), State::Unchanged);
    assert_eq!(place.repository.gc(false).unwrap().objects, []);
    assert_eq!(place.state("f"), State::Unchanged);
}

#[test]
fn two_files_may_not_track_the_same() {
    let place = Place::new();
    place.write("d/x", "1");
    place.add("d");
    place.write("other.dvc", "outs:\n- path: d/x\n");
    refused(place.repository.tracked(), "overlap");
}

/// A repository with data on a remote.
fn with_remote() -> Place {
    let mut place = Place::new();
    let root = place.root().to_owned();
    place
        .repository
        .add_remote(&root, ("main", "../remote"), (true, false, false))
        .unwrap();
    place.reopen();
    place.write("data/a", "1");
    place.write("data/b", "2");
    place.add("data");
    place
}

#[test]
fn data_goes_to_a_remote_and_comes_back() {
    let place = with_remote();
    assert!(
        place
            .read(".dvc/config")
            .contains("    url = ../../remote\n")
    );
    let sent = place.repository.push(&[], None).unwrap();
    assert_eq!(
        (sent.n_objects, sent.n_present, sent.problems.len()),
        (3, 0, 0)
    );
    assert_eq!(place.repository.push(&[], None).unwrap().n_present, 3);
    fs::remove_dir_all(place.root().join(".dvc/cache")).unwrap();
    fs::remove_dir_all(place.root().join("data")).unwrap();
    let problem = place.checkout(false).unwrap();
    assert!(problem.contains("everloop data pull"), "{problem}");
    assert_eq!(place.repository.fetch(&[], None).unwrap().n_objects, 3);
    assert_eq!(place.checkout(false), None);
    assert_eq!(place.read("data/b"), "2");
    refused(
        place.repository.push(&[], Some("absent")),
        "there is no remote `absent`",
    );
    let root = place.root();
    refused(
        place
            .repository
            .add_remote(root, ("main", "x"), (false, false, false)),
        "--force",
    );
    refused(
        place.repository.set_default_remote("absent", false),
        "no remote `absent`",
    );
}

#[test]
fn what_a_remote_lacks_or_has_damaged_is_named_and_the_rest_comes() {
    let place = with_remote();
    place.repository.push(&[], None).unwrap();
    fs::remove_dir_all(place.root().join(".dvc/cache")).unwrap();
    let remote = place.dir.path().join("remote/files/md5");
    let damaged = remote.join("c4/ca4238a0b923820dcc509a6f75849b");
    fs::set_permissions(&damaged, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&damaged, "x").unwrap();
    fs::set_permissions(&damaged, fs::Permissions::from_mode(0o444)).unwrap();
    let got = place.repository.fetch(&[], None).unwrap();
    assert_eq!((got.n_objects, got.problems.len()), (2, 1));
    assert!(got.problems[0].1.contains("damaged"), "{got:?}");
    fs::remove_file(&damaged).unwrap();
    let got = place.repository.fetch(&[], None).unwrap();
    assert!(got.problems[0].1.contains("is not there"), "{got:?}");
    // The file of the workspace still has the content, and mends both sides.
    place.repository.commit(&[]).unwrap();
    assert_eq!(place.repository.push(&[], None).unwrap().n_objects, 1);
}

#[test]
fn a_listing_is_not_sent_without_its_files() {
    let place = with_remote();
    let object = place
        .root()
        .join(".dvc/cache/files/md5/c4/ca4238a0b923820dcc509a6f75849b");
    fs::remove_file(object).unwrap();
    let sent = place.repository.push(&[], None).unwrap();
    assert_eq!((sent.n_objects, sent.problems.len()), (1, 1));
}

#[test]
fn gc_keeps_what_is_named_and_removes_nothing_when_it_cannot_tell() {
    let place = with_remote();
    let first = place.read("data.dvc");
    place.write("data/a", "3");
    place.repository.commit(&[]).unwrap();
    let dry = place.repository.gc(true).unwrap();
    assert_eq!((dry.objects.len(), dry.n_kept), (2, 3));
    assert_eq!(place.repository.gc(false).unwrap(), dry);
    assert_eq!(place.repository.gc(false).unwrap().objects, []);
    place.write("data.dvc", &first);
    refused(place.repository.gc(false), "everloop data fetch");
    place.write(
        "sub/dvc.lock",
        "stages: {a: {outs: [{hash: md5, md5: zz}]}}",
    );
    fs::remove_file(place.root().join("data.dvc")).unwrap();
    refused(place.repository.gc(false), "no MD5");
}

#[test]
fn leftovers_of_a_killed_command_do_no_harm() {
    let place = with_remote();
    place.write(".dvc/tmp/everloop/everloop-1-2.tmp", "half");
    place.write(".dvc/cache/files/md5/everloop-1-2.tmp", "half");
    drop(place.repository.lock().unwrap());
    assert_eq!(place.checkout(false), None);
    assert!(
        !place
            .root()
            .join(".dvc/tmp/everloop/everloop-1-2.tmp")
            .exists()
    );
    place.repository.gc(false).unwrap();
    assert!(
        !place
            .root()
            .join(".dvc/cache/files/md5/everloop-1-2.tmp")
            .exists()
    );
}
