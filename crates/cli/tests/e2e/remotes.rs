//! `everloop data push|fetch|pull` with real servers, and real DVC on the other side where it can be.

mod faults;
mod places;
mod web;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use everloop_testkit::{Azurite, Objects, Sshd, test_python};
use serde_json::Value;

use crate::projects::BINARY;
use crate::versions::python_with_dvc;

/// Larger than what goes in one request.
const N_LARGE: usize = 20 << 20;

/// A repository with data of all kinds.
struct Repo {
    dir: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Repo {
    fn new(n_files: usize) -> Self {
        let repo = Self {
            dir: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
        };
        assert!(repo.data(&["init"]).status.success());
        fs::create_dir(repo.path("d")).unwrap();
        for number in 0..n_files {
            fs::write(
                repo.path(&format!("d/{number}")),
                format!("file {number}\n"),
            )
            .unwrap();
        }
        let mut number = 1_u64;
        let large: Vec<u8> = std::iter::repeat_with(|| {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (number >> 56) as u8 & 0x7f
        })
        .take(N_LARGE)
        .collect();
        fs::write(repo.path("large"), large).unwrap();
        repo.whole(&["add", "d", "large"]);
        repo
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn data(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(BINARY);
        command
            .arg("data")
            .args(arguments)
            .current_dir(self.dir.path());
        command.envs(self.environment.iter().cloned());
        command.output().unwrap()
    }

    /// Runs a command that must do all of its work.
    #[track_caller]
    fn whole(&self, arguments: &[&str]) -> Output {
        let output = self.data(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        output
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.data(&[arguments, &["--format", "json"]].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], code: i32, words: &[&str]) {
        let output = self.data(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        for words in words {
            assert!(said.contains(words), "`{words}` is not in: {said}");
        }
    }

    fn wipe(&self) {
        let _ = fs::remove_dir_all(self.path(".dvc/cache"));
        let _ = fs::remove_dir_all(self.path("d"));
        let _ = fs::remove_file(self.path("large"));
    }

    /// Real DVC in the same repository.
    #[track_caller]
    fn dvc(&self, python: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new(python.with_file_name("dvc"));
        command.args(arguments).current_dir(self.dir.path());
        command.env("DVC_NO_ANALYTICS", "1");
        command.env("DVC_SITE_CACHE_DIR", self.path(".dvc/tmp/site"));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "dvc {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Goes to the remote and back, each step twice: what is there does not go again.
    #[track_caller]
    fn goes_and_comes_back(&self, n_objects: usize) {
        let before = fs::read(self.path("large")).unwrap();
        let status = self.json(&["status", "--cloud"]);
        assert_eq!(status[0]["new"][0], "d", "{status}");
        for (verb, word) in [("push", "objects"), ("push", "present")] {
            let sent = self.json(&[verb]);
            assert_eq!(sent[word], n_objects, "{sent}");
        }
        let status = self.json(&["status", "--cloud"]);
        assert_eq!(status[0]["new"], Value::Array(vec![]));
        self.wipe();
        let status = self.json(&["status", "--cloud"]);
        assert_eq!(status[1]["deleted"][0], "large", "{status}");
        for word in ["objects", "present"] {
            let got = self.json(&["pull"]);
            assert_eq!(got["fetched"][word], n_objects, "{got}");
        }
        assert_eq!(fs::read(self.path("large")).unwrap(), before);
        assert_eq!(fs::read(self.path("d/1")).unwrap(), b"file 1\n");
        let rows = self.json(&["status"]);
        let is_same = |row: &Value| row["state"] == "unchanged" && row["in_cache"] == true;
        assert!(rows.as_array().unwrap().iter().all(is_same), "{rows}");
    }
}

/// All files below a directory, relative to it.
fn files_below(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(place) = dirs.pop() {
        for entry in fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let below = path.strip_prefix(dir).unwrap();
                found.push(below.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_bucket_holds_what_dvc_puts_into_a_directory() {
    let Some(objects) = Objects::start() else {
        return;
    };
    objects.make_bucket("data");
    let mut repo = Repo::new(400);
    let address = objects.environment()[3].1.clone();
    repo.environment = vec![("AWS_SECRET_ACCESS_KEY", "other".to_owned())];
    repo.whole(&["remote", "add", "-d", "main", "s3://data/team a/p"]);
    for (option, value) in [
        ("endpointurl", address.as_str()),
        ("region", "us-east-1"),
        ("access_key_id", "key"),
    ] {
        repo.whole(&["remote", "modify", "main", option, value]);
    }
    repo.whole(&[
        "remote",
        "modify",
        "--local",
        "main",
        "secret_access_key",
        "secret",
    ]);
    repo.goes_and_comes_back(402);

    let Some(python) = python_with_dvc() else {
        return;
    };
    let beside = tempfile::tempdir().unwrap();
    let place = beside.path().to_str().unwrap();
    repo.whole(&["remote", "add", "beside", place]);
    repo.dvc(&python, &["push", "-q", "-r", "beside"]);
    let copy = tempfile::tempdir().unwrap();
    let script = "import boto3, os, sys\n\
        bucket = boto3.resource('s3', endpoint_url=sys.argv[1]).Bucket('data')\n\
        for one in bucket.objects.all():\n    \
            os.makedirs(os.path.dirname(one.key), exist_ok=True); bucket.download_file(one.key, one.key)";
    let mut command = Command::new(&python);
    command
        .args(["-c", script, &address])
        .current_dir(copy.path());
    command.envs(objects.environment());
    assert!(command.status().unwrap().success());
    let copy = copy.path().join("team a/p");
    let keys = files_below(&copy);
    assert_eq!(keys, files_below(beside.path()));
    for key in keys {
        let there = fs::read(copy.join(&key)).unwrap();
        assert!(
            there == fs::read(beside.path().join(&key)).unwrap(),
            "{key}"
        );
    }
    // Without a key of the environment's, and with a profile.
    let file = repo.path("credentials");
    fs::write(
        &file,
        "[p]\naws_access_key_id = k\naws_secret_access_key = s\n",
    )
    .unwrap();
    repo.whole(&["remote", "modify", "main", "access_key_id", "--unset"]);
    repo.whole(&["remote", "modify", "main", "profile", "p"]);
    repo.whole(&["remote", "modify", "main", "credentialpath", "credentials"]);
    assert!(
        fs::read_to_string(repo.path(".dvc/config"))
            .unwrap()
            .contains("= ../credentials\n")
    );
    assert_eq!(repo.json(&["push"])["present"], 402);
    repo.whole(&["remote", "modify", "main", "url", "s3://none/x"]);
    repo.refused(
        &["push"],
        30,
        &["bucket of remote `main` (`s3://none/x`)", "make it"],
    );
}

#[test]
fn a_container_of_azure_is_a_remote() {
    let (Some(azurite), Some(python)) = (Azurite::start(), test_python()) else {
        return;
    };
    let url = format!("http://{}", azurite.address());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/azure_container.py");
    let made = Command::new(python)
        .arg(script)
        .args([&url, "data"])
        .status();
    assert!(made.unwrap().success());
    let repo = Repo::new(20);
    repo.whole(&["remote", "add", "-d", "main", "azure://data/p"]);
    let key =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    let account = "devstoreaccount1";
    let connection =
        format!("AccountName={account};AccountKey={key};BlobEndpoint={url}/{account};");
    repo.whole(&[
        "remote",
        "modify",
        "--local",
        "main",
        "connection_string",
        &connection,
    ]);
    repo.goes_and_comes_back(22);
    // The same in chunks, beside it.
    repo.whole(&["remote", "modify", "main", "url", "azure://data/chunks"]);
    repo.whole(&["remote", "modify", "main", "everloop_chunks", "true"]);
    repo.goes_and_comes_back(22);
}

#[test]
fn a_directory_behind_ssh_is_a_remote_for_both_programs() {
    let Some(sshd) = Sshd::start() else {
        return;
    };
    let mut repo = Repo::new(300);
    repo.environment = vec![("PATH", sshd.search_path())];
    let place = tempfile::tempdir().unwrap();
    let place = place.path().join("deep/er");
    let user = whoami();
    let url = format!("ssh://{user}@127.0.0.1{}", place.display());
    repo.whole(&["remote", "add", "-d", "main", &url]);
    let port = sshd.port().to_string();
    repo.whole(&["remote", "modify", "main", "port", &port]);
    let key = sshd.key();
    repo.whole(&[
        "remote",
        "modify",
        "--local",
        "main",
        "keyfile",
        key.to_str().unwrap(),
    ]);
    repo.goes_and_comes_back(302);

    let Some(python) = python_with_dvc() else {
        return;
    };
    let beside = tempfile::tempdir().unwrap();
    repo.whole(&["remote", "add", "beside", beside.path().to_str().unwrap()]);
    repo.dvc(&python, &["push", "-q", "-r", "beside"]);
    assert_eq!(files_below(&place), files_below(beside.path()));
    let has_ssh = Command::new(&python)
        .args(["-c", "import dvc_ssh"])
        .output();
    if !has_ssh.unwrap().status.success() {
        println!("skipped: this DVC has no `dvc-ssh`");
        return;
    }
    repo.wipe();
    repo.dvc(&python, &["pull", "-q"]);
    fs::remove_dir_all(&place).unwrap();
    repo.dvc(&python, &["push", "-q"]);
    repo.wipe();
    assert_eq!(repo.json(&["pull"])["fetched"]["objects"], 302);
    assert_eq!(repo.json(&["push"])["present"], 302);
}

#[test]
fn who_is_not_let_in_by_ssh_is_told_why() {
    let Some(sshd) = Sshd::start() else {
        return;
    };
    let mut repo = Repo::new(1);
    repo.environment = vec![("PATH", sshd.search_path())];
    let url = format!("ssh://{}@127.0.0.1:{}/nowhere", whoami(), sshd.port());
    repo.whole(&["remote", "add", "-d", "main", &url]);
    let other = sshd.other_key();
    repo.whole(&[
        "remote",
        "modify",
        "main",
        "keyfile",
        other.to_str().unwrap(),
    ]);
    repo.refused(&["push"], 41, &["remote `main`", "Permission denied"]);
    let key = sshd.key();
    repo.whole(&["remote", "modify", "main", "keyfile", key.to_str().unwrap()]);
    sshd.is_known(false);
    repo.refused(&["push"], 41, &["remote `main`", "connect once with `ssh`"]);
    repo.whole(&["remote", "modify", "main", "password", "x"]);
    repo.refused(&["push"], 2, &["\"main\"", "`password` is not supported"]);
}

fn whoami() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn remotes_are_changed_renamed_and_removed_as_dvc_does_it() {
    let repo = Repo::new(1);
    repo.whole(&["remote", "add", "-d", "a", "s3://b/p"]);
    repo.whole(&["remote", "modify", "a", "region", "eu"]);
    repo.whole(&["remote", "modify", "--local", "a", "access_key_id", "k"]);
    repo.whole(&["remote", "modify", "a", "everloop_chunks", "true"]);
    repo.refused(
        &["remote", "modify", "a", "sas_token", "x"],
        2,
        &["no option of a remote at `s3://b/p`"],
    );
    repo.refused(
        &["remote", "modify", "none", "region", "x"],
        30,
        &["no remote `none`"],
    );
    repo.whole(&["remote", "add", "c", "remote://a/below"]);
    if let Some(python) = python_with_dvc() {
        assert!(repo.dvc(&python, &["remote", "list"]).contains("s3://b/p"));
    }
    assert_eq!(repo.json(&["remote", "rename", "a", "z"])["remote"], "a");
    repo.refused(
        &["remote", "rename", "z", "c"],
        31,
        &["there is a remote `c`"],
    );
    let read = |name: &str| fs::read_to_string(repo.path(name)).unwrap();
    let config = read(".dvc/config");
    assert!(
        config.contains("    remote = z\n['remote \"z\"']\n    url"),
        "{config}"
    );
    assert_eq!(
        read(".dvc/config.local"),
        "['remote \"z\"']\n    access_key_id = k\n"
    );
    assert_eq!(
        read(".dvc/everloop"),
        "['remote \"z\"']\n    chunks = true\n"
    );
    assert_eq!(repo.json(&["remote", "default"])["default"], "z");
    repo.whole(&["remote", "remove", "z"]);
    assert_eq!(repo.json(&["remote", "default"])["default"], Value::Null);
    let config = read(".dvc/config");
    assert!(
        config.ends_with("True\n['remote \"c\"']\n    url = remote://a/below\n"),
        "{config}"
    );
    repo.refused(&["push", "--remote", "c"], 30, &["no remote `a`"]);
}
