use std::fs;

use super::*;

struct Place {
    _dir: tempfile::TempDir,
    repository: Repository,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = Self {
            repository: Repository::init(dir.path(), &crate::Machine::default()).unwrap(),
            _dir: dir,
        };
        place.git(&["init", "--quiet", "--initial-branch=main"]);
        place
    }

    fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=Ann", "-c", "user.email=a@b"];
        let output = git(self.repository.root(), &identity)
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}");
    }

    /// Writes data, records and commits it.
    fn commit(&self, files: &[(&str, &str)], data: &str, subject: &str) {
        for (path, text) in files {
            let path = self.repository.root().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let data = RepoPath::default().join(data).unwrap();
        self.repository.add(&[data]).unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", subject]);
    }

    fn log(&self, path: &str, limit: usize) -> Vec<String> {
        let paths: Vec<RepoPath> = match path {
            "" => Vec::new(),
            path => vec![RepoPath::default().join(path).unwrap()],
        };
        let logged = self.repository.log("HEAD", &paths, limit).unwrap();
        let line = |one: &Logged| {
            let changes = one.changes.iter().map(|change| {
                let kind = match (change.before, change.after) {
                    (None, _) => "+",
                    (_, None) => "-",
                    _ => "~",
                };
                let files = change
                    .n_files
                    .map_or(String::new(), |files| format!("{files:?}"));
                format!("{kind}{}{files}", change.path)
            });
            let changes: Vec<String> = changes.collect();
            let problem = one.problem.as_deref().unwrap_or("").to_owned();
            assert_eq!(one.commit.author, "Ann");
            format!("{}: {}{problem}", one.commit.subject, changes.join(" "))
        };
        logged.iter().map(line).collect()
    }
}

#[test]
fn commits_that_changed_data_are_told_newest_first() {
    let place = Place::new();
    place.commit(&[("d/a", "1"), ("d/b", "1")], "d", "first");
    place.commit(&[("x", "1")], "x", "second");
    fs::write(place.repository.root().join("code.py"), "").unwrap();
    place.git(&["add", "."]);
    place.git(&["commit", "--quiet", "-m", "code only"]);
    place.commit(&[("d/a", "2"), ("d/c", "1")], "d", "third");
    place.git(&["rm", "--quiet", "x.dvc"]);
    place.git(&["commit", "--quiet", "-m", "gone"]);
    let all = ["gone: -x", "third: ~d[1, 1, 0]", "second: +x", "first: +d"];
    assert_eq!(place.log("", 99), all);
    assert_eq!(place.log("", 2), all[..2]);
    assert_eq!(place.log("x", 99), ["gone: -x", "second: +x"]);
    assert_eq!(place.log("d/a", 99), ["third: ~d[1, 1, 0]", "first: +d"]);
}

#[test]
fn branches_and_commits_that_cannot_be_read_are_in_it() {
    let place = Place::new();
    place.commit(&[("x", "1")], "x", "first");
    place.git(&["checkout", "--quiet", "-b", "side"]);
    place.commit(&[("y", "1")], "y", "aside");
    place.git(&["checkout", "--quiet", "main"]);
    place.commit(&[("x", "2")], "x", "main");
    place.git(&["merge", "--quiet", "side", "-m", "merged"]);
    let log = place.log("", 99);
    assert_eq!(log.last().map(String::as_str), Some("first: +x"));
    assert!(log.contains(&"aside: +y".to_owned()), "{log:?}");
    fs::write(place.repository.root().join("x.dvc"), "outs: 1").unwrap();
    place.git(&["commit", "--quiet", "-am", "broken"]);
    let log = place.log("", 99);
    assert!(
        log[0].starts_with("broken: `x.dvc` cannot be used"),
        "{log:?}"
    );
}
