//! Large objects in chunks on remotes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use everloop_versions::{Machine, ObjectId, Repository};

const MIB: usize = 1 << 20;

struct Place {
    dir: tempfile::TempDir,
    repository: Repository,
}

/// Bytes of chance, the same each time.
fn bytes(seed: u64, n_bytes: usize) -> Vec<u8> {
    let mut number = seed | 1;
    let mut bytes = Vec::with_capacity(n_bytes);
    while bytes.len() < n_bytes {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.truncate(n_bytes);
    bytes
}

fn size_of(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else {
        return 0;
    };
    let size = |entry: fs::DirEntry| match entry.metadata().unwrap() {
        metadata if metadata.is_dir() => size_of(&entry.path()),
        metadata => metadata.len(),
    };
    entries.map(|entry| size(entry.unwrap())).sum()
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("repo");
        fs::create_dir(&root).unwrap();
        let repository = Repository::init(&root, &Machine::default()).unwrap();
        let set = (true, false, false);
        repository
            .add_remote(&root, ("main", "../remote"), set)
            .unwrap();
        let mut place = Self { dir, repository };
        place.reopen();
        let chunks = ("main", "everloop_chunks", Some("true"));
        place
            .repository
            .modify_remote(&root, chunks, false)
            .unwrap();
        place
    }

    fn reopen(&mut self) {
        self.repository = Repository::open(self.repository.root(), &Machine::default()).unwrap();
    }

    fn remote(&self) -> std::path::PathBuf {
        self.dir.path().join("remote")
    }

    fn add(&self, bytes: &[u8]) -> ObjectId {
        let root = self.repository.root();
        let _ = fs::remove_file(root.join("file"));
        fs::write(root.join("file"), bytes).unwrap();
        let path = self.repository.path(root, Path::new("file")).unwrap();
        self.repository.add(&[path]).unwrap()[0].recorded.object
    }

    /// Pushes, and gives the bytes that the remote grew by.
    fn push(&self) -> u64 {
        let before = size_of(&self.remote());
        let sent = self.repository.push(&[], None).unwrap();
        assert_eq!(sent.problems, []);
        size_of(&self.remote()) - before
    }

    #[track_caller]
    fn comes_back(&self, expected: &[u8]) {
        let root = self.repository.root();
        let _ = fs::remove_dir_all(root.join(".dvc/cache"));
        fs::remove_file(root.join("file")).unwrap();
        let got = self.repository.fetch(&[], None).unwrap();
        assert_eq!((got.n_objects, got.problems), (1, vec![]));
        self.repository.checkout(&[], false).unwrap();
        assert!(fs::read(root.join("file")).unwrap() == expected);
    }
}

#[test]
fn a_large_file_that_grows_by_a_percent_adds_about_a_percent() {
    let place = Place::new();
    let mut content = bytes(1, 100 * MIB);
    place.add(&content);
    let first = place.push();
    assert!(first < 101 * MIB as u64, "{first}");
    content.extend(bytes(2, MIB));
    place.add(&content);
    let more = place.push();
    println!("1 MiB more added {more} bytes");
    assert!(more < 2 * MIB as u64, "{more}");
    assert_eq!(place.push(), 0);
    assert_eq!(place.repository.push(&[], None).unwrap().n_present, 1);
    place.comes_back(&content);
}

#[test]
fn an_object_in_chunks_that_broke_off_goes_on_where_it_was() {
    let place = Place::new();
    let content = bytes(6, 12 * MIB);
    let object = place.add(&content);
    place.push();
    let cache = place.repository.root().join(".dvc/cache");
    fs::remove_dir_all(&cache).unwrap();
    let dir = cache.join("files/md5");
    fs::create_dir_all(&dir).unwrap();
    // Killed in the middle of a chunk; what came before is not asked for again.
    let part = dir.join(format!("everloop-{object}.part"));
    fs::write(&part, &content[..9 * MIB + 17]).unwrap();
    assert!(place.repository.fsck(&[], true, None).is_ok());
    assert!(place.repository.status(&[]).is_ok());
    let first = place.remote().join(first_chunk(&place.remote()));
    let kept = fs::read(&first).unwrap();
    assert!(content.starts_with(&kept));
    fs::remove_file(&first).unwrap();
    let got = place.repository.fetch(&[], None).unwrap();
    assert_eq!((got.n_objects, got.problems), (1, vec![]));
    assert!(!part.exists());
    place.repository.checkout(&[], false).unwrap();
    fs::write(&first, kept).unwrap();
    place.comes_back(&content);
}

/// The first chunk of the only manifest of a remote.
fn first_chunk(remote: &Path) -> String {
    let manifests = remote.join("everloop/manifests/md5");
    let only = |dir: &Path| fs::read_dir(dir).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(only(&only(&manifests))).unwrap();
    let name = text
        .split("[[\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    format!("everloop/chunks/{}/{}", &name[..2], &name[2..])
}

#[test]
fn what_is_inserted_moves_no_other_chunk() {
    let place = Place::new();
    let mut content = bytes(3, 16 * MIB);
    place.add(&content);
    place.push();
    content.splice(5 * MIB..5 * MIB, *b"inserted");
    place.add(&content);
    let more = place.push();
    assert!(more < 3 * MIB as u64, "{more}");
    place.comes_back(&content);
}

#[test]
fn small_files_go_whole_and_other_remotes_have_no_chunks() {
    let place = Place::new();
    let object = place.add(&bytes(4, MIB)).to_string();
    place.push();
    let (start, rest) = object.split_at(2);
    assert!(
        place
            .remote()
            .join(format!("files/md5/{start}/{rest}"))
            .exists()
    );
    assert!(!place.remote().join("everloop").exists());
}

#[test]
fn chunks_that_are_damaged_or_absent_are_named_and_nothing_is_kept() {
    let place = Place::new();
    let content = bytes(5, 8 * MIB);
    place.add(&content);
    place.push();
    let chunks = place.remote().join("everloop/chunks");
    let dir = fs::read_dir(&chunks)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let chunk = fs::read_dir(dir).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&chunk).unwrap();
    fs::remove_dir_all(place.repository.root().join(".dvc/cache")).unwrap();
    for (damage, words) in [
        (Some(&b"evil"[..]), "not those of its name"),
        (None, "is not there"),
    ] {
        match damage {
            Some(bytes) => fs::write(&chunk, bytes).unwrap(),
            None => fs::remove_file(&chunk).unwrap(),
        }
        let got = place.repository.fetch(&[], None).unwrap();
        let problem = &got.problems[0].1;
        assert!(
            problem.contains(words) && problem.contains("everloop/chunks/"),
            "{problem}"
        );
        let cache = place.repository.root().join(".dvc/cache");
        assert_eq!(size_of(&cache), 0, "nothing is half-written");
    }
    fs::write(&chunk, &whole).unwrap();
    let manifests = place.remote().join("everloop/manifests/md5");
    let dir = fs::read_dir(manifests)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let manifest = fs::read_dir(dir).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&manifest).unwrap();
    for (from, to, words) in [
        ("\"version\":1", "\"version\":9", "later Everloop"),
        (
            "\"chunks\":[[\"",
            "\"chunks\":[[\"../../",
            "no manifest of this object",
        ),
        ("{", "", "no manifest of chunks"),
    ] {
        fs::write(&manifest, text.replacen(from, to, 1)).unwrap();
        let error = place.repository.fetch(&[], None).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    fs::write(&manifest, &text).unwrap();
    place.comes_back(&content);
}

#[test]
fn what_no_object_needs_can_be_told() {
    let place = Place::new();
    let mut content = bytes(6, 8 * MIB);
    let first = place.add(&content);
    place.push();
    content.truncate(6 * MIB);
    let second = place.add(&content);
    place.push();
    let (remote, _) = place.repository.remote(None).unwrap();
    let both = BTreeSet::from([first, second]);
    assert_eq!(remote.unneeded_chunks(&both).unwrap(), [""; 0]);
    let unneeded = remote.unneeded_chunks(&BTreeSet::from([second])).unwrap();
    assert!(unneeded[0].starts_with("everloop/manifests/md5/"));
    assert!(unneeded.len() > 1);
    for file in unneeded {
        remote.delete(&file).unwrap();
    }
    place.comes_back(&content);
}
