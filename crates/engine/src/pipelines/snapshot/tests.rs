use std::path::Path;
use std::process::{Command, Stdio};

use everloop_versions::Md5;

use super::*;

const PIPELINE: &str =
    "metrics: [top.json]\nstages:\n  s: {cmd: x, outs: [data], metrics: [kept.json]}\n";

fn git(dir: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@t"];
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(identity).args(arguments);
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
}

fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Puts an object into the cache, and gives its digest.
fn keep(dir: &Path, text: &str, end: &str) -> String {
    let md5 = Md5::of(text.as_bytes()).to_string();
    let path = format!(".dvc/cache/files/md5/{}/{}{end}", &md5[..2], &md5[2..]);
    write(dir, &path, text);
    format!("{md5}{end}")
}

/// A repository whose first commit has outputs that only the cache has, and whose workspace differs.
fn repository(dir: &Path) -> Repository {
    git(dir, &["init", "--quiet"]);
    let repository = Repository::init(dir, &everloop_versions::Machine::default()).unwrap();
    write(dir, "dvc.yaml", PIPELINE);
    write(dir, "top.json", r#"{"a": 1}"#);
    let kept = keep(dir, r#"{"b": 2}"#, "");
    let inner = Md5::of(b"x,y\n1,2\n").to_string();
    keep(dir, "x,y\n1,2\n", "");
    let listing = format!(r#"[{{"md5": "{inner}", "relpath": "deep/p.csv"}}]"#);
    let data = keep(dir, &listing, ".dir");
    let out =
        |path: &str, md5: &str| format!("    - path: {path}\n      hash: md5\n      md5: {md5}\n");
    let outs = out("data", &data) + &out("kept.json", &kept);
    let lock = format!("schema: '2.0'\nstages:\n  s:\n    cmd: x\n    outs:\n{outs}");
    write(dir, "dvc.lock", &lock);
    git(dir, &["add", "."]);
    git(dir, &["commit", "--quiet", "-m", "first"]);
    write(dir, "top.json", "{");
    write(dir, "kept.json", r#"{"b": 3}"#);
    repository
}

/// What the files of a version hold, or what is wrong with them.
#[track_caller]
fn check(snapshot: &Snapshot, paths: &[&str], expected: &[&str]) {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let values = snapshot.values(&paths).into_iter();
    let shown: Vec<String> = values
        .map(|(path, value)| match value {
            Ok(value) => format!("{path} {}", value.json()),
            Err(problem) => format!("{path} {}", problem.kind),
        })
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn versions_have_their_own_files_and_those_of_the_cache() {
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path());
    let first = Snapshot::revision(&repository, "HEAD").unwrap();
    assert_eq!(first.problems(), []);
    assert_eq!(first.pipelines()[0].metrics, ["top.json"]);
    let paths = ["top.json", "kept.json", "absent.yaml", "../out.yaml"];
    let expected = [
        r#"top.json {"a":1}"#,
        r#"kept.json {"b":2}"#,
        "absent.yaml FileNotFoundError",
        "../out.yaml FileNotFoundError",
    ];
    check(&first, &paths, &expected);
    assert_eq!(
        first.files_below("data"),
        Some(vec!["data/deep/p.csv".to_owned()])
    );
    assert_eq!(first.files_below("top.json"), None);
    let bytes = first.read(&["data/deep/p.csv".to_owned()]);
    assert_eq!(bytes, [Ok(b"x,y\n1,2\n".to_vec())]);

    let now = Snapshot::workspace(&repository).unwrap();
    let expected = ["top.json JSONFileCorruptedError", r#"kept.json {"b":3}"#];
    check(&now, &["top.json", "kept.json"], &expected);
}

#[test]
fn what_is_not_here_or_wrong_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path());
    fs::remove_dir_all(dir.path().join(".dvc/cache")).unwrap();
    let first = Snapshot::revision(&repository, "HEAD").unwrap();
    check(&first, &["kept.json"], &["kept.json FileMissingError"]);
    write(dir.path(), "dvc.yaml", "stages: [");
    write(dir.path(), "sub/dvc.yaml", "metrics: [m.json]\n");
    write(dir.path(), "bad.dvc", "outs: 1\n");
    let now = Snapshot::workspace(&repository).unwrap();
    let files: Vec<&str> = now.problems().iter().map(|one| one.path.as_str()).collect();
    assert_eq!(files, [".", "dvc.yaml"]);
    assert_eq!(now.pipelines().len(), 1);
    assert!(Snapshot::revision(&repository, "nope").is_err());
}
