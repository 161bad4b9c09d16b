//! Versions of data in git, and data of other repositories: what is done, and what is refused.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use everloop_versions::{At, Differences, Error, Machine, RepoPath, Repository, Scratch, Source};

/// A repository of git with data, beside others in one directory.
struct Place {
    repository: Repository,
}

fn git(dir: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@t"]);
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "t")
            .env(format!("GIT_{who}_EMAIL"), "t@t");
    }
    let output = command.args(arguments).current_dir(dir).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
}

fn named(path: &str) -> RepoPath {
    RepoPath::default().join(path).unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, words: &str) {
    let error = result.unwrap_err().to_string();
    assert!(error.contains(words), "{error}");
}

impl Place {
    fn new(dir: &Path, name: &str) -> Self {
        let root = dir.join(name);
        fs::create_dir(&root).unwrap();
        git(&root, &["init", "--quiet", "--initial-branch=main"]);
        git(&root, &["config", "user.name", "t"]);
        git(&root, &["config", "user.email", "t@t"]);
        Self {
            repository: Repository::init(&root, &Machine::default()).unwrap(),
        }
    }

    fn root(&self) -> &Path {
        self.repository.root()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// Writes files, records data, commits all of it.
    fn commit(&self, files: &[(&str, &str)], data: &[&str]) {
        for (path, text) in files {
            self.write(path, text);
        }
        let data: Vec<RepoPath> = data.iter().map(|path| named(path)).collect();
        self.repository.add(&data).unwrap();
        git(self.root(), &["add", "."]);
        git(
            self.root(),
            &["commit", "--quiet", "--allow-empty", "-m", "x"],
        );
    }

    fn diff(&self, old: &str, new: Option<&str>, targets: &[&str]) -> Result<Differences, Error> {
        let old = self.repository.revision(old)?;
        let new = new.map(|name| self.repository.revision(name)).transpose()?;
        let targets: Vec<RepoPath> = targets.iter().map(|path| named(path)).collect();
        self.repository.diff(&old, new.as_ref(), &targets)
    }

    fn import(&self, path: &str, out: &str, is_forced: bool) -> Result<(), Error> {
        let asked = ("../source", path, None);
        let out = named(out);
        let how = (is_forced, true);
        self.repository
            .import(self.root(), asked, &out, how)
            .map(drop)
    }

    fn update(&self, file: &str) -> Result<bool, Error> {
        let updated = self
            .repository
            .update(self.root(), &named(file), (None, true))?;
        Ok(updated.is_changed)
    }

    /// The only object of the cache.
    fn object(&self) -> PathBuf {
        let dirs = fs::read_dir(self.root().join(".dvc/cache/files/md5")).unwrap();
        let files = dirs.flatten().filter(|dir| dir.path().is_dir());
        let mut files = files.flat_map(|dir| fs::read_dir(dir.path()).unwrap().flatten());
        files.next().unwrap().path()
    }
}

/// A source and a repository that takes from it.
fn both(files: &[(&str, &str)], data: &[&str]) -> (tempfile::TempDir, Place, Place) {
    let dir = tempfile::tempdir().unwrap();
    let source = Place::new(dir.path(), "source");
    source.commit(files, data);
    let place = Place::new(dir.path(), "place");
    (dir, source, place)
}

fn paths(items: &[everloop_versions::Item]) -> Vec<&str> {
    items.iter().map(|item| item.path.as_str()).collect()
}

#[test]
fn differences_have_sizes_and_are_limited_to_targets() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::new(dir.path(), "r");
    place.commit(&[("d/a", "1"), ("d/b", "22"), ("x", "333")], &["d", "x"]);
    place.commit(&[("d/a", "4444"), ("d/c", "5")], &["d"]);
    fs::rename(place.root().join("x"), place.root().join("d/moved")).unwrap();
    let committed = place.diff("HEAD~1", Some("HEAD"), &[]).unwrap();
    assert_eq!(paths(&committed.added), ["d/c"]);
    let sizes: Vec<_> = committed
        .modified
        .iter()
        .map(|(old, new)| (old.size, new.size))
        .collect();
    assert_eq!(sizes, [(Some(3), Some(7)), (Some(1), Some(4))]);
    let lying = place.diff("HEAD", None, &[]).unwrap();
    let (old, new) = &lying.renamed[0];
    assert_eq!(
        (old.path.as_str(), new.path.as_str(), new.size),
        ("x", "d/moved", Some(3))
    );
    let part = place.diff("HEAD~1", Some("HEAD"), &["d/a"]).unwrap();
    assert_eq!((part.modified.len(), part.added.len()), (1, 0));
    let of_file = place.diff("HEAD~1", Some("HEAD"), &["d.dvc"]).unwrap();
    assert_eq!(of_file, committed);
    assert_eq!(
        place.diff("HEAD", Some("HEAD"), &[]).unwrap(),
        Differences::default()
    );
    refused(
        place.diff("HEAD", None, &["absent"]),
        "no data of the two versions is at `absent`",
    );
    refused(place.diff("nothing", None, &[]), "no revision `nothing`");
}

#[test]
fn what_is_not_in_the_cache_is_told_and_its_files_are_not_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::new(dir.path(), "r");
    place.commit(&[("d/a", "1")], &["d"]);
    place.commit(&[("d/a", "2")], &["d"]);
    fs::remove_dir_all(place.root().join(".dvc/cache")).unwrap();
    let found = place.diff("HEAD~1", None, &[]).unwrap();
    assert_eq!(paths(&found.not_in_cache), ["d/"]);
    assert_eq!(
        (found.modified.len(), found.added.len(), found.deleted.len()),
        (1, 0, 0)
    );
    let revision = place.repository.revision("HEAD").unwrap();
    let data = place.repository.snapshot(&revision).unwrap();
    refused(
        place.repository.files_of(&data, &named("d")),
        "is not in the cache",
    );
}

#[test]
fn data_is_imported_without_a_tie_to_the_files_of_others() {
    let (_dir, source, mut place) = both(&[("t", "one\n"), ("g", "git's\n")], &["t"]);
    let mut config = place.repository.config_file(false).unwrap();
    config.set("cache", "type", "hardlink");
    config.save().unwrap();
    place.repository = Repository::open(place.root(), &Machine::default()).unwrap();
    place.import("t", "d/t", false).unwrap();
    place.import("g", "g", false).unwrap();
    let lying = source.root().join("t");
    place
        .repository
        .import_place(place.root(), "../source/t", &named("u"), (false, true))
        .unwrap();
    let metadata = fs::metadata(&lying).unwrap();
    assert_eq!(
        (metadata.nlink(), metadata.permissions().mode() & 0o200),
        (1, 0o200)
    );
    assert_eq!(
        (place.read("d/t"), place.read("g"), place.read("u")),
        ("one\n".into(), "git's\n".into(), "one\n".into())
    );
    assert!(
        place.read("u.dvc").contains("  path: ../source/t\n"),
        "{}",
        place.read("u.dvc")
    );
    refused(place.import("t", "d/t", false), "`d/t` exists");
    place.import("g", "d/t", true).unwrap();
    assert_eq!(place.read("d/t"), "git's\n");
    refused(place.import("t", "d/t/x", false), "is tracked by `d/t.dvc`");
    refused(place.import("t", "t.dvc", false), "a place of data");
    refused(place.import("nothing", "n", false), "has no `nothing` at");
    refused(place.import("../place/g", "n", false), "leads out");
    refused(place.import(".git/config", "n", false), "inner files");
    assert!(!place.root().join("n").exists() && !place.root().join("n.dvc").exists());
}

#[test]
fn updates_lose_neither_work_nor_words() {
    let (_dir, source, place) = both(&[("t", "one\n")], &["t"]);
    place.import("t", "t", false).unwrap();
    assert!(!place.update("t.dvc").unwrap(), "nothing has changed");
    source.commit(&[("t", "two\n")], &["t"]);
    place.write("t", "my work\n");
    refused(place.update("t"), "would be lost");
    assert_eq!(place.read("t"), "my work\n");
    place.write("t", "one\n");
    assert!(place.update("t").unwrap());
    assert_eq!(place.read("t"), "two\n");
    let text = format!("{}desc: ours\n", place.read("t.dvc"));
    place.write("t.dvc", &text);
    refused(place.update("t.dvc"), "an update would lose");
    place.write("x", "1");
    place.repository.add(&[named("x")]).unwrap();
    refused(place.update("x.dvc"), "no import");
    refused(place.update("absent"), "no import");
}

#[test]
fn imports_come_from_their_source_and_what_cannot_be_had_is_told() {
    let (dir, source, place) = both(&[("d/a", "1"), ("d/b", "2")], &["d"]);
    place.import("d", "d", false).unwrap();
    fs::remove_dir_all(place.root().join(".dvc/cache")).unwrap();
    fs::remove_dir_all(place.root().join("d")).unwrap();
    // Later versions of the source change nothing of what is recorded.
    source.commit(&[("d/a", "other")], &["d"]);
    let got = place.repository.fetch(&[], None).unwrap();
    assert_eq!((got.problems.len(), got.n_bytes), (0, 2));
    assert_eq!(
        place.repository.checkout(&[], false).unwrap()[0].problem,
        None
    );
    assert_eq!(place.read("d/a"), "1");
    fs::remove_dir_all(place.root().join(".dvc/cache")).unwrap();
    fs::rename(dir.path().join("source"), dir.path().join("gone")).unwrap();
    let got = place.repository.fetch(&[], None).unwrap();
    let (_, problem) = &got.problems[0];
    assert!(
        problem.contains("`../source` is no repository"),
        "{problem}"
    );
    let pushed = place.repository.push(&[], None).unwrap();
    assert_eq!(
        (pushed.n_objects, pushed.problems.len()),
        (0, 0),
        "it belongs to its source"
    );
}

#[test]
fn damaged_objects_of_others_come_nowhere() {
    let (dir, source, place) = both(&[("t", "one\n")], &["t"]);
    let object = source.object();
    fs::set_permissions(&object, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&object, "bad\n").unwrap();
    fs::set_permissions(&object, fs::Permissions::from_mode(0o444)).unwrap();
    refused(place.import("t", "t", false), "is damaged");
    assert!(!place.root().join("t.dvc").exists());
    let scratch = Scratch::new(dir.path()).unwrap();
    let source = Source::open(
        source.root().to_str().unwrap(),
        At::Head,
        &scratch,
        &Machine::default(),
    )
    .unwrap();
    let out = dir.path().join("out");
    refused(source.get(&named("t"), &out, false, &scratch), "is damaged");
    drop(scratch);
    let mut left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["place", "source"]);
}

#[test]
fn repositories_of_git_alone_are_sources_too() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("plain");
    fs::create_dir_all(root.join("sub")).unwrap();
    fs::write(root.join("sub/a"), "1").unwrap();
    fs::write(root.join("b"), "2").unwrap();
    git(&root, &["init", "--quiet", "--initial-branch=main"]);
    git(&root, &["add", "."]);
    git(&root, &["commit", "--quiet", "-m", "x"]);
    fs::write(root.join("b"), "lying").unwrap();
    for (place, at, expected) in [
        (root.to_str().unwrap().to_owned(), At::Now, "lying"),
        (root.to_str().unwrap().to_owned(), At::Head, "2"),
        (
            format!("file://{}/.git", root.display()),
            At::Revision("main"),
            "2",
        ),
    ] {
        let scratch = Scratch::new(dir.path()).unwrap();
        let source = Source::open(&place, at, &scratch, &Machine::default()).unwrap();
        let listed = source
            .list(&RepoPath::default(), (false, false), &scratch)
            .unwrap();
        let listed: Vec<_> = listed
            .iter()
            .map(|one| (one.path.as_str(), one.is_dir))
            .collect();
        assert_eq!(listed, [("b", false), ("sub", true)], "{place}");
        let out = dir.path().join("out");
        assert_eq!(source.get(&named("b"), &out, true, &scratch).unwrap(), 1);
        assert_eq!(fs::read_to_string(&out).unwrap(), expected, "{place}");
        refused(source.get(&named("b"), &out, false, &scratch), "--force");
        refused(
            source.list(&named("c"), (true, false), &scratch),
            "has no `c`",
        );
    }
    let scratch = Scratch::new(dir.path()).unwrap();
    let at = At::Revision("nothing");
    refused(
        Source::open(root.to_str().unwrap(), at, &scratch, &Machine::default()),
        "no revision `nothing`",
    );
    refused(
        Source::open("/nowhere/at/all", At::Head, &scratch, &Machine::default()),
        "no repository that can be read",
    );
}

#[test]
fn tags_of_gto_are_understood() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::new(dir.path(), "r");
    let artifacts = "artifacts:\n  people:\n    path: t.csv\n";
    place.commit(
        &[("sub/t.csv", "1"), ("sub/dvc.yaml", artifacts)],
        &["sub/t.csv"],
    );
    let tag = |name: &str| git(place.root(), &["tag", name]);
    for name in [
        "sub=people@v1.0.0",
        "sub=people@v1.1.0",
        "sub=people@v1.1.0!",
        "other",
        "people#prod#1",
    ] {
        tag(name);
    }
    let tags = place.repository.tags().unwrap();
    let found: Vec<_> = tags
        .iter()
        .map(|tag| (tag.tag.as_str(), tag.path.clone()))
        .collect();
    assert_eq!(found, [("sub=people@v1.0.0", Some(named("sub/t.csv")))]);
    assert!(tags[0].object.is_some());
    let made = place
        .repository
        .tag("sub:people@v2.0.0", None, "HEAD")
        .unwrap();
    assert_eq!(
        (made.tag.as_str(), made.path),
        ("sub=people@v2.0.0", Some(named("sub/t.csv")))
    );
    let next = place.repository.tag("sub:people", None, "HEAD").unwrap();
    assert_eq!(next.tag, "sub=people@v2.0.1");
    place.repository.delete_tag("sub:people@v2.0.1").unwrap();
    refused(place.repository.delete_tag("other"), "like `people@v1.2.0`");
    assert_eq!(place.repository.tags().unwrap().len(), 2);
}
