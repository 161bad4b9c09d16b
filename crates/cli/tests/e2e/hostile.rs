//! Versions and pipelines on bad input, bad machines and in bad company.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::machine::SmallDisk;
use crate::projects::BINARY;
use crate::versions::python_with_dvc;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.root().join("r")).unwrap();
        let git = Command::new("git")
            .args(["init", "-q"])
            .arg(place.repo())
            .status();
        assert!(git.unwrap().success());
        place.done(&["data", "init"]);
        place
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn repo(&self) -> std::path::PathBuf {
        self.root().join("r")
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.repo().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(self.repo());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// The code and the words of a command, which must end by itself.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.start(arguments).wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code();
        (
            code.unwrap_or_else(|| panic!("{arguments:?}: {words}")),
            words,
        )
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) {
        let (code, words) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {words}");
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], expected: &str) {
        let (code, words) = self.run(arguments);
        assert!(code != 0 && code != 101, "{arguments:?}: {code} {words}");
        assert!(words.contains(expected), "{arguments:?}: {words}");
        assert!(!words.contains("panicked") && words.len() < 4000, "{words}");
    }

    /// Every object is what its name says, and no object was begun.
    #[track_caller]
    fn is_whole(&self) {
        let script = "shopt -s nullglob; cd .dvc/cache/files/md5 2>/dev/null || exit 0; ls | grep -v '^..$' && exit 1; for f in ??/*; do n=$(echo $f | tr -d /); test \"$(md5sum < $f | cut -c1-32)\" = ${n%.dir} && test $(stat -c %a $f) = 444 || exit 2; done";
        let status = Command::new("bash")
            .args(["-c", script])
            .current_dir(self.repo())
            .status();
        assert!(status.unwrap().success());
    }
}

const STATUS: &[&str] = &["data", "status"];
const DRY: &[&str] = &["repro", "--dry"];

#[track_caller]
fn bad(name: &str, bytes: impl AsRef<[u8]>, arguments: &[&str], expected: &str) {
    let place = Place::new();
    if name != "dvc.yaml" {
        place.write(
            "dvc.yaml",
            "stages:\n  a:\n    cmd: echo 1 > a\n    outs: [a]\n    params: [x]\n",
        );
    }
    place.write(name, bytes);
    place.refused(arguments, expected);
}

#[test]
fn torn_and_binary_files_are_named() {
    bad(
        "x.dvc",
        "outs:\n- md5: d41d8c",
        STATUS,
        "`x.dvc` cannot be used",
    );
    bad(
        "x.dvc",
        "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  hash: md5\n",
        STATUS,
        "path",
    );
    bad("x.dvc", b"\xff\xfe\x00", STATUS, "no UTF-8");
    bad("dvc.yaml", "stages:\n  a:\n    cmd: [", DRY, "dvc.yaml");
    bad("dvc.yaml", b"\xff\xfe\x00s", DRY, "dvc.yaml");
    bad(
        "dvc.lock",
        "schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs:\n    - pa",
        DRY,
        "dvc.lock",
    );
    bad("dvc.lock", b"\x00\x01\xff", DRY, "dvc.lock");
    bad("params.yaml", "x: [1", DRY, "params.yaml");
    bad(".dvc/config", b"\xff", STATUS, "config");
    bad(".dvc/config", "[core\nremote", STATUS, "config");
}

#[test]
fn paths_that_lead_out_and_bombs_are_refused() {
    for path in [
        "../x",
        "/etc/passwd",
        "'.git/hooks/x'",
        "'.GIT. /config'",
        "'a/../../x'",
        "'git~1/x'",
    ] {
        let text = format!(
            "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  hash: md5\n  path: {path}\n"
        );
        bad(
            "x.dvc",
            text,
            &["data", "checkout", "--force"],
            "`x.dvc` names it",
        );
    }
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (next, last) in ('b'..='j').zip('a'..) {
        let _ = writeln!(bomb, "{next}: &{next} [{}]", format!("*{last},").repeat(9));
    }
    bad("x.dvc", &bomb, STATUS, "x.dvc");
    bad("dvc.yaml", &bomb, DRY, "dvc.yaml");
    bad("params.yaml", &bomb, DRY, "params.yaml");
    bad("dvc.yaml", "a: ".repeat(50_000), DRY, "dvc.yaml");
    bad("dvc.lock", "[".repeat(50_000), DRY, "dvc.lock");
}

#[test]
fn stages_that_do_not_fit_are_refused() {
    let stage = |name: &str, dep: &str, out: &str| {
        format!("  {name}:\n    cmd: cp {dep} {out}\n    deps: [{dep}]\n    outs: [{out}]\n")
    };
    let circle = format!("stages:\n{}{}", stage("a", "x", "y"), stage("b", "y", "x"));
    bad("dvc.yaml", circle, DRY, "circle: a -> b -> a");
    let twice = format!("stages:\n{}{}", stage("a", "x", "z"), stage("b", "y", "z"));
    bad(
        "dvc.yaml",
        twice,
        DRY,
        "`z` is made by the stages `a` and `b`",
    );
    let inside = format!(
        "stages:\n{}{}",
        stage("a", "x", "z"),
        stage("b", "y", "z/w")
    );
    bad("dvc.yaml", inside, DRY, "lie in each other");
    let tracked = "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  hash: md5\n  path: a\n";
    bad("a.dvc", tracked, DRY, "`a` is made by the stages");
}

#[test]
fn links_to_devices_are_not_read() {
    for (name, arguments) in [
        ("x.dvc", STATUS),
        ("dvc.yaml", DRY),
        ("dvc.lock", DRY),
        ("params.yaml", DRY),
        (".dvcignore", STATUS),
    ] {
        let place = Place::new();
        place.write(
            "dvc.yaml",
            "stages:\n  a:\n    cmd: echo 1 > a\n    outs: [a]\n    params: [x]\n",
        );
        let _ = fs::remove_file(place.repo().join(name));
        symlink("/dev/zero", place.repo().join(name)).unwrap();
        place.refused(arguments, "it is no file");
    }
}

#[test]
fn hostile_listings_write_nothing_outside() {
    let place = Place::new();
    place.write("d/sub/x", "1");
    place.done(&["data", "add", "d"]);
    // A link that the walk through the data does not see.
    let victim = place.root().join("victim");
    fs::create_dir(&victim).unwrap();
    fs::remove_dir_all(place.repo().join("d/sub")).unwrap();
    symlink(&victim, place.repo().join("d/sub")).unwrap();
    place.write(".dvcignore", "/d/sub\n");
    place.refused(&["data", "checkout", "--force"], "is a link");
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
    // A listing with a path that leads out, under its right name.
    let text = r#"[{"md5": "c4ca4238a0b923820dcc509a6f75849b", "relpath": "../../victim/x"}]"#;
    let md5 = {
        place.write("listing", text);
        let output = Command::new("md5sum")
            .arg(place.repo().join("listing"))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()[..32].to_owned()
    };
    place.write(
        &format!(".dvc/cache/files/md5/{}/{}.dir", &md5[..2], &md5[2..]),
        text,
    );
    place.write(
        "e.dvc",
        format!("outs:\n- md5: {md5}.dir\n  hash: md5\n  path: e\n"),
    );
    let (_, words) = place.run(&["data", "checkout", "--force", "e"]);
    assert!(words.contains("leads out"), "{words}");
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
}

#[test]
fn odd_names_come_back_and_git_ignores_them() {
    let place = Place::new();
    let long = "n".repeat(250);
    let names = [
        "-rf",
        "a\nb",
        " x ",
        "*",
        "#x",
        "!x",
        "é\u{301}😀",
        long.as_str(),
        "\\",
        "a'b\"c",
    ];
    for name in names {
        place.write(name, name);
        place.write(&format!("d/{name}"), name);
        place.done(&["data", "add", "--", name]);
        let mut git = Command::new("git");
        git.args(["check-ignore", "-q", "--no-index", "--"])
            .arg(format!("./{name}"));
        assert!(
            git.current_dir(place.repo()).status().unwrap().success(),
            "{name:?}"
        );
    }
    place.done(&["data", "add", "d"]);
    for name in names {
        fs::remove_file(place.repo().join(name)).unwrap();
    }
    fs::remove_dir_all(place.repo().join("d")).unwrap();
    place.done(&["data", "checkout"]);
    for name in names {
        for path in [name.to_owned(), format!("d/{name}")] {
            assert_eq!(fs::read_to_string(place.repo().join(path)).unwrap(), *name);
        }
    }
    let bytes = std::ffi::OsString::from_vec(b"bad\xff".to_vec());
    fs::write(place.repo().join("d").join(&bytes), "x").unwrap();
    place.refused(&["data", "commit"], "no UTF-8");
    place.refused(&["data", "add", &"n".repeat(252)], "does not exist");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_refused_or_whole() {
    let place = Place::new();
    place.write("log", vec![b'x'; 30 << 20]);
    let path = place.repo().join("log");
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::io::Write as _;
            let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                file.write_all(b"more\n").unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let (code, words) = place.run(&["data", "add", "log"]);
        is_done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(
            code == 0 || words.contains("changes while it is read"),
            "{words}"
        );
    });
    place.is_whole();
    place.done(&["data", "add", "log"]);
    place.is_whole();
}

#[test]
fn stages_that_fail_are_told_and_not_recorded() {
    let check = |cmd: &str, expected: &str| {
        let place = Place::new();
        place.write("other.csv", "1\n");
        place.done(&["data", "add", "other.csv"]);
        place.write("dvc.yaml", format!("stages:\n  good:\n    cmd: echo 1 > good\n    outs: [good]\n  bad:\n    cmd: {cmd}\n    deps: [good]\n    outs: [bad]\n"));
        place.refused(&["repro"], expected);
        let lock = fs::read_to_string(place.repo().join("dvc.lock")).unwrap();
        assert!(
            lock.contains("  good:") && !lock.contains("  bad:"),
            "{lock}"
        );
        let ignored = fs::read_to_string(place.repo().join(".gitignore")).unwrap();
        assert!(ignored.contains("/good\n"), "{ignored}");
        place.is_whole();
        place
    };
    check("echo 1 > bad; exit 7", "exit code 7");
    check("echo 1 > bad; kill -9 $$", "signal 9");
    check("'true'", "`bad`");
    check("mkfifo bad", "neither a file nor a directory");
    // What it writes outside of its outputs is seen afterwards.
    let place = check("echo 2 > other.csv; exit 1", "exit code 1");
    let output = Command::new(BINARY)
        .args(STATUS)
        .current_dir(place.repo())
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("other.csv: modified"));
}

#[test]
fn outputs_that_git_has_and_parameters_that_are_missing_stop_a_stage_before_it_runs() {
    let place = Place::new();
    place.write("model", "trained for a week");
    place.write(
        "dvc.yaml",
        "stages:\n  a:\n    cmd: echo 1 > model\n    outs: [model]\n",
    );
    let added = Command::new("git")
        .args(["add", "model"])
        .current_dir(place.repo())
        .status();
    assert!(added.unwrap().success());
    place.refused(&["repro"], "git rm -r --cached 'model'");
    place.write("dvc.yaml", "stages:\n  a:\n    cmd: echo 1 > model\n    params: [absent]\n    outs: [model: {cache: false}]\n");
    place.write("params.yaml", "present: 1\n");
    place.refused(&["repro"], "`absent`");
    assert_eq!(
        fs::read_to_string(place.repo().join("model")).unwrap(),
        "trained for a week"
    );
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing_torn() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let place = Place::new();
    let cache = disk.0.path().join("cache");
    place.write(
        ".dvc/config",
        format!("[cache]\n    dir = {}\n    type = copy\n", cache.display()),
    );
    for number in 0..40 {
        place.write(&format!("d/{number}"), vec![number; 100_000]);
    }
    let filler = disk.fill();
    place.refused(&["data", "add", "d"], "No space left");
    assert!(!place.repo().join("d.dvc").exists());
    fs::remove_file(filler).unwrap();
    place.done(&["data", "add", "d"]);
    // A remote on a disk that may only be read.
    let place = Place::new();
    place.write("x", "1");
    place.done(&["data", "add", "x"]);
    let remote = disk.0.path().join("remote");
    fs::create_dir(&remote).unwrap();
    place.done(&["data", "remote", "add", "-d", "m", remote.to_str().unwrap()]);
    let remounted = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(disk.0.path())
        .status();
    assert!(remounted.unwrap().success());
    let (code, words) = place.run(&["data", "push"]);
    assert!(
        code != 0 && words.contains("Read-only file system"),
        "{code} {words}"
    );
    place.is_whole();
}

#[test]
fn dvc_and_everloop_wait_for_each_other() {
    let Some(python) = python_with_dvc() else {
        return;
    };
    let place = Place::new();
    let site = place.root().join("site");
    let dvc = |program: &Path, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(place.repo());
        command
            .env("DVC_SITE_CACHE_DIR", &site)
            .env("DVC_NO_ANALYTICS", "1");
        command
    };
    place.write("d/x", vec![1; 3_000_000]);
    place.write("y", "2");
    // DVC works: its process is named.
    let hold = "import sys\nfrom dvc.repo import Repo\nwith Repo('.').lock:\n    print('held', flush=True)\n    sys.stdin.read()";
    let mut held = dvc(&python, &["-c", hold])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 5];
    std::io::Read::read_exact(held.stdout.as_mut().unwrap(), &mut line).unwrap();
    place.refused(
        &["data", "add", "y"],
        &format!("locked by process {} (`", held.id()),
    );
    drop(held.stdin.take());
    held.wait().unwrap();
    // Everloop works, and is stopped in the middle of it.
    let mut ours = place.start(&["data", "add", "d"]);
    let lock = place.repo().join(".dvc/tmp/lock");
    let pid = ours.id().to_string();
    while fs::read_to_string(&lock).unwrap_or_default().trim() != pid {
        std::thread::yield_now();
    }
    let signal = |name: &str| Command::new("kill").args([name, &pid]).status().unwrap();
    assert!(signal("-STOP").success());
    let was_done = place.repo().join("d.dvc").exists();
    let theirs = dvc(&python.with_file_name("dvc"), &["add", "y"])
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&theirs.stderr).into_owned();
    assert!(signal("-CONT").success());
    assert!(ours.wait().unwrap().success());
    assert!(
        was_done || (!theirs.status.success() && words.contains("lock")),
        "{words}"
    );
    assert!(
        dvc(&python.with_file_name("dvc"), &["add", "-q", "y"])
            .status()
            .unwrap()
            .success()
    );
    place.is_whole();
}
